"""Is every webhook kept, whole, as what it is? `make conformance SAMPLES=DIR`.

Starts the whole system, sends it every JSON file of the folder as the real senders would, reads back what it made
of each through the desk's API, the record's reader and the raw archive, and compares that with the payload. Then
sends everything once more: nothing may be added. The last line is the verdict; exits 1 unless every file is kept,
when a count is 0, and always with `--plant`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from local import ports as port_table
from local.plan import ACCOUNT, EUM_PHONE_NUMBER, PHONE_NUMBER, REGION, WABA
from local.process import free_port
from local.provision import Provisioned, clients
from local.system import System
from local.trouble import Trouble
from shared import topology
from tests.conformance import own, report, shapes
from tests.conformance.expect import expected
from tests.conformance.feed import Feed, NotDrainedError
from tests.conformance.judge import Judge, Plant, Row, exceptions
from tests.conformance.seen import Archive, Seen, keys_of
from tests.conformance.shapes import Sample, Sent

HERE = Path(__file__).parent
DRAIN_S = 180.0
AT_ONCE = 8
CONSUMED = ("ingest", "connect")  # what the record is written from; the others only read it

Files = list[tuple[Sample, list[Sent]]]


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--samples", required=True, type=Path, help="a folder of JSON files")
    parser.add_argument("--run", help="id of the run; the same id sends the same bytes again (default: now)")
    parser.add_argument("--state", type=Path, help="keep the system's data in this folder (default: removed)")
    parser.add_argument("--json", action="store_true", help="a JSON object a line instead of the table")
    parser.add_argument(
        "--plant",
        nargs="?",
        const="both",
        choices=("leaf", "byte", "both"),
        help="drop a leaf and alter a byte between the system and the check, which must then fail",
    )
    return parser.parse_args(arguments)


def files(folder: Path, owner: own.Owner) -> Files:
    """Every JSON file of a folder, and what to send for it."""
    samples = [shapes.read(path, folder) for path in sorted(folder.rglob("*.json"))]
    return [(sample, owner.bodies(sample)) for sample in samples]


def spoken_of(fed: Files) -> list[str]:
    """Ids that statuses speak about and no message of their own file has: somebody must have sent these."""
    wanted: dict[str, None] = {}
    for _, bodies in fed:
        parts = [part for sent in bodies for change in expected(sent) for part in change.parts]
        said = {part.wamid for part in parts if part.member in {"messages", "message_echoes"}}
        stated = [part.wamid for part in parts if part.kinds[0] == "status"]
        wanted |= {wamid: None for wamid in stated if wamid and wamid not in said}
    return list(wanted)


def planted(what: str | None, fed: Files) -> Plant:
    """Which files the faults go into: the last ones that can show them."""
    counting = [
        sample.name
        for sample, bodies in fed
        if any(part.leaves for sent in bodies for change in expected(sent) for part in change.parts)
    ]
    leaf = counting[-1] if what in {"leaf", "both"} and counting else ""
    others = [sample.name for sample, _ in fed if sample.name != leaf]
    return Plant(leaf, others[-1] if what in {"byte", "both"} and others else "")


class Run:
    """One run against one running system."""

    def __init__(self, system: System, fed: Files, owner: own.Owner) -> None:
        made = system.provisioned
        if made is None:
            raise RuntimeError("the system is not provisioned")
        self._system, self.fed, self._owner = system, fed, owner
        self._made: Provisioned = made
        self._client = clients(system.urls["ministack"], REGION)
        self._feed = Feed(self._client, made)

    def feed(self) -> set[str]:
        """Send everything and wait until it is consumed; answers the keys of all the record then holds."""
        for wamid in spoken_of(self.fed):
            self._feed.send(self._owner.echo(wamid))
        self._feed.drain(CONSUMED, DRAIN_S)
        for _, bodies in self.fed:
            for sent in bodies:
                self._feed.send(sent)
        self._feed.drain(CONSUMED, DRAIN_S)
        return self.held()

    def held(self) -> set[str]:
        """Keys of all that the record and the archive hold."""
        return keys_of(self._client, self._made.naming.prefix) | set(self._archive().keys())

    def _archive(self) -> Archive:
        return Archive(self._client, self._made.naming.bucket(topology.RAW_BUCKET, self._made.account))

    async def judge(self, plant: Plant) -> list[Row]:
        """The verdict on each file."""
        parked = [each for queue in CONSUMED for each in self._feed.parked(queue)]
        archive, permits = self._archive(), asyncio.Semaphore(AT_ONCE)
        excepted = exceptions(HERE / "exceptions.toml")
        desk, token = self._system.urls["desk"], self._system.token("admin")
        async with _reached(self._system.env), Seen(self._system.env, desk, token) as seen:
            judge = Judge(seen, archive, archive.keys(), parked, PHONE_NUMBER, excepted, plant)

            async def one(sample: Sample, bodies: list[Sent]) -> Row:
                async with permits:
                    return await judge.file(sample, bodies)

            return await asyncio.gather(*(one(*each) for each in self.fed))


def _ports(state: Path | None) -> dict[str, int] | None:
    """Ports of a kept state: always the same, for the emulator knows its queues by their URL."""
    if state is None:
        return None
    file = state / "ports.json"
    if not file.exists():
        state.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({row: free_port() for row in port_table.DEFAULTS}))
    chosen: dict[str, int] = json.loads(file.read_text())
    return chosen


@asynccontextmanager
async def _reached(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """AWS clients of this process reach the system; afterwards they go where they went before."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def conform(args: argparse.Namespace, console: Console) -> int:
    """Run it all; answers the exit code."""
    run_id = args.run or f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    owner = own.Owner(run_id, own.Account(WABA, PHONE_NUMBER, EUM_PHONE_NUMBER, ACCOUNT, REGION))
    fed = files(args.samples, owner)
    if not fed:
        print(f"no JSON file in {args.samples}: give a folder that holds some\n0 of 0 kept")
        return 1
    quiet = Console(stderr=True)
    async with System(
        args.state, _ports(args.state), say=lambda step: quiet.print(f"· {step}", highlight=False)
    ) as system:
        run = Run(system, fed, owner)
        before = await asyncio.to_thread(run.held)
        first = await asyncio.to_thread(run.feed)
        rows = await run.judge(planted(args.plant, fed))
        added = await asyncio.to_thread(run.feed) - first
    facts = {
        "run": run_id,
        "commit": commit(),
        "bodies": sum(len(bodies) for _, bodies in fed),
        "items": sum(row.kinds.total() - row.kinds["undeliverable"] for row in rows),
        "added": len(first - before),
        "added by a second feeding": len(added),
    }
    report.show(rows, facts, console, as_json=args.json)
    print(report.last_line(rows))
    return int(not good(rows, facts))


def good(rows: Sequence[Row], facts: dict[str, Any]) -> bool:
    """Every file is kept, nothing was added, and no count is 0."""
    counted = report.summary(rows)
    return (
        all(row.kept for row in rows)
        and facts["added by a second feeding"] == 0
        and all((facts["bodies"], facts["items"], counted["read"]))
    )


def commit() -> str:
    """The commit that is checked out."""
    run = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607 - git of the machine
    return run.stdout.strip() or "unknown"


def main() -> int:
    """Run and tell what stood in the way."""
    try:
        return asyncio.run(conform(options(), Console(width=report.WIDTH)))
    except (Trouble, NotDrainedError) as error:
        print(f"conformance: {type(error).__name__}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
