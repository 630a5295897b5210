"""A lease: one holder at a time, handed on when it dies, cut off when it cannot renew."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ids import Ids
from shared.lease import SKEW_MS, Lease
from shared.store.memory import MemoryStore
from shared.store.port import StoreUnavailableError
from sim.clock import VirtualClock
from sim.loop import run as run_virtual


class Cut:
    """A store that refuses while `down`, and takes its time while it `hangs`."""

    def __init__(self, inner: MemoryStore) -> None:
        self._inner = inner
        self.down = self.hangs = False

    async def write(self, op: Any, *, old: bool = False) -> Any:
        if self.hangs:
            await asyncio.sleep(70)
        if self.down:
            raise StoreUnavailableError("down")
        return await self._inner.write(op, old=old)


def lease(store: Any, seed: int, skew_ms: int = 0) -> Lease:
    clock = VirtualClock(skew_ms)
    source = random.Random(seed)  # noqa: S311 - a seeded world, not a secret
    return Lease(store, clock, Ids(clock, source.randbytes), "keeper")


class Holders:
    """Who works now, and the most that ever did at once."""

    def __init__(self) -> None:
        self.now: list[int] = []
        self.most = 0
        self.turns: list[int] = []

    def work(self, me: int) -> Any:
        async def run(stop: asyncio.Event) -> None:
            self.now.append(me)
            self.turns.append(me)
            self.most = max(self.most, len(self.now))
            try:
                await stop.wait()
            finally:
                self.now.remove(me)

        return run


def test_one_works_and_another_takes_over_when_it_stops() -> None:
    async def main() -> Holders:
        store, held = MemoryStore(), Holders()
        stops = [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(lease(store, n).run(stops[n], held.work(n))) for n in (0, 1)]
        await asyncio.sleep(300)
        first = held.now[0]
        stops[first].set()
        await asyncio.sleep(15)
        assert held.now == [1 - first]
        stops[1 - first].set()
        await asyncio.gather(*tasks)
        return held

    held = run_virtual(1, main())[0]
    assert held.most == 1
    assert len(held.turns) == 2


def test_a_dead_holder_is_followed_within_its_lease() -> None:
    async def main() -> None:
        store, held, stop = MemoryStore(), Holders(), asyncio.Event()
        dead = asyncio.create_task(lease(store, 0).run(stop, held.work(0)))
        await asyncio.sleep(1)
        heir = asyncio.create_task(lease(store, 1).run(stop, held.work(1)))
        await asyncio.sleep(20)
        store.write = _never  # type: ignore[method-assign] # it dies without letting go
        dead.cancel()
        await asyncio.gather(dead, return_exceptions=True)
        del store.write
        await asyncio.sleep(45)
        assert held.now == [1]
        stop.set()
        await heir

    run_virtual(2, main())


async def _never(*_: Any, **__: Any) -> Any:
    raise StoreUnavailableError("dead")


@pytest.mark.parametrize("trouble", ["down", "hangs"])
def test_who_cannot_renew_in_time_stops_before_anybody_else_may_begin(trouble: str) -> None:
    async def main() -> Holders:
        store, held, stop = MemoryStore(), Holders(), asyncio.Event()
        cut = Cut(store)
        tasks = [
            asyncio.create_task(lease(cut, 0).run(stop, held.work(0))),
            asyncio.create_task(_later(lease(store, 1, SKEW_MS - 1), stop, held)),
        ]
        await asyncio.sleep(60)
        assert held.now == [0]
        setattr(cut, trouble, True)
        await asyncio.sleep(120)
        assert held.now == [1]
        setattr(cut, trouble, False)
        stop.set()
        await asyncio.gather(*tasks)
        return held

    assert run_virtual(3, main())[0].most == 1


async def _later(second: Lease, stop: asyncio.Event, held: Holders) -> None:
    await asyncio.sleep(1)
    await second.run(stop, held.work(1))


def test_what_the_work_raises_is_raised_and_the_lease_is_free() -> None:
    async def main() -> None:
        store, stop = MemoryStore(), asyncio.Event()

        async def broken(_stop: asyncio.Event) -> None:
            raise LookupError("a defect")

        with pytest.raises(LookupError):
            await lease(store, 0).run(stop, broken)
        item = await store.get("leases", "keeper")
        assert item is not None
        assert item["until_ms"] == 0

    run_virtual(4, main())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 90)), max_size=8))
def test_never_two_at_once(seed: int, cuts: list[tuple[int, int]]) -> None:
    async def main() -> Holders:
        store, held, stop = MemoryStore(), Holders(), asyncio.Event()
        stores = [Cut(store) for _ in range(3)]
        skews = [-SKEW_MS // 2, 0, SKEW_MS // 2]
        tasks = [asyncio.create_task(lease(stores[n], n, skews[n]).run(stop, held.work(n))) for n in range(3)]
        for who, seconds in cuts:
            stores[who].down = not stores[who].down
            await asyncio.sleep(seconds)
        stop.set()
        await asyncio.gather(*tasks)
        return held

    assert run_virtual(seed, main())[0].most <= 1
