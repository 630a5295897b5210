"""A short morning: people write, agents answer, things go wrong, and then everything must come to rest."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from services.search.adapters.memory import MemoryIndex
from shared import topology
from shared.policy.state import breaker_pk, close
from shared.store.port import Item, Put
from sim.casting import cast
from sim.cells import Site
from sim.chaos import Chaos, Plan
from sim.clock import VirtualClock
from sim.desks import SETTLED_S, Desks, NeverAnsweredError
from sim.loop import DeadlockError, StepLimitError, run
from sim.observe import observe
from sim.outside import ACCOUNT, Outside
from sim.people import Customers, meta, rubbish
from sim.servers import Servers, build
from sim.wires import HookWire
from sim.world import World
from twin.audit.history import read
from twin.audit.observed import Route
from twin.audit.verdict import Verdict, judge
from twin.core.faults import Fault as TwinFault

MORNING_S = 40.0  # messages are written during this time
FAULTS_S = 60.0  # and faults happen until here
REST_S = 1800.0  # what is not at rest this long after has lost something
CHECK_S = 5.0
LOOK_S = 20.0  # how often an operator looks at the breaker
BURST, BURST_EACH = 30, 6  # messages at once, in every sixth world
DOUBT_EACH = 3  # every third world: sends stay unconfirmed
ROUTES = (Route("hook-a"), Route("hook-b", types=frozenset({"text", "image"})))
HALF = 0.5  # of the outside's faults are in force in a world
TWIN_FAULTS = (
    ("duplicate", 0.1, 0, 4000),
    ("redeliver", 0.05, 0, 20_000),
    ("delay", 0.1, 0, 5000),
    ("batch", 0.3, 0, 800),
    ("late_status", 0.1, 0, 30_000),
    ("lost_status", 0.05, 0, 0),
    ("throttle", 0.05, 0, 0),
    ("error_before", 0.03, 0, 0),
    ("error_after", 0.04, 0, 0),
    ("timeout_after", 0.04, 5000, 15_000),
    ("reset_after", 0.03, 0, 0),
    ("no_context", 0.1, 0, 0),
)


@dataclass(slots=True)
class Size:
    """How much happens in a world."""

    customers: int = 4
    messages: int = 14
    replies: int = 5
    rate: float = 0.01
    duplicates: float = 0.05


@dataclass(slots=True)
class Outcome:
    """What became of a world. `problem` says why it did not come to rest, if it did not."""

    seed: int
    verdict: Verdict | None
    problem: str
    chaos: Chaos
    steps: int
    seconds: float
    digest: str

    @property
    def sound(self) -> bool:
        """Whether nothing was violated."""
        return not self.problem and self.verdict is not None and self.verdict.passed


@dataclass(slots=True)
class _Day:
    world: World
    desks: Desks
    index: MemoryIndex


def play(seed: int, size: Size, plan: Plan, sites: dict[str, list[Site]]) -> Outcome:
    """One world, from its seed."""
    chaos = Chaos(plan, sites, Random(f"latency:{seed}").random)  # noqa: S311 - reproducible
    plan.until_s = FAULTS_S
    try:
        (verdict, digest), loop = run(seed, _morning(seed, size, chaos))
    except (DeadlockError, StepLimitError, RestlessError, NeverAnsweredError) as error:
        return Outcome(seed, None, f"{type(error).__name__}: {error}", chaos, 0, 0.0, "")
    return Outcome(seed, verdict, "", chaos, loop.steps, loop.time(), digest)


class RestlessError(Exception):
    """The world did not come to rest; the text says what was still under way."""


async def _morning(seed: int, size: Size, chaos: Chaos) -> tuple[Verdict, str]:
    rng = Random(f"world:{seed}")  # noqa: S311 - reproducible
    servers = build(Random(f"servers:{seed}"), size.duplicates)  # noqa: S311
    outside = Outside(seed, servers.queues["ingest"], servers.queues["connect"], size.customers)
    _trouble(outside, rng, seed)
    day = _Day(World(seed, servers, outside, chaos, rng), Desks(Random(f"desks:{seed}")), MemoryIndex())  # noqa: S311
    hooks = HookWire(outside, Random(f"hooks:{seed}"), 0.1, FAULTS_S)  # noqa: S311
    await _configure(day)
    running = [asyncio.ensure_future(outside.driver.run())]
    for kind in cast(day.index, hooks, day.desks):
        running += [asyncio.ensure_future(life) for life in day.world.cast(kind)]
    watchers = [asyncio.ensure_future(day.desks.watch()), asyncio.ensure_future(_operator(day))]
    await asyncio.gather(*_people(day, size, seed))
    await _rest(day)
    await day.desks.repeat(await _unsettled(servers))
    await _rest(day)
    for watcher in watchers:
        watcher.cancel()
    observed = await observe(servers, day.index, day.desks.acknowledged, ROUTES, day.desks.ticks)
    history = outside.rows()
    for process in day.world.processes:
        process.stop()
    outside.driver.stop()
    for task in running:
        task.cancel()
    return judge(read(history), observed), _digest(history, observed)


def _trouble(outside: Outside, rng: Random, seed: int) -> None:
    for kind, rate, low, high in TWIN_FAULTS:
        if rng.random() < HALF:
            outside.driver.world.set_fault(TwinFault(kind, rate, seed, low, high))
    if seed % DOUBT_EACH == 0:
        outside.driver.world.set_fault(TwinFault("error_after", 0.4, seed))
        outside.driver.world.set_fault(TwinFault("lost_status", 0.7, seed))
    if seed % DOUBT_EACH == 1:
        outside.driver.world.set_fault(TwinFault("account_locked", 0.05, seed))


async def _configure(day: _Day) -> None:
    store = day.world.servers.store
    for route in ROUTES:
        name = route.destination
        await store.write(
            _config(
                "destination", name, kind="webhook", url=f"https://h.invalid/{name}", secret=name, wait_s=2
            )
        )
        match: Item = (
            {"by": "type", "values": sorted(route.types)} if route.types else {"by": "all", "values": []}
        )
        await store.write(_config("route", f"to-{name}", match=match, destinations=[name], enabled=True))


def _config(table_kind: str, name: str, **parts: Any) -> Put:
    return Put("config", {"pk": table_kind, "sk": name, "version": 1, **parts})


def _people(day: _Day, size: Size, seed: int) -> list[Coroutine[Any, Any, None]]:
    """Everybody of a morning."""
    rng, outside = Random(f"people:{seed}"), day.world.outside  # noqa: S311 - reproducible
    return [
        Customers(outside, rng).write(size.messages, MORNING_S),
        meta(outside, Random(f"meta:{seed}"), MORNING_S),  # noqa: S311
        rubbish(outside, Random(f"rubbish:{seed}"), MORNING_S),  # noqa: S311
        day.desks.answer(size.replies, MORNING_S),
        day.desks.configure(),
        _after(MORNING_S / 2, day.desks.read_receipt),
        _after(MORNING_S / 2, lambda: _photo(day)),
        _after(MORNING_S, lambda: _housekeeping(day)),
        *([Customers(outside, rng).burst(BURST, MORNING_S)] if seed % BURST_EACH == 0 else []),
    ]


async def _photo(day: _Day) -> None:
    """An agent sends on a picture that somebody sent, if one has been stored by now."""
    bucket = day.world.servers.buckets[topology.MEDIA_BUCKET]
    stored = [info.key async for info in bucket.list("served/") if info.content_type == "image/jpeg"]
    if stored:
        await day.desks.send_photo(stored[0].split("/")[2])


async def _housekeeping(day: _Day) -> None:
    ids = [item["pk"] async for item in day.world.servers.store.scan("ids") if item["pk"].startswith("a_")]
    await day.desks.housekeeping(sorted(ids)[:2])


async def _operator(day: _Day) -> None:
    """Meta's trouble ends with the faults; a person closes the breaker whenever it stands open."""
    store, clock = day.world.servers.store, VirtualClock()
    while True:
        await asyncio.sleep(LOOK_S)
        if asyncio.get_running_loop().time() > FAULTS_S:
            day.world.outside.calm()
        breaker = await store.get("policy", breaker_pk(ACCOUNT.waba_id))
        if breaker and breaker.get("open"):
            await store.write(close(ACCOUNT.waba_id, clock.now_ms()))


async def _after(seconds: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.sleep(seconds)
    await act()


async def _unsettled(servers: Servers) -> list[str]:
    """Messages that wait for a person, once a minute has gone by."""
    await asyncio.sleep(SETTLED_S)
    found = [item async for item in servers.store.scan("messages") if item.get("state") == "unsettled"]
    return sorted(item["message_id"] for item in found)


async def _rest(day: _Day) -> None:
    loop = asyncio.get_running_loop()
    calm = 0
    while calm < 2:  # noqa: PLR2004 - twice in a row: between two checks anything may be on its way
        await asyncio.sleep(CHECK_S)
        left = await _under_way(day)
        calm = 0 if left else calm + 1
        if left and loop.time() > FAULTS_S + REST_S:
            raise RestlessError(", ".join(left))


async def _under_way(day: _Day) -> list[str]:
    servers = day.world.servers
    left = [f"queue {name}" for name, queue in servers.queues.items() if queue.bodies()]
    left += [] if day.world.outside.quiet() else ["the outside"]
    left += [f"due {item['pk']} {item['kind']}" async for item in servers.store.scan("due")]
    left += [f"owed {item['state']}" async for item in servers.store.scan("deliveries") if "owed" in item]
    return left


def _digest(history: Iterable[Any], observed: Any) -> str:
    seen = sorted((m.message_id, m.rev, m.state) for m in observed.messages)
    return hashlib.sha256(repr(([row["kind"] for row in history], seen)).encode()).hexdigest()[:16]
