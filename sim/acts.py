"""What people and machines do in a world's morning: the ordinary, and what its scenes add."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.search.adapters.memory import MemoryIndex
from shared import topology
from shared.record.runs import state_key
from shared.store.port import Update
from sim.chaos import Outage
from sim.connect import chats
from sim.desks import Desks
from sim.elder import policy
from sim.filing import Filing, Looking, abandoned, infected, notes, overdrawn
from sim.keeping import Keeping, shifts
from sim.people import Customers, meta, rubbish
from sim.phone import own_phone, stranger
from sim.rush import flurry, hurry, newcomers, renamed
from sim.scenes import Scene
from sim.sweeping import deleted_meanwhile, late_renditions
from sim.wires import HookWire, MediaWire
from sim.world import World
from twin.audit.observed import Elder
from twin.core.faults import Fault as TwinFault

MORNING_S = 40.0  # messages are written during this time
BURST = 40  # messages at once: more than one run of a lane may move
PAUSED_S = 30.0  # a burst's destination is paused so long: then only the timer remembers its lane
QUOTA_S = 45.0  # seven waits of at most four seconds, and once more after the message was renewed
RESTARTS = 3  # of one desk, while consoles begin anew
LATECOMERS = 12
PHOTO_EACH_S = 4.0
OUTAGE_S = 15.0
SLOW_BURST, SLOW_S = 15, (4.0, 7.0)  # together longer than a queue hides a message
RUN = f"m{1:015x}"  # an import
LOST = 0.2  # of the desk's answers
# Parts of the product of which one fails more often than the others.
TIRED: tuple[tuple[str, ...], ...] = (
    ("services/ingest/", "shared/record/"),
    ("services/forwarder/router.py", "services/forwarder/handlers.py", "shared/lanes/"),
    ("services/forwarder/gateway/", "shared/lanes/"),
    ("services/desk/", "shared/due.py"),
    ("services/search/",),
    ("services/ingest/keeper/", "shared/lease.py"),
    ("services/media/",),
    ("services/media/uploads.py", "services/media/transcription.py", "services/media/beside.py"),
    ("shared/queue/",),
)
TIRED_S = 60.0  # longer, and what it receives goes to a dead-letter queue by itself
UNSAID = (("services/media/shelf.py:store.get",), 0.4)
OUTAGES = (
    *(("ingest", port) for port in ("store", "raw", "service")),
    *(("media", port) for port in ("store", "bucket")),
    *(("forwarder", port) for port in ("store", "service")),
    *(("gateway", "store"), ("desk", "store"), ("indexer", "store"), ("indexer", "index")),
)
# The twin's faults a scene is made of: kind, rate, min and max ms. In this order, for
# the last one ends what an earlier one began: of a failure that nobody is told nobody can know.
MADE: dict[Scene, tuple[tuple[str, float, int, int], ...]] = {
    Scene.DOUBT: (("error_after", 0.6, 0, 0), ("lost_status", 0.9, 0, 0)),
    Scene.HURRY: (("timeout_after", 0.6, 500, 7000),),
    Scene.UNNAMED: (("no_callback", 0.7, 0, 0),),
    Scene.SPOILT: (("spoilt", 0.2, 0, 0),),
    Scene.LOCKED: (("account_locked", 0.7, 0, 0), ("lost_status", 0, 0, 0), ("no_callback", 0, 0, 0)),
}
Act = Coroutine[Any, Any, None]


@dataclass(slots=True)
class Day:
    """A world and those who act in it.

    Attributes:
        scenes: what happens beside the ordinary. reopened: when a person let sends go on, ms since the epoch.
        infected: hashes of files that may be served to nobody. keeping: who acts around the keeper, if there is one.
        elder: what was there before.
    """

    seed: int
    world: World
    desks: Desks
    index: MemoryIndex
    hooks: HookWire
    media: MediaWire
    scenes: frozenset[Scene]
    reopened: list[int] = field(default_factory=list)
    infected: list[str] = field(default_factory=list)
    keeping: Keeping | None = None
    elder: list[Elder] = field(default_factory=list)

    def rng(self, what: str) -> Random:
        """A generator of this world's own for each thing."""
        return Random(f"{what}:{self.seed}")  # noqa: S311 - reproducible


def trouble(day: Day) -> None:
    """What scenes make of Meta and of our dependencies; before anything happens."""
    for scene in [scene for scene in MADE if scene in day.scenes]:
        for kind, rate, low, high in MADE[scene]:
            day.world.outside.driver.world.set_fault(TwinFault(kind, rate, day.seed, low, high))
    plan = day.world.chaos.plan
    if Scene.TIRED in day.scenes and not plan.hot:
        plan.hot, plan.hot_s = day.rng("tired").choice(TIRED), TIRED_S
    if Scene.UNSAID in day.scenes and not plan.hot:
        plan.hot, plan.heat = UNSAID
    if Scene.OUTAGE in day.scenes:
        plan.outage = _outage(day.rng("outage"))
    if Scene.SLOW in day.scenes:
        day.hooks.takes_s = SLOW_S
    if Scene.QUOTA in day.scenes:
        day.media.throttled_until_s = QUOTA_S
    day.desks.twice = Scene.REACTS in day.scenes
    day.desks.lost = LOST if Scene.LOST in day.scenes else 0.0


def _outage(rng: Random) -> Outage:
    process, port = rng.choice(OUTAGES)
    start_s = rng.uniform(0, MORNING_S / 2)
    return Outage(process, port, start_s, start_s + OUTAGE_S)


def people(day: Day, messages: int, replies: int) -> list[Act]:
    """Everybody of a morning."""
    outside, rng = day.world.outside, day.rng("people")
    return [
        Customers(outside, rng).write(messages, MORNING_S),
        meta(outside, day.rng("meta"), MORNING_S),
        rubbish(outside, day.rng("rubbish"), MORNING_S, everything=Scene.RUBBISH in day.scenes),
        day.desks.answer(replies, MORNING_S),
        day.desks.configure(),
        _after(MORNING_S / 2, day.desks.read_receipt),
        _after(MORNING_S / 4, lambda: _photo(day)),
        _after(MORNING_S, lambda: _housekeeping(day)),
        *_scenes(day),
        *_keepers(day),
    ]


def _scenes(day: Day) -> Iterator[Act]:
    outside, rng = day.world.outside, day.rng("acts")
    customers = Customers(outside, rng)
    acts: dict[Scene, Callable[[], list[Act]]] = {
        Scene.BURST: lambda: [_burst(day, customers)],
        Scene.SLOW: lambda: [customers.burst(SLOW_BURST)],
        Scene.HUGE: lambda: [customers.huge(MORNING_S / 2) for _ in range(2)],
        Scene.PHOTO: lambda: [customers.picture(1.0)],
        Scene.QUOTA: lambda: [customers.picture(0.5), customers.picture(1.0)],
        Scene.PHONE: lambda: [own_phone(outside, rng, MORNING_S)],
        Scene.STRANGER: lambda: [stranger(outside, rng, day.desks.erase)],
        Scene.MERGED: lambda: [customers.one_person_twice(MORNING_S / 2)],
        Scene.RELATED: lambda: [customers.related(MORNING_S)],
        Scene.SWEPT: lambda: [
            deleted_meanwhile(day.world.servers, MORNING_S),
            late_renditions(day.world.servers, rng, MORNING_S),
            customers.same_picture(MORNING_S / 2),
            *(customers.picture(after_s) for after_s in (1.0, 4.0, 8.0)),
        ],
        Scene.CONNECT: lambda: [chats(outside, day.world.servers, rng, MORNING_S)],
        Scene.COVERED: lambda: [day.desks.cover(), customers.related(MORNING_S)],
        Scene.CROWD: lambda: [newcomers(outside, rng, MORNING_S)],
        Scene.RENAMED: lambda: [renamed(outside, rng, MORNING_S)],
        Scene.FLURRY: lambda: [flurry(day.desks, rng, MORNING_S)],
        Scene.HURRY: lambda: [hurry(day.desks, rng, MORNING_S)],
        Scene.UPLOADS: lambda: [
            Filing(day.desks, day.world.servers, rng).send(MORNING_S),
            abandoned(day.world.servers, rng, MORNING_S),
            _infected(day),
        ],
        Scene.NOTES: lambda: [
            notes(outside, rng, MORNING_S),
            Looking(day.desks, day.world.servers, day.rng("looking")).look(2 * MORNING_S),
        ],
        Scene.OVERDRAWN: lambda: [overdrawn(outside, day.world.servers, rng, MORNING_S)],
        Scene.LATECOMER: lambda: [_restarts(day), day.desks.latecomers(LATECOMERS, MORNING_S)],
    }
    for scene in sorted(day.scenes):
        yield from acts.get(scene, list)()


def _keepers(day: Day) -> Iterator[Act]:
    if day.keeping is None:
        return
    keepers = [process for process in day.world.processes if process.name.startswith("keeper")]
    yield shifts(keepers, day.world.chaos.plan.until_s)
    yield day.keeping.purged(MORNING_S)
    yield day.keeping.emptied(MORNING_S)
    if Scene.ERASED in day.scenes:
        yield day.keeping.forget(keepers)
        yield day.keeping.hold()
        yield day.keeping.usurp()
    if Scene.AGED in day.scenes:
        yield policy(day.desks)


async def _infected(day: Day) -> None:
    day.infected.append(await infected(day.world.outside, day.rng("infected"), MORNING_S))


async def _burst(day: Day, customers: Customers) -> None:
    """All of it waits at a paused destination, until somebody lets it go on."""
    await customers.burst(BURST)
    await asyncio.sleep(PAUSED_S)
    store = day.world.servers.store
    await store.write(Update("config", "destination", "hook-a", set={"paused": False}, add={"version": 1}))


async def _restarts(day: Day) -> None:
    """A deployment replaces one desk again and again."""
    desks = [process for process in day.world.processes if process.name.startswith("desk")]
    for _ in range(RESTARTS):
        await asyncio.sleep(MORNING_S / (RESTARTS + 1))
        day.rng("deployment").choice(desks).crash()


async def _photo(day: Day) -> None:
    """An agent sends on the first picture that is there."""
    loop = asyncio.get_running_loop()
    while loop.time() < 2 * MORNING_S:
        async for item in day.world.servers.store.scan("messages"):
            for medium in item.get("media", []):
                if medium["state"] == "ready" and medium["mime"] == "image/jpeg":
                    await day.desks.send_photo(medium["sha256"])
                    return
        await asyncio.sleep(PHOTO_EACH_S)


async def _housekeeping(day: Day) -> None:
    store = day.world.servers.store
    ids = [item["pk"] async for item in store.scan("ids") if item["pk"].startswith("a_")]
    files = [item["pk"] async for item in store.scan("media")]
    await day.desks.housekeeping(sorted(ids)[:2], min(files, default="none"), await _imported(day))


async def _imported(day: Day) -> str:
    """A run's journal that names two people without a number; answers the run."""
    people = [item["pk"] async for item in day.world.servers.store.scan("contacts") if item["sk"] == "-"][:2]
    named = {contact_id: {"chat": 1} for contact_id in people}
    journal = json.dumps({"run": RUN, "met": [], "conversations": [], "named": named}).encode()
    exports = day.world.servers.buckets[topology.EXPORTS_BUCKET]
    await exports.put(state_key(RUN), journal, content_type="application/json")
    return RUN


async def _after(seconds: float, act: Callable[[], Act]) -> None:
    await asyncio.sleep(seconds)
    await act()
