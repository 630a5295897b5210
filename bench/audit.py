"""The second opinion at the end of a row: `python -m twin.audit` over the running system, in a process of its own."""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.paths import ROOT

LIMIT_S = 1800.0
_SOUND = re.compile(r"audit: [1-9]\d* written, 0 lost, 0 duplicated, 0 out of order\b(?!.*exit \d)")


async def audited(env: Mapping[str, str], token: str, acknowledged: Mapping[str, str]) -> str:
    """The audit's last line, or what there was instead.

    Args:
        env: in which the system is reached.
        token: an agent's.
        acknowledged: message_id to text of every reply the desk took.
    """
    with tempfile.TemporaryDirectory(prefix="cdmx-bench-") as folder:
        acks = Path(folder) / "acks"
        acks.write_text("".join(json.dumps(_ack(*each)) + "\n" for each in acknowledged.items()))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "twin.audit", "--acks", str(acks)),
            env={**env, "AUDIT_TOKEN": token},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"no audit within {LIMIT_S:.0f} s"
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return _last(lines, process.returncode)


def _ack(message_id: str, text: str) -> dict[str, str]:
    return {"message_id": message_id, "text": text}


def _last(lines: list[str], code: int | None) -> str:
    """The verdict; with what stood before it where the audit is not content."""
    if not lines:
        return f"the audit said nothing (exit {code})"
    return lines[-1] if code == 0 else " | ".join([*lines[-6:], f"exit {code}"])


def lost_nothing(line: str) -> bool:
    """Whether a line is a verdict over at least one message: nothing lost, doubled or out of order, exit 0."""
    return _SOUND.match(line) is not None
