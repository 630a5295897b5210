"""No gap, no double: whoever appends, however often, wherever it dies."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.appender import Appender
from services.desk.hub import Hub
from services.desk.log import MOST, DeskLog
from shared.bus.attributes import body
from shared.errors import Poison
from shared.events.model import AlertRaised, AlertRaisedEvent, Event
from shared.ids import Ids
from shared.queue.port import Message
from shared.store.memory import MemoryStore
from shared.store.port import ContendedError, Delete, Op, Put, StoreUnavailableError
from tests.unit.record.world import FixedClock, text, world


def event(number: int) -> Event:
    return AlertRaisedEvent(
        id=f"e{number}:1",
        source="test",
        subject="a",
        time="2027-01-15T08:00:00.000Z",
        data=AlertRaised(name=f"n{number}", severity="warn", runbook="r"),
    )


class Unsteady(MemoryStore):
    """A store that sometimes fails before a transaction and sometimes loses its answer."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(contend=lambda _ops: source.random() < 0.2)
        self._source = source

    async def transact(self, ops: Any, token: str) -> None:
        fate = self._source.random()
        if fate < 0.1:
            raise StoreUnavailableError
        await super().transact(ops, token)
        if fate < 0.2:
            raise StoreUnavailableError


async def in_log(store: MemoryStore) -> list[tuple[int, str]]:
    return [(int(item["sk"]), item["event"]) for item in (await store.query("desk_log", "log")).items]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 40))
async def test_every_event_once_in_a_row_without_a_gap(seed: int, tasks: int, count: int) -> None:
    """Several tasks get every event, some twice; each may fail, or be killed at any step and started again."""
    source = random.Random(seed)  # noqa: S311 - a seeded world
    store, clock = Unsteady(source), FixedClock()
    ids = Ids(clock, source.randbytes)
    queue = [n for n in range(count) for _ in range(source.choice([1, 1, 2]))]
    source.shuffle(queue)

    async def task() -> None:
        appender = Appender(DeskLog(store, clock, ids), clock, lambda _: None)
        while queue:
            taken = [queue.pop() for _ in range(min(len(queue), source.randint(1, 14)))]
            calls = [asyncio.create_task(appender.handle(_message(n))) for n in taken]
            for _ in range(source.choice([0, 1, 2, 5, 9, 100])):
                await asyncio.sleep(0)
            if source.random() < 0.3:  # killed: what it held comes again
                for call in calls:
                    call.cancel()
                appender = Appender(DeskLog(store, clock, ids), clock, lambda _: None)
            results = await asyncio.gather(*calls, return_exceptions=True)
            queue.extend(n for n, result in zip(taken, results, strict=True) if result is not None)

    async with asyncio.timeout(20):
        await asyncio.gather(*(task() for _ in range(tasks)))
    found = await in_log(store)
    assert [seq for seq, _ in found] == list(range(1, count + 1))
    assert sorted(text for _, text in found) == sorted(body(event(n)) for n in range(count))


def _message(number: int) -> Message:
    return Message("m", body(event(number)), "r", 1, 0)


async def test_what_arrives_together_goes_in_few_transactions() -> None:
    class Counting(MemoryStore):
        calls = 0

        async def transact(self, ops: Any, token: str) -> None:
            self.calls += 1
            await super().transact(ops, token)

    store, clock = Counting(), FixedClock()
    appender = Appender(DeskLog(store, clock, Ids(clock)), clock, lambda _: None)
    await asyncio.gather(*(appender.handle(_message(n)) for n in range(30)))
    assert store.calls <= 30 // MOST + 1


async def test_reading_stops_where_a_transaction_shows_only_half_of_itself() -> None:
    store, clock = MemoryStore(), FixedClock()
    log = DeskLog(store, clock, Ids(clock))
    await log.append([event(n) for n in range(5)])
    half = (await store.query("desk_log", "log")).items[2]
    await store.write(Delete("desk_log", half["pk"], half["sk"]))
    assert [entry.seq for entry in await log.read(0)] == [1, 2]
    await store.write(Put("desk_log", half))
    assert [entry.seq for entry in await log.read(0)] == [1, 2, 3, 4, 5]


async def test_the_log_says_how_far_back_it_reaches() -> None:
    store, clock = MemoryStore(), FixedClock()
    log = DeskLog(store, clock, Ids(clock))
    assert await log.reaches(0)
    assert not await log.reaches(1)
    await log.append([event(n) for n in range(3)])
    clock.ms += 25 * 3600 * 1000
    await log.append([event(3)])
    store.sweep(clock.ms // 1000)
    assert [await log.reaches(n) for n in (0, 2, 3, 4, 5)] == [False, False, True, True, False]


async def test_rubbish_is_poison_and_harms_no_neighbour() -> None:
    store, clock = MemoryStore(), FixedClock()
    appender = Appender(DeskLog(store, clock, Ids(clock)), clock, lambda _: None)
    results = await asyncio.gather(
        appender.handle(Message("m", "{", "r", 1, 0)), appender.handle(_message(1)), return_exceptions=True
    )
    assert isinstance(results[0], Poison)
    assert results[1] is None


async def test_time_from_arrival_to_the_log_is_measured_once_for_live_messages() -> None:
    w = world()
    seen: list[float] = []
    appender = Appender(DeskLog(w.store, w.clock, w.ids), w.clock, seen.append)
    kept = await w.record.keeper.keep(text("wamid.1"))
    w.clock.ms += 250
    for each in kept.events:
        await appender.handle(Message("m", body(each), "r", 1, 0))
    assert seen == [pytest.approx(0.25)]


async def test_a_contended_counter_gives_up_in_the_end_and_loses_nothing() -> None:
    stuck = True

    def contend(_ops: list[Op] | Any) -> bool:
        return stuck

    store, clock = MemoryStore(contend=contend), FixedClock()
    source = random.Random(1)  # noqa: S311 - jitter
    log = DeskLog(store, clock, Ids(clock, source.randbytes))
    with pytest.raises(ContendedError):
        await log.append([event(1)])
    stuck = False
    await log.append([event(1)])
    assert [seq for seq, _ in await in_log(store)] == [1]


class TestHub:
    async def _hub(self) -> tuple[DeskLog, Hub]:
        store, clock = MemoryStore(), FixedClock()
        log = DeskLog(store, clock, Ids(clock))
        return log, Hub(log, lambda _error: None)

    async def test_clients_get_everything_in_order_once(self) -> None:
        log, hub = await self._hub()
        stop = asyncio.Event()
        running = asyncio.create_task(hub.run(stop))
        until = asyncio.get_running_loop().time() + 60

        async def client(seq: int, wanted: int) -> list[int]:
            got: list[int] = []
            async for entries in hub.follow(seq, until, 60):
                assert entries is not None
                got += [entry.seq for entry in entries]
                if len(got) >= wanted:
                    break
            return got

        clients = [asyncio.create_task(client(0, 25)) for _ in range(3)]
        for start in range(0, 25, 5):
            await log.append([event(n) for n in range(start, start + 5)])
            await asyncio.sleep(0)
        assert await asyncio.gather(*clients) == [list(range(1, 26))] * 3
        assert await client(20, 5) == list(range(21, 26))
        stop.set()
        await running

    async def test_a_stop_ends_every_stream(self) -> None:
        _, hub = await self._hub()
        stop = asyncio.Event()
        running = asyncio.create_task(hub.run(stop))
        until = asyncio.get_running_loop().time() + 3600
        waiting = asyncio.create_task(_all(hub, until))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(running, 5)
        assert await asyncio.wait_for(waiting, 5) == []

    async def test_a_stream_ends_with_its_token(self) -> None:
        _, hub = await self._hub()
        assert await _all(hub, asyncio.get_running_loop().time() + 0.01) == []

    async def test_silence_is_told_so_that_the_connection_can_be_kept_alive(self) -> None:
        _, hub = await self._hub()
        until = asyncio.get_running_loop().time() + 60
        async for entries in hub.follow(0, until, 0.01):
            assert entries == []
            break

    async def test_a_client_further_behind_than_memory_reads_the_log(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log, hub = await self._hub()
        for start in range(0, 30, 10):
            await log.append([event(n) for n in range(start, start + 10)])
        await hub.tick()
        await log.append([event(30)])
        await hub.tick()
        entries = await hub.after(5, 10)
        assert entries is not None
        assert [entry.seq for entry in entries] == list(range(6, 16))

    async def test_a_read_that_fails_is_reported_and_made_good(self) -> None:
        told: list[BaseException] = []
        store, clock = MemoryStore(), FixedClock()

        class Failing(DeskLog):
            fail = True

            async def read(self, after: int, limit: int = 100) -> Any:
                if self.fail:
                    raise StoreUnavailableError
                return await super().read(after, limit)

        log = Failing(store, clock, Ids(clock))
        hub = Hub(log, told.append)
        await hub._safe_tick()
        assert len(told) == 1
        log.fail = False
        await log.append([event(1)])
        await hub._safe_tick()
        assert await hub.head() == 1


async def _all(hub: Hub, until: float) -> list[Any]:
    return [entries async for entries in hub.follow(0, until, 60) if entries]
