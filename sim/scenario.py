"""A short morning: people write, agents answer, things go wrong, and then everything must come to rest."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.search.adapters.memory import MemoryIndex
from shared.ids import desk_id
from shared.record.outbound import Draft, NoConversationError
from shared.store.port import Item, Put
from sim.casting import Desk, cast
from sim.cells import Site
from sim.chaos import Chaos, Plan
from sim.loop import DeadlockError, StepLimitError, run
from sim.observe import observe
from sim.outside import Outside
from sim.servers import build
from sim.wires import HookWire
from sim.world import World
from twin.audit.history import read
from twin.audit.observed import Acknowledged, Route
from twin.audit.verdict import Verdict, judge
from twin.core.faults import Fault as TwinFault

MORNING_S = 40.0  # messages are written during this time
FAULTS_S = 60.0  # and faults happen until here
REST_S = 1800.0  # what is not at rest this long after has lost something
CHECK_S = 5.0
ROUTES = (Route("hook-a"), Route("hook-b", types=frozenset({"text", "image"})))
TYPES = ("text", "text", "text", "image", "audio", "location", "reaction", "contacts", "document")
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
    desk: Desk
    index: MemoryIndex
    acknowledged: list[Acknowledged] = field(default_factory=list)
    pending: int = 0


def play(seed: int, size: Size, plan: Plan, sites: dict[str, list[Site]]) -> Outcome:
    """One world, from its seed."""
    chaos = Chaos(plan, sites, Random(f"latency:{seed}").random)  # noqa: S311 - reproducible
    plan.until_s = FAULTS_S
    try:
        (verdict, digest), loop = run(seed, _morning(seed, size, chaos))
    except (DeadlockError, StepLimitError, RestlessError) as error:
        return Outcome(seed, None, f"{type(error).__name__}: {error}", chaos, 0, 0.0, "")
    return Outcome(seed, verdict, "", chaos, loop.steps, loop.time(), digest)


class RestlessError(Exception):
    """The world did not come to rest; the text says what was still under way."""


async def _morning(seed: int, size: Size, chaos: Chaos) -> tuple[Verdict, str]:
    rng = Random(f"world:{seed}")  # noqa: S311 - reproducible
    servers = build(Random(f"servers:{seed}"), size.duplicates)  # noqa: S311
    outside = Outside(seed, servers.queues["ingest"], servers.queues["connect"], size.customers)
    _trouble(outside, rng, seed)
    day = _Day(World(seed, servers, outside, chaos, rng), Desk(), MemoryIndex())
    hooks = HookWire(outside, Random(f"hooks:{seed}"), 0.1, FAULTS_S)  # noqa: S311
    await _configure(day)
    running = [asyncio.ensure_future(outside.driver.run())]
    for kind in cast(day.index, hooks, day.desk):
        running += [asyncio.ensure_future(life) for life in day.world.cast(kind)]
    await asyncio.gather(_customers(day, size, rng), _agents(day, size, Random(f"agents:{seed}")))  # noqa: S311
    await _rest(day)
    observed = await observe(servers, day.index, day.acknowledged, ROUTES)
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


async def _customers(day: _Day, size: Size, rng: Random) -> None:
    outside = day.world.outside
    people = outside.customers
    for number in range(size.messages):
        await asyncio.sleep(rng.expovariate(size.messages / MORNING_S))
        who = rng.choice(people)
        kind = rng.choice(TYPES)
        said = outside.wamids.get(who)
        say: dict[str, Any] = {"type": kind, "text": f"mensaje {number}"}
        if kind == "reaction":
            say = (
                {"type": "reaction", "emoji": "👍", "target": rng.choice(said)} if said else {"type": "text"}
            )
        outside.says(who, **say)


async def _agents(day: _Day, size: Size, rng: Random) -> None:
    for number in range(size.replies):
        await asyncio.sleep(rng.expovariate(size.replies / MORNING_S))
        await _reply(day, number, rng)


async def _reply(day: _Day, number: int, rng: Random) -> None:
    """An agent answers the newest thread and insists until the desk has acknowledged it."""
    conversation = await _some_conversation(day, rng)
    if conversation is None:
        return
    text = f"respuesta {number}"
    body = {"type": "text", "text": {"body": text}}
    draft = Draft(desk_id("agent", str(number)), conversation, "agent", "text", body, text)
    for _ in range(200):
        try:
            async with asyncio.timeout(20):
                message_id = await day.desk.reply(draft)
        except NoConversationError:
            return
        except Exception:  # noqa: BLE001 - whatever the API answers, the agent's client tries again
            await asyncio.sleep(rng.uniform(0.5, 2))
        else:
            day.acknowledged.append(Acknowledged(message_id, text))
            return
    raise RestlessError("the desk never acknowledged a reply")


async def _some_conversation(day: _Day, rng: Random) -> str | None:
    found = [item["pk"] async for item in day.world.servers.store.scan("conversations")]
    return rng.choice(sorted(found)) if found else None


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
