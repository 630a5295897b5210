"""Whatever fails and whenever it stops: no permit is lost, and each message is done, visible again or parked."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Poison, RetryAfter
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message
from shared.queue.verdict import RENEW_AT
from sim.clock import VirtualClock
from tests.unit.queue.worlds import Faulty, World, virtually

LONG_S = 7 * 3600.0  # longer than any message may stay hidden


def _draws(seed: str) -> Random:
    return Random(seed)  # noqa: S311 - draws a world, guards nothing


@dataclass
class Deeds:
    """A handler whose ways are drawn from a seed: by body and receive, so that a run can be repeated."""

    seed: int
    poison_share: float = 0.1
    done: Counter[str] = field(default_factory=Counter)
    poisoned: set[str] = field(default_factory=set)

    async def handle(self, message: Message) -> None:
        body, receive = message.body, message.receive_count
        if _draws(f"{self.seed}/{body}").random() < self.poison_share:
            self.poisoned.add(body)
            raise Poison("bad")
        draw = _draws(f"{self.seed}/{body}/{receive}")
        await asyncio.sleep(draw.choice((0, 0.01, 1.0, 25.0, 130.0)))
        self._maybe_fail(draw, receive)
        self.done[body] += 1

    @staticmethod
    def _maybe_fail(draw: Random, receive: int) -> None:
        way = draw.choice(("ok", "ok", "error", "wait"))
        if way == "error":
            raise ValueError("a defect")
        if way == "wait" and receive < RENEW_AT:
            raise RetryAfter(draw.choice((0.0, 1.5, 100.0)), "busy")


def _shuffled(seed: int) -> MemoryQueue:
    """A queue that reorders and repeats."""
    draw = _draws(str(seed))
    return MemoryQueue(
        "ingest",
        VirtualClock(),
        arrange=lambda ids: draw.sample(ids, len(ids)),
        duplicate=lambda _id: draw.random() < 0.1,
    )


def _check_places(w: World, queue: Faulty, deeds: Deeds, bodies: list[str]) -> None:
    """Each message is in one place, and it is there for a reason."""
    assert w.memory.dlq is not None
    waiting, parked = Counter(w.memory.bodies()), Counter(w.memory.dlq.bodies())
    for body in bodies:
        assert waiting[body] + parked[body] <= 1, body
        if not waiting[body] and not parked[body]:
            assert deeds.done[body] or body in deeds.poisoned, body
        if parked[body]:
            assert body in deeds.poisoned or queue.most_receives[body] >= 7, body


async def _all_visible(w: World) -> None:
    await asyncio.sleep(LONG_S)
    assert await w.memory.depth() == (len(w.memory.bodies()), 0)


async def _finish(w: World, deeds: Deeds, bodies: list[str]) -> None:
    """A sound worker afterwards finds everything that is left."""

    async def fine(message: Message) -> None:
        deeds.done[message.body] += 1

    after = World(fine, queue=w.memory)
    await after.run_for(4 * 3600)
    assert w.memory.bodies() == []
    assert w.memory.dlq is not None
    assert {body for body in bodies if deeds.done[body]} | set(w.memory.dlq.bodies()) == set(bodies)


_WORLD = {
    "seed": st.integers(0, 2**32),
    "count": st.integers(1, 40),
    "concurrency": st.integers(1, 25),
    "pollers": st.integers(1, 3),
    "rate": st.sampled_from((0.0, 0.05, 0.3, 0.8)),
    "stop_at": st.one_of(st.floats(0, 3), st.floats(0, 400)),
}


@settings(max_examples=150, deadline=None)
@example(
    seed=10, count=20, concurrency=19, pollers=2, rate=0.8, stop_at=252.0
)  # two receives lost on the way
@given(**_WORLD)
def test_a_graceful_stop_at_any_moment(
    seed: int, count: int, concurrency: int, pollers: int, rate: float, stop_at: float
) -> None:
    async def world() -> None:
        deeds = Deeds(seed)
        w = World(deeds.handle, seed, concurrency=concurrency, pollers=pollers)
        w.queue = faulty = Faulty(w.memory, seed, rate)
        bodies = [str(number) for number in range(count)]
        for body in bodies:
            w.memory.put(body, {})
        worker = await w.run_for(stop_at)
        assert worker.free == concurrency
        assert w.notes.most_in_flight <= concurrency
        _check_places(w, faulty, deeds, bodies)
        await _all_visible(w)
        await _finish(w, deeds, bodies)

    virtually(world(), seed)


@settings(max_examples=150, deadline=None)
@given(**_WORLD)
def test_a_crash_at_any_moment(
    seed: int, count: int, concurrency: int, pollers: int, rate: float, stop_at: float
) -> None:
    async def world() -> None:
        deeds = Deeds(seed)
        w = World(deeds.handle, seed, concurrency=concurrency, pollers=pollers)
        w.queue = faulty = Faulty(w.memory, seed, rate)
        bodies = [str(number) for number in range(count)]
        for body in bodies:
            w.memory.put(body, {})
        life = asyncio.ensure_future(w.worker().run(w.stop))
        await asyncio.sleep(stop_at)
        life.cancel()
        await asyncio.wait([life])
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        _check_places(w, faulty, deeds, bodies)
        await _all_visible(w)
        await _finish(w, deeds, bodies)

    virtually(world(), seed)


@settings(max_examples=100, deadline=None)
@given(**_WORLD)
def test_two_workers_on_a_queue_that_repeats_and_reorders(
    seed: int, count: int, concurrency: int, pollers: int, rate: float, stop_at: float
) -> None:
    """Copies may be handled twice and parked beside being done; but nothing is ever lost, permits neither."""

    async def world() -> None:
        deeds = Deeds(seed)
        memory = _shuffled(seed)
        ws = [
            World(
                deeds.handle,
                seed + n,
                Faulty(memory, seed + n, rate),
                concurrency=concurrency,
                pollers=pollers,
            )
            for n in range(2)
        ]
        bodies = [str(number) for number in range(count)]
        for body in bodies:
            memory.put(body, {})
        workers = await asyncio.gather(*(w.run_for(stop_at) for w in ws))
        assert [worker.free for worker in workers] == [concurrency, concurrency]
        ws[0].memory = memory
        await _finish(ws[0], deeds, bodies)

    virtually(world(), seed)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from((0.0, 0.1, 0.5)))
def test_what_waits_for_long_is_never_lost_under_faults(seed: int, rate: float) -> None:
    """Renewal may double a message when an answer is lost, but never drops it."""

    async def world() -> None:
        async def handler(_message: Message) -> None:
            raise RetryAfter(20, "busy")

        w = World(handler, seed)
        w.queue = Faulty(w.memory, seed, rate)
        bodies = [str(number) for number in range(5)]
        for body in bodies:
            w.memory.put(body, {})
        worker = await w.run_for(1500)
        assert worker.free == w.options.concurrency
        assert w.memory.dlq is not None
        assert set(w.memory.bodies()) | set(w.memory.dlq.bodies()) == set(bodies)
        if not rate:
            assert sorted(w.memory.bodies()) == bodies

    virtually(world(), seed)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_seed_is_the_same_world(seed: int) -> None:
    def once() -> tuple[list[tuple[str, str, str]], float]:
        async def world() -> tuple[list[tuple[str, str, str]], float]:
            w = World(Deeds(seed).handle, seed, concurrency=7, pollers=2)
            w.queue = Faulty(w.memory, seed, 0.2)
            for number in range(15):
                w.memory.put(str(number), {})
            await w.run_for(200)
            return list(w.notes.outcomes), asyncio.get_running_loop().time()

        return virtually(world(), seed)

    assert once() == once()
