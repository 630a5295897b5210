"""The due timer and the outbox, on virtual time."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.due import (
    BACKOFF_MOST_S,
    PAGE,
    due_item,
)
from shared.errors import RetryAfter, StopAndPage
from shared.store.memory import MemoryStore
from shared.store.port import Item, StoreUnavailableError
from sim.loop import run
from tests.unit.due_world import SERVICE, World


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
