"""`make chaos-record`: thousands of messages of every kind while everything goes wrong; then the audit.

The outside world repeats, delays and batches; between the workers and their endpoints calls are throttled, refused
and left without an answer. Meanwhile one part after the other is killed with work in its hands, stopped beyond its
queue's visibility and let go on, left with expired credentials, and without room on its disk. The run is void
when anything of that never happened.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared import topology
from tests.faults import newsroom_run
from tests.faults.chaos_kill import QUEUES, Killer
from tests.faults.chaos_load import Load
from tests.faults.chaos_smoke import EVERYBODY, supervised
from tests.faults.chaos_trouble import SmallDisk, counted, credentials_expire, small_disk, steady
from tests.faults.crashpoints import STIMULI
from tests.faults.newsroom import Newsroom
from tests.faults.newsroom_audit import Audit
from tests.faults.sabotage import Scene
from tests.faults.sabotage_proxy import Proxy
from tests.faults.ways import Way, opened

_PEOPLE = 60
_LEAST_FOR_MEDIA = 2000  # messages from which on media too is stopped, for its 300 s
_REST_S = 1200.0
_BEYOND_S = 5.0
_FIRST = "ingest"
_EXPIRED_S = 6.0
_FULL_S = 60.0
_AGAIN_S = 45.0
# What the run must have seen, each at least once.
KINDS = (
    "messages", "files", "replies", "duplicates", "redeliveries", "delayed up to 400 ms", "delayed up to 60 s",
    "batches", "kills at work", "stops beyond visibility", "throttled calls", "lost answers", "server faults",
    "transaction conflicts", "refused for expired credentials", "refused for a full disk",
)  # fmt: skip
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What happened and what came of it."""

    counts: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    falls: list[str] = field(default_factory=list)
    audit: Audit | None = None

    @property
    def never(self) -> list[str]:
        """Kinds of trouble that never happened."""
        return [kind for kind in KINDS if not self.counts[kind]]

    @property
    def passed(self) -> bool:
        """Whether everything went wrong at least once, and nothing was lost, doubled or out of order."""
        return not self.never and not self.missed and self.audit is not None and self.audit.clean

    def verdict(self) -> str:
        """The last line."""
        void = [*(f"never: {kind}" for kind in self.never), *self.missed]
        told = f"VOID ({', '.join(void)}); " if void else ""
        line = self.audit.line if self.audit else "no audit"
        return f"chaos-record: {'ok' if self.passed else 'FAILED'}, {told}{line}"


class Record:
    """One run on one system."""

    def __init__(
        self, room: Newsroom, ways: dict[str, Way], disk: SmallDisk, killer: Killer, say: Say
    ) -> None:
        self._room = room
        self._ways = ways
        self._disk = disk
        self._killer = killer
        self._say = say
        self.outcome = Outcome()

    async def trouble(self, load: Load, frozen: tuple[str, ...]) -> None:
        """Everything once, one after the other; then kills until the load is over."""
        for part in EVERYBODY:
            await self._kill(part)
        await asyncio.gather(*(self._freeze(part) for part in frozen if part != _FIRST))
        await self._freeze(_FIRST)  # by itself: the others would have nothing in their hands
        for worker, way in self._ways.items():
            refused = await credentials_expire(way, _EXPIRED_S)
            self.outcome.counts["refused for expired credentials"] += refused
            self._say(f"{worker}: {refused} calls refused for expired credentials")
        full = await self._disk.full(self._room.system.log("media"), _FULL_S)
        self.outcome.counts["refused for a full disk"] += full
        self._say(f"media: no room on its disk; its log tells so {full} times")
        await self._until_over(load)

    async def _until_over(self, load: Load) -> None:
        number = 0
        while not load.over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(load.over.wait(), _AGAIN_S)
                return
            await self._kill(EVERYBODY[number % len(EVERYBODY)])
            number += 1

    async def _kill(self, part: str) -> None:
        strike = await self._killer.strike(part)
        if strike is None:
            self.outcome.missed.append(f"{part} not caught at work")
            return
        self.outcome.counts["kills at work"] += 1
        self._say(f"{part}: killed with {strike.held} in its hands; ready again after {strike.back_s:.1f} s")

    async def _freeze(self, part: str) -> None:
        seconds = topology.queue(QUEUES[part]).visibility_s + _BEYOND_S
        held = await self._killer.freeze(part, seconds)
        if held is None:
            self.outcome.missed.append(f"{part} not stopped at work")
            return
        self.outcome.counts["stops beyond visibility"] += 1
        self._say(f"{part}: stopped for {seconds:.0f} s with {held} in its hands, and let go on")


async def seen(room: Newsroom) -> Counter[str]:
    """What the outside world did, out of its history."""
    counts: Counter[str] = Counter()
    people: dict[int, set[str]] = {}
    async for row in rows(room):
        if row["kind"] != "published" or row["destination"]:
            continue
        counts["duplicates"] += row["fault"] == "duplicate"
        counts["redeliveries"] += row["fault"] == "redeliver"
        if row["wamid"] and row["fault"] not in {"duplicate", "redeliver"}:
            people.setdefault(hash(row["body"]), set()).add(row["wamid"])
    counts["batches"] = sum(len(wamids) > 1 for wamids in people.values())
    return counts


async def rows(room: Newsroom) -> AsyncIterator[dict[str, Any]]:
    """The history, row by row, for it may be long."""
    url = f"{room.system.urls['twin']}/_twin/history?after=0&bodies=1"
    forever = aiohttp.ClientTimeout(total=None, sock_read=120)
    async with room.http.get(url, timeout=forever) as answer:
        async for line in answer.content:
            if line.strip():
                yield json.loads(line)


@contextmanager
def bar(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error; answers what to call with each message."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as shown:
        task = shown.add_task("messages", total=total)
        yield lambda: shown.advance(task)


async def record(
    room: Newsroom, ways: dict[str, Way], disk: SmallDisk, load: Load, say: Say, *, plant: bool
) -> Outcome:
    """Load and trouble, rest, audit."""
    frozen = tuple(part for part in QUEUES if part != "media" or load.count >= _LEAST_FOR_MEDIA)
    async with Proxy(room.http, room.system.urls["desk"]) as proxy:
        scene = Scene(room, proxy)
        run = Record(
            room, ways, disk, Killer(room.system, room.http, scene.in_hand, room.bearer("agent-11")), say
        )
        await room.trouble()
        rules = steady(ways.values())
        async with supervised(room.system, run.outcome.falls):
            await under_load(load, run.trouble(load, frozen))
        for way in ways.values():
            way.forget()
        await room.calm()
        outcome = run.outcome
        outcome.counts += load.counts + counted(rules)
        outcome.counts |= Counter(messages=room.counts.written, replies=room.counts.acknowledged)
        say(f"load over, {len(outcome.falls)} falls; waiting for rest")
        if plant:
            scene.delete_object("raw", scene.keys("raw", "raw/eum/")[0])
            say("planted: an archived envelope deleted")
        outcome.audit = await room.audit(_REST_S)
    outcome.counts += await seen(room)
    say(outcome.audit.told())
    return outcome


async def under_load(load: Load, trouble: Coroutine[Any, Any, None]) -> None:
    """Trouble as long as the load lasts, and load as long as the trouble."""
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run())
        trickle = group.create_task(load.trickle(enough))
        await trouble
        enough.set()
        await trickle  # to its end: an agent who is cut off would not know what was acknowledged


async def main(seed: int, messages: int, rate: float, *, plant: bool) -> int:
    """Exit 0 when everything went wrong and nothing was lost."""
    console = Console(stderr=True)
    say = newsroom_run.Steps()
    chance = random.Random(seed)  # noqa: S311 - reproducible traffic
    with tempfile.TemporaryDirectory(prefix="cdmx-disk-") as folder, small_disk(Path(folder) / "tmp") as disk:
        own = {"media": {"TMPDIR": str(disk.folder)}}
        async with opened(seed, tuple(STIMULI), people=_PEOPLE, own=own) as (room, ways):
            with bar(console, messages) as advanced:
                load = Load(room, messages, rate, chance, advanced)
                outcome = await record(room, ways, disk, load, say, plant=plant)
    print(f"seed {seed}, commit {newsroom_run.commit()}; falls: {', '.join(outcome.falls)}")
    print(", ".join(f"{outcome.counts[kind]} {kind}" for kind in KINDS))
    print(outcome.verdict())
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    options = newsroom_run.parser("chaos_record", __doc__, "an archived envelope is deleted: must fail")
    options.add_argument("--messages", type=int, default=20_000)
    options.add_argument("--rate", type=float, default=6.0, help="messages a second")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.seed, given.messages, given.rate, plant=given.plant)))
