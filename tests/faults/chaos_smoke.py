"""`make chaos-smoke`: kill -9 of every worker under load, each while it holds work in flight; then the audit.

Meanwhile the outside world duplicates, redelivers, delays, batches and reorders, loses statuses and answers.
A supervisor starts again what falls. The run is void when a worker was not caught with work in its hands.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from local.system import System
from tests.faults import newsroom_run
from tests.faults.chaos_kill import API, QUEUES, Killer, Strike
from tests.faults.newsroom import Newsroom
from tests.faults.newsroom_audit import Audit
from tests.faults.sabotage import Scene
from tests.faults.sabotage_proxy import Proxy
from tests.faults.second_engines import Bridge, second_engines

# Media first: what it held is hidden for 300 s, and comes back while the others are being killed.
EVERYBODY = (*QUEUES, API)
_RATE = 5.0
_REST_S = 480.0
_WAVE, _MOST_WAVES = 12, 20
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What came of the run."""

    strikes: list[Strike] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    falls: list[str] = field(default_factory=list)
    audit: Audit | None = None

    @property
    def passed(self) -> bool:
        """Whether everybody was caught at work, and nothing was lost, doubled or out of order."""
        return bool(self.strikes) and not self.missed and self.audit is not None and self.audit.clean

    def verdict(self) -> str:
        """The last line."""
        line = self.audit.line if self.audit else "no audit"
        caught = f"{len(self.strikes)} workers killed with work in flight"
        void = f", VOID: not caught at work: {', '.join(self.missed)}" if self.missed else ""
        return f"chaos-smoke: {'ok' if self.passed else 'FAILED'}, {caught}{void}; {line}"


@asynccontextmanager
async def supervised(system: System, falls: list[str]) -> AsyncIterator[None]:
    """Whatever falls is started again."""

    async def refilled() -> None:
        """Only the emulator is filled again, and nobody kills it here."""
        falls.append("emulator filled again")

    task = asyncio.create_task(
        system.supervise(lambda name, code: falls.append(f"{name} ({code})"), refilled)
    )
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def chaos(
    room: Newsroom, say: Say, *, messages: int, parts: Sequence[str] = EVERYBODY, plant: bool = False
) -> Outcome:
    """Load, kills, rest, audit."""
    outcome = Outcome()
    async with Proxy(room.http, room.system.urls["desk"]) as proxy:
        scene = Scene(room, proxy)
        killer = Killer(room.system, room.http, scene.in_hand, room.bearer("agent-11"))
        await room.trouble()
        async with supervised(room.system, outcome.falls):
            load = asyncio.create_task(room.morning(messages, messages // 4, _RATE))
            await asyncio.sleep(2)
            for part in parts:
                await _caught(room, killer, part, load, outcome, say)
            await load
        await room.calm()
        say(f"load over: {dict(room.told())}; {len(outcome.falls)} falls; waiting for rest")
        if plant:
            scene.delete_object("raw", scene.keys("raw", "raw/eum/")[0])
            say("planted: an archived envelope deleted")
        outcome.audit = await room.audit(_REST_S)
    say(outcome.audit.told())
    return outcome


async def _caught(
    room: Newsroom, killer: Killer, part: str, load: "asyncio.Task[None]", outcome: Outcome, say: Say
) -> None:
    """Kill one part, with more load where the first is over."""
    enough = asyncio.Event()
    more = asyncio.create_task(_more(room, load, enough))
    strike = await killer.strike(part)
    enough.set()
    await more  # to its end: an agent who is cut off would not know what was acknowledged
    if strike is None:
        outcome.missed.append(part)
        say(f"{part}: never caught with work in flight")
        return
    outcome.strikes.append(strike)
    say(
        f"{part}: killed with {strike.in_flight} in flight, {strike.held} of them in its hands when it died; "
        f"ready again after {strike.back_s:.1f} s"
    )


async def _more(room: Newsroom, load: "asyncio.Task[None]", enough: asyncio.Event) -> None:
    enough_or_over = [asyncio.create_task(enough.wait()), load]
    await asyncio.wait(enough_or_over, return_when=asyncio.FIRST_COMPLETED)
    enough_or_over[0].cancel()
    for _ in range(_MOST_WAVES):
        if enough.is_set():
            return
        await room.morning(_WAVE, _WAVE // 4, _RATE)


@asynccontextmanager
async def _second(seed: int, say: Say) -> AsyncIterator[Newsroom]:
    """A newsroom whose queues, tables and objects are other engines'. Raises RuntimeError where none was used."""
    with TemporaryDirectory(prefix="cdmx-second-") as folder:
        async with second_engines(Path(folder), say) as extra, newsroom_run.opened(seed, extra=extra) as room:
            bridge = Bridge.of(room.system)
            async with bridge.running():
                yield room
            say(f"{bridge.carried} messages carried from topics to ElasticMQ")
            if not bridge.carried:
                raise RuntimeError("void: no message went through the second engines")


async def main(seed: int, messages: int, *, plant: bool, second: bool) -> int:
    """Exit 0 when nothing was lost."""
    say = newsroom_run.Steps()
    async with _second(seed, say) if second else newsroom_run.opened(seed) as room:
        outcome = await chaos(room, say, messages=messages, plant=plant)
        counts = ", ".join(f"{count} {name}" for name, count in room.told())
    engines = "ElasticMQ, DynamoDB Local, versitygw" if second else "ministack"
    print(
        f"seed {seed}, commit {newsroom_run.commit()}, on {engines}; {counts}; falls: {', '.join(outcome.falls)}"
    )
    print(outcome.verdict())
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    options = newsroom_run.parser("chaos_smoke", __doc__, "an archived envelope is deleted: must fail")
    options.add_argument("--messages", type=int, default=400)
    options.add_argument("--engines", choices=("first", "second"), default="first")
    given = options.parse_args()
    sys.exit(
        asyncio.run(main(given.seed, given.messages, plant=given.plant, second=given.engines == "second"))
    )
