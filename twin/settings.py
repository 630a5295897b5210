"""What the environment tells a twin, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twin.core.model import Account


@dataclass(frozen=True, slots=True)
class Settings:
    """One twin's settings; see `python -m twin --help` for the variables."""

    port: int
    state_dir: Path
    account: Account
    seed: str
    cdn_public_key: str
    cdn_key_id: str
    media_bucket: str
    witness_queue: str
    transcribe_queue: str
    host: str

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """From TWIN_* variables. Raises SystemExit naming the variable and the remedy."""
        plain = Account()
        return cls(
            port=_port(env.get("TWIN_PORT", "8090")),
            state_dir=Path(env.get("TWIN_STATE_DIR", ".twin")),
            account=Account(
                waba_id=env.get("TWIN_WABA_ID", plain.waba_id),
                pnid=env.get("TWIN_PHONE_NUMBER_ID", plain.pnid),
                eum_phone_id=_eum(env.get("TWIN_EUM_PHONE_NUMBER_ID", plain.eum_phone_id)),
                display=env.get("TWIN_DISPLAY_NUMBER", plain.display).lstrip("+"),
                region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or plain.region,
                aws_account=env.get("TWIN_AWS_ACCOUNT", plain.aws_account),
            ),
            seed=env.get("TWIN_SEED", "0"),
            cdn_public_key=_pem(env.get("TWIN_CDN_PUBLIC_KEY", "")),
            cdn_key_id=env.get("TWIN_CDN_KEY_ID", ""),
            media_bucket=env.get("TWIN_MEDIA_BUCKET", ""),
            witness_queue=env.get("TWIN_WITNESS_QUEUE", ""),
            transcribe_queue=env.get("TWIN_TRANSCRIBE_QUEUE", ""),
            host=env.get("TWIN_HOST", "127.0.0.1"),
        )


def _port(text: str) -> int:
    if not text.isdigit():
        raise SystemExit(f"TWIN_PORT: {text!r} is no port; give a number from 0 (any free one) to 65535")
    return int(text)


def _eum(text: str) -> str:
    if not text.startswith("phone-number-id-"):
        raise SystemExit("TWIN_EUM_PHONE_NUMBER_ID: must start with phone-number-id- (EUM Social's form)")
    return text


def _pem(text: str) -> str:
    """A PEM text, or the file that holds it."""
    if not text or text.startswith("-----BEGIN"):
        return text
    try:
        return Path(text).read_text("ascii")
    except OSError as wrong:
        raise SystemExit(
            f"TWIN_CDN_PUBLIC_KEY: neither a PEM text nor a readable file ({wrong.strerror})"
        ) from wrong
