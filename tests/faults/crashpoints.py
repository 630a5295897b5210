"""`make crashpoints`: every call a worker makes for one message x everything that may happen to it; then the audit.

A proxy stands between each worker and every endpoint; the workers know of it by their endpoint variables alone. First
an undisturbed message, a picture and a reply show which calls there are. Then each call is struck once by each fault,
with a person and a message of its own, and at the end the audit is asked about every message.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from local.plan import ACCOUNT
from tests.faultproxy import Rule
from tests.faults import crash_calls, newsroom_run
from tests.faults.newsroom import Newsroom
from tests.faults.newsroom_audit import Audit
from tests.faults.ways import Way, opened
from twin.audit.finding import pseudonym

# Worker -> what somebody does to make it work.
STIMULI = {
    "ingest": ("text", "reply"),
    "media": ("image",),
    "forwarder": ("text", "image"),
    "gateway": ("reply",),
    "indexer": ("text", "reply"),
    "desk": ("text", "reply"),
}
_QUIET_S = 6.0
_AIM_S = 3.0  # a message that takes longer than that is struck by the rule of a later try
_TRIES = 14
_THREAD_S = 30.0
_REST_S = 960.0  # media: hidden for 300 s, then the dead one's turn at decoding is over (services/media/shelf.py: 600 s)
_FALL_S = 30.0  # a call that takes effect first may be a long poll
_PAUSE_S = 0.05


@dataclass(slots=True)
class Cell:
    """One call of a worker and one fault. `subjects`: ids the audit would name; `mark`: what came of it."""

    worker: str
    stimulus: str
    call: str
    fault: str
    subjects: set[str] = field(default_factory=set)
    mark: str = "not struck"


@dataclass
class Matrix:
    """All cells and the audit behind them."""

    cells: list[Cell]
    audit: Audit | None = None
    strangers: int = 0

    @property
    def passed(self) -> bool:
        """Whether every cell was struck and nothing came to harm anywhere."""
        sound = all(cell.mark == "ok" for cell in self.cells)
        return bool(self.cells) and sound and self.audit is not None and self.audit.clean

    def judge(self, audit: Audit) -> None:
        """Give each finding to the cell whose message it names."""
        self.audit = audit
        for found in audit.faults:
            hit = [cell for cell in self.cells if found.subject in cell.subjects]
            self.strangers += not hit
            for cell in hit:
                cell.mark = found.fault

    def verdict(self) -> str:
        """The last line."""
        struck = sum(cell.mark != "not struck" for cell in self.cells)
        calls = len({(cell.worker, cell.call) for cell in self.cells})
        workers = len({cell.worker for cell in self.cells})
        word = "ok" if self.passed else "FAILED"
        return (
            f"crashpoints: {word}, {struck} of {len(self.cells)} cells struck, {calls} calls of {workers} workers, "
            f"{self.strangers} findings of no cell; {self.audit.line if self.audit else 'no audit'}"
        )


class Striker:
    """Makes one thing happen to one call of one worker.

    Args:
        room: with its system running along the ways.
        ways: each worker's.
        people: numbers of people who have never written.
    """

    def __init__(self, room: Newsroom, ways: dict[str, Way], people: Iterator[str]) -> None:
        self._room = room
        self._ways = ways
        self._people = people
        self._threads: set[str] = set()

    async def calls(self, worker: str, stimulus: str) -> list[str]:
        """What a worker asks for on behalf of an undisturbed message."""
        thread = await self._prepared(stimulus)
        self._ways[worker].forget()
        await self._act(stimulus, thread)
        await asyncio.sleep(_QUIET_S)
        return sorted(n for n in self._ways[worker].seen() if not crash_calls.BACKGROUND.match(n))

    async def strike(self, cell: Cell) -> None:
        """Arm the fault and act until it happened."""
        for _ in range(_TRIES):
            if await self._struck(cell):
                cell.mark = "ok"
                return

    async def _struck(self, cell: Cell) -> bool:
        """One try. A message may go to the last poll of the worker that was killed before, and be hidden so."""
        thread, fell = await self._prepared(cell.stimulus), asyncio.Event()
        rules = self._armed(cell, fell)
        acting = asyncio.create_task(self._act(cell.stimulus, thread))
        await self._happened(rules)
        self._ways[cell.worker].forget()
        hit = any(rule.hits for rule in rules)
        if hit and cell.fault in crash_calls.KILLS:  # the rule is hit before the worker falls
            await asyncio.wait_for(fell.wait(), _FALL_S)
            await self._room.system.restart(cell.worker)
        cell.subjects |= await acting
        return hit

    def _armed(self, cell: Cell, fell: asyncio.Event) -> list[Rule]:
        async def kill() -> None:
            self._room.system.kill(cell.worker)
            fell.set()

        fault = crash_calls.faults(kill)[cell.fault]
        return [proxy.fail(cell.call, fault) for proxy in self._ways[cell.worker].all()]

    async def _happened(self, rules: list[Rule]) -> None:
        """Until a rule was hit, at most for the time of one try."""
        until = time.monotonic() + _AIM_S
        while not any(rule.hits for rule in rules):
            if time.monotonic() > until:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _prepared(self, stimulus: str) -> str:
        """Who acts: somebody new, or for a reply the thread of somebody new."""
        person = next(self._people)
        await self._room.twin("customers", id=person, wa_id=person, name=f"Vecina {person[-4:]}")
        if stimulus != "reply":
            return person
        await self._room.write(person, type="text", text="Buenos días")
        return await self._thread()

    async def _thread(self) -> str:
        """The conversation that was not there before. Raises TimeoutError."""
        async with asyncio.timeout(_THREAD_S):
            while True:
                fresh = set(await self._room.conversations()) - self._threads
                if fresh:
                    self._threads |= fresh
                    return min(fresh)
                await asyncio.sleep(_PAUSE_S)

    async def _act(self, stimulus: str, who: str) -> set[str]:
        """Write or answer; the ids by which the audit would name it."""
        if stimulus == "reply":
            return set(await self._room.reply(who))
        text = "" if stimulus == "image" else "Se cayó un árbol"
        return {pseudonym(await self._room.write(who, type=stimulus, text=text))}


async def matrix(striker: Striker, workers: list[str], say: newsroom_run.Steps) -> Matrix:
    """Every cell: each call under the first thing that makes a worker ask for it."""
    cells: list[Cell] = []
    for worker in workers:
        known: set[str] = set()
        for stimulus in STIMULI[worker]:
            fresh = [call for call in await striker.calls(worker, stimulus) if call not in known]
            known |= set(fresh)
            cells += [
                Cell(worker, stimulus, call, fault) for call in fresh for fault in crash_calls.columns(call)
            ]
        say(f"{worker}: {len(known)} calls: {', '.join(sorted(known))}")
    return Matrix(cells)


def part_of(cells: list[Cell], part: str) -> list[Cell]:
    """The n-th of m pieces, `n/m`, whole calls each. Raises ValueError for anything else."""
    n, m = map(int, part.split("/"))
    calls = list(dict.fromkeys((cell.worker, cell.call) for cell in cells))
    mine = set(calls[n - 1 :: m])
    if not 1 <= n <= m:
        raise ValueError(f"--part {part}: write n/m with n from 1 to m, for instance 1/3")
    return [cell for cell in cells if (cell.worker, cell.call) in mine]


async def main(seed: int, workers: list[str], part: str, *, plant: bool) -> int:
    """Exit 0 when every cell was struck and nothing was lost."""
    say = newsroom_run.Steps()
    async with opened(seed, tuple(STIMULI), name=crash_calls.named) as (room, ways):
        chance = random.Random(seed)  # noqa: S311 - reproducible traffic
        people = (f"52155{number:08d}" for number in chance.sample(range(10**8), 10**4))
        striker = Striker(room, ways, people)
        found = await matrix(striker, workers, say)
        found.cells = part_of(found.cells, part)
        for number, cell in enumerate(found.cells, 1):
            await striker.strike(cell)
            say(f"{number} of {len(found.cells)}  {cell.worker}: {cell.call}: {cell.fault}: {cell.mark}")
        if plant:
            await planted(room)
        say("waiting for rest")
        found.judge(await room.audit(_REST_S))
        counts = ", ".join(f"{count} {name}" for name, count in room.told())
    shown(found)
    print(found.audit.told() if found.audit else "")
    print(f"seed {seed}, commit {newsroom_run.commit()}, part {part}; {counts}")
    print(found.verdict())
    return 0 if found.passed else 1


async def planted(room: Newsroom) -> None:
    """An envelope disappears from the archive: the audit must name it."""
    s3 = room.system.clients("s3")
    bucket = room.system.plan.naming.bucket("raw", ACCOUNT)
    first = s3.list_objects_v2(Bucket=bucket, Prefix="raw/eum/")["Contents"][0]["Key"]
    await asyncio.to_thread(s3.delete_object, Bucket=bucket, Key=first)


def shown(found: Matrix) -> None:
    """The matrix: a row a call, a column a fault."""
    table = Table("worker", "call", *crash_calls.COLUMNS)
    for worker, call in dict.fromkeys((cell.worker, cell.call) for cell in found.cells):
        marks = {c.fault: c.mark for c in found.cells if (c.worker, c.call) == (worker, call)}
        table.add_row(worker, call, *(marks.get(column, "-") for column in crash_calls.COLUMNS))
    Console(width=200).print(table)


if __name__ == "__main__":
    options = newsroom_run.parser("crashpoints", __doc__, "an archived envelope is deleted: must fail")
    options.add_argument("--workers", default=",".join(STIMULI), help="only these, with commas")
    options.add_argument("--part", default="1/1", help="only the n-th of m pieces of the matrix, as n/m")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.seed, given.workers.split(","), given.part, plant=given.plant)))
