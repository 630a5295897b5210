"""`python -m twin.audit` as a process of its own, and what it said."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.paths import ROOT

LIMIT_S = 600.0  # beside its waiting, for a small run
EACH_S = 0.2  # and for each message: 0.07 s measured with 2,330 of them, load average 7 on two cores
COUNTED = frozenset({"unsettled", "late", "repeated"})


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of the audit."""

    invariant: int
    fault: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit said.

    Attributes:
        line: its last line. code: its exit code. findings: all. under_way: what was not at rest.
    """

    line: str
    code: int
    findings: frozenset[Found]
    under_way: tuple[str, ...]

    @property
    def faults(self) -> list[Found]:
        """Findings that must not be, in a stable order."""
        return sorted(
            (f for f in self.findings if f.fault not in COUNTED), key=lambda f: (f.invariant, f.subject)
        )

    @property
    def clean(self) -> bool:
        """Whether it found nothing wrong, at rest, and was content."""
        return self.code == 0 and not self.faults and not self.under_way

    def told(self, most: int = 12) -> str:
        """The faults, what never came to rest, and the last line, for people."""
        faults = self.faults
        lines = [f"  ({f.invariant}) {f.fault}: {f.subject}: {f.detail}" for f in faults[:most]]
        lines += [f"  and {len(faults) - most} more"] if len(faults) > most else []
        lines += [f"  not at rest: {each}" for each in self.under_way[:most]]
        return "\n".join([*lines, self.line])


async def audited(
    env: Mapping[str, str], acks: Path, ticks: Path, wait_s: float, limit_s: float = LIMIT_S
) -> Audit:
    """Run the audit. Raises RuntimeError where it gave no verdict.

    Args:
        env: of the system, with AUDIT_TOKEN.
        acks: JSON lines of what the desk acknowledged.
        ticks: what a live client saw.
        wait_s: how long it may wait for rest.
        limit_s: how long it may take beside that.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "twin.audit", "--json", "--wait", str(wait_s)),
        *("--acks", str(acks), "--ticks", str(ticks)),
        env=dict(env),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), wait_s + limit_s)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    lines = out.decode("utf-8", "replace").strip().splitlines()
    if len(lines) < 2 or not lines[-1].startswith("audit: "):
        raise RuntimeError(f"the audit gave no verdict: {err.decode('utf-8', 'replace')[-2000:]}")
    said: dict[str, Any] = json.loads(lines[0])
    found = frozenset(Found(**each) for each in said["findings"])
    return Audit(lines[-1], process.returncode or 0, found, tuple(said["under_way"]))
