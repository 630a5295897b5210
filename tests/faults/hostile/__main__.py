"""`make hostile-files`: every hostile file through the media worker, a row each; exit 1 where one is not as stated.

`--plant` takes the scanner's eyes out: the run must then fail, and names the files that got through.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from local.engines import base, clamd
from services.media.adapters.clamd import Clamd
from services.media.adapters.sandbox import Sandbox
from services.media.adapters.tools import Tools
from shared.media.outcomes import OUTCOMES, explain
from tests.faults.hostile.cases import CASES, Case
from tests.faults.hostile.room import Ended, NoScanner, end


def faults(case: Case, ended: Ended) -> list[str]:
    """What is not as stated."""
    found = []
    if (ended.state, ended.reason) != (case.state, case.reason):
        found.append(f"expected {case.state} {case.reason}")
    if case.served_as and ended.served_as != case.served_as:
        found.append(f"served as {ended.served_as}")
    if ended.state != "ready" and (ended.served_as or ended.copies):
        found.append("something of it is served")
    if ended.state == "quarantined" and not ended.quarantined:
        found.append("its bytes are not kept for a person")
    if case.never and any(case.never in data for data in ended.copies.values()):
        found.append("what must not be there is in a copy")
    if ended.state in {"failed", "quarantined"} and ended.reason not in OUTCOMES:
        found.append("nobody is told why")
    return found


def row(case: Case, ended: Ended, wrong: Sequence[str], took_s: float) -> str:
    """A line of the table."""
    copies = ", ".join(sorted(ended.copies)) or "-"
    told = explain(ended.reason) if ended.reason in OUTCOMES else None
    helps = told.retry if told else "-"
    mark = "✗" if wrong else "✓"
    line = (
        f"{mark} {case.name:42} {ended.state:12} {ended.reason or '-':24} {helps:8} {took_s:5.1f} s  {copies}"
    )
    return "\n".join([line, *(f"    {each}" for each in wrong)])


async def play(cases: Sequence[Case], address: str, *, plant: bool) -> list[str]:
    """Run the cases, print the rows; the names of those that are not as stated."""
    sandbox = Sandbox()
    tools = Tools(sandbox)
    wrong = []
    try:
        for case in cases:
            began = time.monotonic()
            ended = await end(case, NoScanner() if plant else Clamd(address), tools)
            fault = faults(case, ended)
            print(row(case, ended, fault, time.monotonic() - began), flush=True)
            wrong += [case.name] if fault else []
    finally:
        await sandbox.close()
    return wrong


def run(cases: Sequence[Case], *, plant: bool = False) -> list[str]:
    """Start a clamd, play, stop it."""
    with tempfile.TemporaryDirectory(prefix="cdmx-hostile-") as name:
        data = Path(name)
        data.chmod(0o755)
        clamd.install()
        server = base.start(clamd, 0, data)
        try:
            return asyncio.run(play(cases, clamd.address(data), plant=plant))
        finally:
            server.stop()
            clamd.remove(data)


def main() -> None:
    """Play all, or those whose name holds a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--plant", action="store_true", help="a scanner that finds nothing: the run must fail"
    )
    parser.add_argument("--only", default="", help="files whose name holds this")
    given = parser.parse_args()
    cases = [case for case in CASES if given.only in case.name]
    began = time.monotonic()
    wrong = run(cases, plant=given.plant)
    planted = " (planted: a scanner that finds nothing)" if given.plant else ""
    verdict = f"FAILED, {len(wrong)} not as stated: {', '.join(wrong)}" if wrong else "all as stated"
    print(f"hostile-files: {len(cases)} files, {verdict}{planted}, {time.monotonic() - began:.0f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
