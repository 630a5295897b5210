"""A short morning: people write, agents answer, things go wrong, and then everything must come to rest."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from services.search.adapters.memory import MemoryIndex
from shared import topology
from shared.policy.state import breaker_pk, close
from shared.store.port import Item, Put
from sim.acts import Day, people, trouble
from sim.casting import KEEPER, cast
from sim.cells import Site
from sim.chaos import Chaos, Plan
from sim.clock import VirtualClock
from sim.desks import SETTLED_S, Desks, NeverAnsweredError
from sim.elder import Past, UnkeptError
from sim.keeping import Keeping, yesterday
from sim.loop import DeadlockError, StepLimitError, run
from sim.observe import Circumstances, observe
from sim.outside import ACCOUNT, Outside
from sim.scenes import QUIET, Scene, drawn
from sim.servers import Servers, build
from sim.studio import LONG_S, StenographerWire, seconds_of, words_of
from sim.wires import HookWire, MediaWire
from sim.world import DUE_PERIOD_S, SKEW_MS, World
from twin.audit.history import read
from twin.audit.observed import Route
from twin.audit.verdict import Verdict, judge
from twin.core.faults import Fault as TwinFault

FAULTS_S = 60.0  # faults happen until here
LONGER_S = {
    Scene.QUOTA: 90.0,
    Scene.NOTES: 160.0,
    Scene.UPLOADS: 110.0,
    Scene.ERASED: 200.0,
    Scene.AGED: 110.0,
}  # in these it takes longer until what they are for happens
LONGEST_S = 500.0  # in which a keeper never comes to its end
AGAIN_S = {Scene.NOTES: (620.0, 800.0)}  # and when somebody looks after what nobody told of
KEEPERS = frozenset({Scene.ERASED, Scene.AGED})  # scenes that need the keeper
MUCH = frozenset({Scene.BURST, Scene.FLURRY, Scene.HURRY}) | KEEPERS  # scenes in which much must move
SLOW_S, SHORT_S, USUAL_S = 1.0, 0.1, 0.01  # most a call takes
TROUBLE = 0.1  # of calls to a destination
CALM = 0.25  # of the faults in worlds where much must move in one go
AFTERNOON_S = 30.0  # and again while people repeat what stayed unconfirmed
SOON_MS = 3600 * 1000  # what is due later than this is nobody's work now
REST_S = 2700.0  # what is not at rest this long after has lost something
CHECK_S = 5.0
DUE_PERIODS_S = (DUE_PERIOD_S, 1.0, 1.0, 2.0)  # seldom the dear one: half of a world's steps were such looks
LOOK_S = 20.0  # how often an operator looks at the breaker
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


def play(seed: int, size: Size, plan: Plan, sites: dict[str, list[Site]]) -> Outcome:
    """One world, from its seed."""
    scenes = plan.scenes | drawn(seed)
    if scenes & (KEEPERS | {Scene.BURST}):  # a keeper's way is long, and begins anew after a fault
        plan.rate *= CALM
    if Scene.CALM in scenes:
        scenes &= QUIET
    chaos = Chaos(plan, sites, _latency(seed, scenes))
    plan.until_s = max([FAULTS_S, *(LONGER_S[scene] for scene in LONGER_S if scene in scenes)])
    plan.hot_s = plan.until_s
    plan.again_s = next((AGAIN_S[scene] for scene in AGAIN_S if scene in scenes), plan.again_s)
    try:
        (verdict, digest), loop = run(seed, _morning(seed, size, chaos, scenes))
    except (DeadlockError, StepLimitError, RestlessError, NeverAnsweredError, UnkeptError) as error:
        return Outcome(seed, None, f"{type(error).__name__}: {error}", chaos, 0, 0.0, "")
    return Outcome(seed, verdict, "", chaos, loop.steps, loop.time(), digest)


def _latency(seed: int, scenes: frozenset[Scene]) -> Callable[[], float]:
    """Seconds a call takes: long ones, so that everything overtakes everything; short ones where much must move."""
    rng = Random(f"latency:{seed}")  # noqa: S311 - reproducible
    most_s = USUAL_S if Scene.CALM in scenes else SHORT_S if scenes & MUCH else SLOW_S
    return lambda: rng.uniform(0, most_s)


class RestlessError(Exception):
    """The world did not come to rest; the text says what was still under way."""


async def _morning(seed: int, size: Size, chaos: Chaos, scenes: frozenset[Scene]) -> tuple[Verdict, str]:
    day = _day(seed, size, chaos, scenes)
    servers, outside = day.world.servers, day.world.outside
    await _configure(day)
    if scenes & KEEPERS:
        await yesterday(servers)
    if Scene.AGED in scenes:
        await Past(servers, day.index, chaos, KEEPER, day.rng("past"), day.elder).write()
    running = [asyncio.ensure_future(outside.driver.run())]
    stenographer = StenographerWire(
        servers.buckets[topology.MEDIA_BUCKET], servers.queues["media"], day.rng("stenographer")
    )
    forwarders = 1 if Scene.BURST in scenes else 2
    for kind in cast(
        day.index, day.hooks, day.media, day.desks, stenographer, day.keeping, forwarders=forwarders
    ):
        running += [asyncio.ensure_future(life) for life in day.world.cast(kind)]
    acts = (day.desks.watch(), _operator(day), _kept_from_work(day))
    watchers = [asyncio.ensure_future(act) for act in acts]
    await asyncio.gather(*people(day, size.messages, size.replies))
    await _rest(day)
    await _afternoon(day)
    for watcher in watchers:
        watcher.cancel()
    history = outside.rows()
    observed = await observe(servers, day.index, ROUTES, day.desks, await _circumstances(day, history))
    for process in day.world.processes:
        process.stop()
    outside.driver.stop()
    for task in running:
        task.cancel()
    return judge(read(history), observed), _digest(history, observed)


def _day(seed: int, size: Size, chaos: Chaos, scenes: frozenset[Scene]) -> Day:
    rng = Random(f"world:{seed}")  # noqa: S311 - reproducible
    calm = bool(scenes & {Scene.CALM, Scene.BURST})
    servers = build(Random(f"servers:{seed}"), 0.0 if calm else size.duplicates)  # noqa: S311 - reproducible
    outside = Outside(seed, servers.queues["ingest"], servers.queues["connect"], size.customers)
    _trouble(outside, rng, seed, calm=calm)
    hooks = HookWire(outside, Random(f"hooks:{seed}"), 0.0 if calm else 0.1, chaos.plan.until_s)  # noqa: S311 - reproducible
    media = MediaWire(outside, servers.buckets[topology.MEDIA_BUCKET])
    skew_ms = 0 if Scene.CALM in scenes else SKEW_MS  # a clock ahead of the others does not wait for them
    period_s = DUE_PERIOD_S if calm else rng.choice(DUE_PERIODS_S)
    world = World(seed, servers, outside, chaos, rng, skew_ms, period_s)
    day = Day(seed, world, Desks(Random(f"desks:{seed}")), MemoryIndex(), hooks, media, scenes)  # noqa: S311 - reproducible
    if scenes & KEEPERS:
        day.keeping = Keeping(outside, servers, day.desks, day.rng("keeping"), chaos.plan)
    trouble(day)
    return day


async def _circumstances(day: Day, history: Iterable[Any]) -> Circumstances:
    sounds = [sha for row in history for sha in row["media_sha256"]]
    sounds += [item["pk"] async for item in day.world.servers.store.scan("media") if _is_file(item)]
    return Circumstances(
        reopened=day.reopened,
        undisturbed=Scene.CALM in day.scenes,
        spoken={sha: words_of(sha) for sha in sounds},
        long=frozenset(sha for sha in sounds if seconds_of(sha) > LONG_S),
        infected=frozenset(day.infected),
        overdrawn=bool({Scene.OVERDRAWN, Scene.ERASED} & day.scenes),
        silent=bool(day.keeping and day.keeping.silent_since),
        erased=tuple(day.keeping.erased) if day.keeping else (),
        cached=day.keeping.edges.copies if day.keeping else {},
        elder=tuple(day.elder),
    )


def _is_file(item: Item) -> bool:
    return bool(item["sk"] == "-" and item["pk"].isalnum())  # an upload has an underscore in its name


async def _afternoon(day: Day) -> None:
    """People repeat what stayed unconfirmed for a minute, while things go wrong again."""
    if not await _unsettled(day.world.servers):
        return
    await asyncio.sleep(SETTLED_S)
    day.world.chaos.plan.until_s = asyncio.get_running_loop().time() + AFTERNOON_S
    await day.desks.repeat(await _unsettled(day.world.servers))
    await _rest(day)


def _trouble(outside: Outside, rng: Random, seed: int, *, calm: bool) -> None:
    for kind, rate, low, high in () if calm else TWIN_FAULTS:
        if rng.random() < HALF:
            outside.driver.world.set_fault(TwinFault(kind, rate, seed, low, high))


async def _configure(day: Day) -> None:
    store = day.world.servers.store
    for route in ROUTES:
        name = route.destination
        await store.write(
            _config(
                "destination",
                name,
                kind="webhook",
                url=f"https://h.invalid/{name}",
                secret=name,
                wait_s=2,
                paused=name == "hook-a" and Scene.BURST in day.scenes,
            )
        )
        match: Item = (
            {"by": "type", "values": sorted(route.types)} if route.types else {"by": "all", "values": []}
        )
        await store.write(_config("route", f"to-{name}", match=match, destinations=[name], enabled=True))


def _config(table_kind: str, name: str, **parts: Any) -> Put:
    return Put("config", {"pk": table_kind, "sk": name, "version": 1, **parts})


async def _operator(day: Day) -> None:
    """Meta's trouble ends with the faults; a person closes the breaker whenever it stands open."""
    store, clock = day.world.servers.store, VirtualClock()
    while True:
        await asyncio.sleep(LOOK_S)
        if asyncio.get_running_loop().time() > day.world.chaos.plan.until_s:
            day.world.outside.calm()
        breaker = await store.get("policy", breaker_pk(ACCOUNT.waba_id))
        if breaker and breaker.get("open"):
            day.reopened.append(clock.now_ms())
            await store.write(close(ACCOUNT.waba_id, day.reopened[-1]))


async def _kept_from_work(day: Day) -> None:
    """Faults go on while the keeper has something to do: else the last steps of its long ways are never struck."""
    loop, plan = asyncio.get_running_loop(), day.world.chaos.plan
    while loop.time() < LONGEST_S:
        await asyncio.sleep(CHECK_S)
        if await _keeping(day):
            plan.until_s = max(plan.until_s, loop.time() + 2 * CHECK_S)


async def _unsettled(servers: Servers) -> list[str]:
    """Messages that wait for a person."""
    found = [item async for item in servers.store.scan("messages") if item.get("state") == "unsettled"]
    return sorted(item["message_id"] for item in found)


async def _rest(day: Day) -> None:
    loop = asyncio.get_running_loop()
    calm = 0
    while calm < 2:  # noqa: PLR2004 - twice in a row: between two checks anything may be on its way
        await asyncio.sleep(CHECK_S)
        left = await _under_way(day)
        calm = 0 if left else calm + 1
        if left and loop.time() > day.world.chaos.plan.until_s + REST_S:
            raise RestlessError(", ".join(f"{times} x {what}" for what, times in Counter(left).items()))


async def _under_way(day: Day) -> list[str]:
    servers = day.world.servers
    left = [f"queue {name}" for name, queue in servers.queues.items() if queue.bodies()]
    left += [] if day.world.outside.quiet() else ["the outside"]
    soon = VirtualClock().now_ms() + SOON_MS
    due = [item async for item in servers.store.scan("due") if item["due_ms"] < soon]
    left += await _keeping(day)
    left += [f"due {item['pk']} {item['kind']}" for item in due]
    left += [f"owed {item['state']}" async for item in servers.store.scan("deliveries") if "owed" in item]
    return left


async def _keeping(day: Day) -> list[str]:
    """What the keeper has yet to do; whom a hold covers waits for ever."""
    if day.keeping is None:
        return []
    asked = [item async for item in day.world.servers.store.scan("config") if item["pk"] == "erasure"]
    left = [f"erasure {item['state']}" for item in asked if item["state"] != "held"]
    done = await day.world.servers.store.get("config", "keeper", "retention")
    return left + ([] if done or Scene.AGED not in day.scenes else ["retention"])


def _digest(history: Iterable[Any], observed: Any) -> str:
    seen = sorted((m.message_id, m.rev, m.state) for m in observed.messages)
    return hashlib.sha256(repr(([row["kind"] for row in history], seen)).encode()).hexdigest()[:16]
