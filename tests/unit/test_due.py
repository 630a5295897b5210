"""The due timer and the outbox, on virtual time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.port import BusUnavailableError
from shared.due import (
    BACKOFF_MOST_S,
    OUTBOX_KIND,
    PAGE,
    DueTimer,
    Handler,
    due_item,
    outbox,
    outbox_handler,
    publish_outbox,
)
from shared.errors import RetryAfter, StopAndPage
from shared.events.model import ContactChanged, ContactChangedEvent, Event
from shared.store.memory import MemoryStore
from shared.store.port import Item, Op, StoreUnavailableError
from sim.clock import VirtualClock
from sim.loop import run

SERVICE = "desk"


class World:
    """One service's due items and a task or more that run them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = VirtualClock()
        self.ran: list[tuple[float, str]] = []
        self.reports: list[tuple[str, type]] = []
        self.stop = asyncio.Event()

    def timer(self, handler: Handler | None = None, limit: int = 10, skew_ms: int = 0) -> DueTimer:
        handlers = {"lane": handler or self.note}
        return DueTimer(self.store, VirtualClock(skew_ms), SERVICE, handlers, self.report, 0.25, limit)

    async def note(self, item: Item) -> None:
        self.ran.append((round(asyncio.get_running_loop().time(), 3), item["id"]))

    def report(self, kind: str, error: BaseException) -> None:
        self.reports.append((kind, type(error)))

    async def owe(self, id_: str, in_ms: int = 0, **data: object) -> None:
        await self.store.write(due_item(SERVICE, self.clock.now_ms() + in_ms, "lane", id_, **data))

    async def left(self) -> list[str]:
        return [item["id"] for item in (await self.store.query("due", SERVICE)).items]

    async def run_for(self, timer: DueTimer, seconds: float) -> None:
        task = asyncio.ensure_future(timer.run(self.stop))
        await asyncio.sleep(seconds)
        self.stop.set()
        await task


def test_an_item_is_kept_under_its_time() -> None:
    op = due_item("desk", 1_764_000_000_123, "lane", "whatsapp:1#c_1", destination="d")
    assert (op.table, op.pk, op.sk) == ("due", "desk", "1764000000123#lane#whatsapp:1#c_1")
    assert due_item("desk", 5, "lane", "x").sk == "0000000000005#lane#x"


def test_what_is_due_runs_once_in_time_and_goes() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("now")
        await world.owe("later", 1000, destination="slack")
        await world.owe("much later", 60_000)
        seen: list[Item] = []

        async def keep(item: Item) -> None:
            seen.append(item)
            await world.note(item)

        await world.run_for(world.timer(keep), 10)
        assert [name for _, name in world.ran] == ["now", "later"]
        assert 1.0 <= world.ran[1][0] <= 1.25
        assert seen[1]["destination"] == "slack"
        assert await world.left() == ["much later"]
        assert world.reports == []

    run(0, scene())


def test_an_item_goes_only_after_its_run() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("x")
        during: list[list[str]] = []

        async def slow(_item: Item) -> None:
            await asyncio.sleep(3)
            during.append(await world.left())

        await world.run_for(world.timer(slow), 5)
        assert during == [["x"]]
        assert await world.left() == []

    run(0, scene())


def test_an_item_in_progress_is_not_run_twice_by_its_task() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("x")

        async def slow(item: Item) -> None:
            await world.note(item)
            await asyncio.sleep(30)

        await world.run_for(world.timer(slow), 10)
        assert len(world.ran) == 1
        assert await world.left() == []  # stopping lets what is in progress end

    run(0, scene())


def test_an_item_put_again_while_it_runs_runs_again() -> None:
    async def scene() -> None:
        world = World()
        at = world.clock.now_ms()
        again = due_item(SERVICE, at, "lane", "x")
        await world.store.write(again)

        async def puts_again(item: Item) -> None:
            if not world.ran:
                await world.store.write(again)
            await world.note(item)

        await world.run_for(world.timer(puts_again), 2)
        assert len(world.ran) == 2
        assert await world.left() == []

    run(0, scene())


def test_no_more_run_at_once_than_allowed_and_none_is_left_behind() -> None:
    async def scene() -> None:
        world = World()
        for n in range(250):
            await world.owe(f"{n:03}")
        running, most = 0, 0

        async def slow(item: Item) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.1)
            running -= 1
            await world.note(item)

        await world.run_for(world.timer(slow, limit=7), 20)
        assert most == 7
        assert sorted(name for _, name in world.ran) == [f"{n:03}" for n in range(250)]

    run(0, scene())


def test_a_failing_item_comes_back_ever_slower_and_holds_nobody_up() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("bad")
        for n in range(150):
            await world.owe(f"{n}", 1)

        async def fails(item: Item) -> None:
            await world.note(item)
            if item["id"] == "bad":
                raise OSError

        await world.run_for(world.timer(fails, limit=2), 600)
        times = [at for at, name in world.ran if name == "bad"]
        gaps = [later - sooner for sooner, later in pairwise(times)]
        assert gaps[0] < 2
        assert gaps == sorted(gaps)
        assert max(gaps) <= BACKOFF_MOST_S + 1
        assert len(times) < 20
        assert await world.left() == ["bad"]
        assert set(world.reports) == {("lane", OSError)}
        assert len(world.ran) == len(times) + 150

    run(0, scene())


def test_a_page_full_of_failing_items_does_not_hide_what_is_behind() -> None:
    async def scene() -> None:
        world = World()
        for n in range(PAGE + 20):
            await world.owe(f"bad{n}")
        await world.owe("good", 1)

        async def fails(item: Item) -> None:
            await world.note(item)
            if item["id"] != "good":
                raise OSError

        await world.run_for(world.timer(fails, limit=PAGE * 2), 20)
        assert [name for _, name in world.ran].count("good") == 1

    run(0, scene())


def test_retry_after_is_obeyed() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("x")

        async def once(item: Item) -> None:
            await world.note(item)
            if len(world.ran) == 1:
                raise RetryAfter(30, "rate")

        await world.run_for(world.timer(once), 40)
        first, second = (at for at, _ in world.ran)
        assert 30 <= second - first <= 30.5

    run(0, scene())


def test_an_unknown_kind_is_reported_and_stays() -> None:
    async def scene() -> None:
        world = World()
        await world.store.write(due_item(SERVICE, world.clock.now_ms(), "novel", "x"))
        await world.run_for(world.timer(), 5)
        assert await world.left() == ["x"]
        assert set(world.reports) == {("novel", KeyError)}

    run(0, scene())


def test_stop_and_page_ends_the_timer_and_leaves_the_item() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("x")

        async def fatal(_item: Item) -> None:
            raise StopAndPage("foreign account")

        with pytest.raises(StopAndPage):
            await world.timer(fatal).run(world.stop)
        assert await world.left() == ["x"]

    run(0, scene())


def test_a_cancelled_timer_leaves_its_items_to_others() -> None:
    async def scene() -> None:
        world = World()
        await world.owe("x")

        async def hangs(_item: Item) -> None:
            await asyncio.sleep(1000)

        task = asyncio.ensure_future(world.timer(hangs).run(world.stop))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        await world.run_for(world.timer(), 1)
        assert [name for _, name in world.ran] == ["x"]
        assert await world.left() == []

    run(0, scene())


class Flaky(MemoryStore):
    """Fails the calls of a given name while told to."""

    failing = ""

    async def query(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]  # passes all through
        if self.failing == "query":
            raise StoreUnavailableError
        return await super().query(*args, **kwargs)  # type: ignore[arg-type]  # as above


def test_a_store_out_of_reach_is_reported_and_tried_again() -> None:
    async def scene() -> None:
        world = World()
        world.store = flaky = Flaky()
        await world.owe("x")
        flaky.failing = "query"
        task = asyncio.ensure_future(world.run_for(world.timer(), 4))
        await asyncio.sleep(2)
        assert set(world.reports) == {("tick", StoreUnavailableError)}
        assert world.ran == []
        flaky.failing = ""
        await task
        assert [name for _, name in world.ran] == ["x"]

    run(0, scene())


plans = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 3), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(plan=plans, seed=st.integers(0, 1 << 16), crashes=st.lists(st.integers(0, 80), max_size=3))
def test_every_item_runs_to_its_end_whatever_crashes(
    plan: list[tuple[int, int, bool]], seed: int, crashes: list[int]
) -> None:
    """Two tasks with skewed clocks, failures and crashes: never early, never lost, all gone at last."""

    async def scene() -> None:
        world = World()
        ended: Counter[str] = Counter()
        failures = {f"{n}": times for n, (_, times, _) in enumerate(plan)}

        async def work(item: Item) -> None:
            assert item["due_ms"] <= world.clock.now_ms() + 1000
            await asyncio.sleep(0.3 if plan[int(item["id"])][2] else 0)
            if failures[item["id"]] > 0:
                failures[item["id"]] -= 1
                raise OSError
            ended[item["id"]] += 1

        async def task(skew_ms: int) -> None:
            await world.timer(work, 2, skew_ms).run(world.stop)

        for n, (in_ms, _, _) in enumerate(plan):
            await world.owe(f"{n}", in_ms)
        tasks = [asyncio.ensure_future(task(skew)) for skew in (-1000, 1000)]
        for tenths in sorted(crashes):
            await asyncio.sleep(tenths / 10)
            tasks[0].cancel()
            tasks[0] = asyncio.ensure_future(task(-1000))
        await asyncio.sleep(120)
        world.stop.set()
        await asyncio.wait(tasks)
        assert sorted(ended) == sorted(failures)
        assert await world.left() == []

    run(seed, scene())


def changed(n: int) -> Event:
    return ContactChangedEvent(
        type="desk.contact.changed.v1",
        id=f"p_{n}:1",
        source="desk",
        subject=f"p_{n}",
        time="2026-01-01T00:00:00.000Z",
        data=ContactChanged(contact_id=f"p_{n}", rev=1),
    )


class Bus:
    """A bus that can be down."""

    def __init__(self) -> None:
        self.out: list[Event] = []
        self.down = False

    async def publish(self, events: Sequence[Event]) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise BusUnavailableError
        self.out += events

    async def probe(self) -> None:
        await self.publish([])


async def committed(world: World, events: list[Event]) -> list[Op]:
    ops: list[Op] = [*outbox(SERVICE, world.clock.now_ms(), events)]
    await world.store.transact(ops, f"t{len(events)}")
    return ops


def test_events_published_at_once_are_not_published_again() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1), changed(2)]
        await committed(world, events)
        await publish_outbox(bus, world.store, events, outbox(SERVICE, world.clock.now_ms(), events))
        assert await world.left() == []
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        await world.run_for(timer, 5)
        assert bus.out == events

    run(0, scene())


def test_events_whose_writer_died_are_published_after_two_seconds_same_id() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1), changed(2)]
        await committed(world, events)
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        task = asyncio.ensure_future(world.run_for(timer, 4))
        await asyncio.sleep(1.9)
        assert bus.out == []
        await task
        assert sorted(bus.out, key=lambda event: event.id) == events
        assert await world.left() == []

    run(0, scene())


def test_a_bus_that_is_down_leaves_the_outbox_to_the_timer() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1)]
        owed = outbox(SERVICE, world.clock.now_ms(), events)
        await world.store.transact(owed, "t")
        bus.down = True
        await publish_outbox(bus, world.store, events, owed)
        assert await world.left() == ["p_1:1"]
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        task = asyncio.ensure_future(world.run_for(timer, 30))
        await asyncio.sleep(10)
        bus.down = False
        await task
        assert bus.out == events
        assert set(world.reports) == {("event", BusUnavailableError)}

    run(0, scene())
