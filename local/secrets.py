"""Secrets of one machine: made on the first run, kept in `.local/secrets` with mode 600, never printed."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_RSA_BITS = 2048
_TEAM = 12  # the newsroom has 8 to 12 agents
_PRIVATE = 0o600

AGENTS = tuple(f"agent-{n:02d}" for n in range(1, _TEAM + 1))
# Services and tests sign in with client credentials; the client's id is the token's subject.
CLIENTS: dict[str, list[str]] = {
    "agent": ["agent"],
    "editor": ["agent", "editor"],
    "admin": ["admin"],
    "ops": ["ops"],
    "machine": ["machine"],
    **{name: ["agent"] for name in AGENTS},
}
# People sign in at the console.
PEOPLE: dict[str, tuple[str, list[str]]] = {
    "ana": ("Ana Ruiz", ["agent"]),
    "beto": ("Beto Luna", ["agent"]),
    "carla": ("Carla Díaz", ["agent"]),
    "elena": ("Elena Soto", ["agent", "editor"]),
    "adela": ("Adela Mora", ["admin"]),
    "omar": ("Omar Gil", ["ops"]),
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What this machine's system keeps to itself.

    Args:
        folder: where the files are.
        clients: client id to secret.
        jwks: the identity provider's private signing keys.
        cookie_keys: its cookie signing keys.
        pepper: key of the alias HMACs, 32 bytes.
    """

    folder: Path
    clients: dict[str, str]
    jwks: dict[str, Any]
    cookie_keys: list[str]
    pepper: bytes

    @property
    def cdn_private_key(self) -> Path:
        """PEM file that signs media URLs."""
        return self.folder / "cdn-private.pem"

    @property
    def cdn_public_key(self) -> Path:
        """PEM file that the CDN verifies them with."""
        return self.folder / "cdn-public.pem"


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, readable by its owner only from the first byte."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    partial.rename(path)


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _make_cdn_key(private: Path, public: Path) -> None:
    key = _rsa()
    _write(
        private,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(
        public,
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )


def _new() -> dict[str, Any]:
    key = RSAAlgorithm.to_jwk(_rsa(), as_dict=True)
    key.pop("key_ops", None)
    return {
        "clients": {name: secrets.token_urlsafe(24) for name in CLIENTS},
        "jwks": {"keys": [{**key, "use": "sig", "alg": "RS256", "kid": secrets.token_hex(8)}]},
        "cookie_keys": [secrets.token_urlsafe(32)],
        "pepper": secrets.token_hex(32),
    }


def ensure(state: Path) -> Secrets:
    """This machine's secrets, made now if there are none."""
    folder = state / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "secrets.json"
    if not file.exists():
        _write(file, json.dumps(_new()).encode())
    kept = json.loads(file.read_bytes())
    made = Secrets(folder, kept["clients"], kept["jwks"], kept["cookie_keys"], bytes.fromhex(kept["pepper"]))
    if not (made.cdn_private_key.exists() and made.cdn_public_key.exists()):
        _make_cdn_key(made.cdn_private_key, made.cdn_public_key)
    return made


def provider_settings(
    made: Secrets, issuer: str, port: int, audience: str, console: str, bind: str = "127.0.0.1"
) -> Path:
    """Write the identity provider's one settings file and give its path."""
    settings = {
        "issuer": issuer,
        "bind": bind,
        "port": port,
        "audience": audience,
        "console": console,
        "clients": [
            {"id": name, "secret": made.clients[name], "groups": groups} for name, groups in CLIENTS.items()
        ],
        "people": [{"id": login, "name": name, "groups": groups} for login, (name, groups) in PEOPLE.items()],
        "jwks": made.jwks,
        "cookieKeys": made.cookie_keys,
    }
    path = made.folder / "oidc.json"
    _write(path, json.dumps(settings).encode())
    return path
