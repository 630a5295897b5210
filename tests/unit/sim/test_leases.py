"""A watched queue tells what was done with each receipt, as the audit's rule of leases reads it."""

import asyncio
from contextlib import suppress

from shared.queue.port import LeaseLostError
from shared.store.port import Put, Update
from sim.clock import VirtualClock
from sim.leases import WatchedQueue, WatchedStore
from sim.loop import run
from sim.process import WHO
from twin.audit.observed import Hold


def _queue(holds: list[Hold], *, copies: bool = False) -> WatchedQueue:
    return WatchedQueue("ingest", VirtualClock(), list, lambda _id: copies, holds)


def _whats(holds: list[Hold]) -> list[str]:
    return [hold.what for hold in holds]


def test_a_message_is_received_extended_and_ended() -> None:
    async def story() -> list[Hold]:
        holds: list[Hold] = []
        queue = _queue(holds)
        queue.put("a", {})
        (message,) = await queue.receive(1, 0, 60)
        await queue.hide(message, 60)
        await queue.hide(message, 5)
        await asyncio.sleep(6)
        (message,) = await queue.receive(1, 0, 60)
        await queue.delete([message])
        return holds

    holds, _ = run(1, story())
    assert _whats(holds) == ["received", "extended", "ended", "received", "ended"]
    assert len({hold.message for hold in holds}) == 1
    assert len({hold.receipt for hold in holds}) == 2


def test_a_receipt_that_no_longer_holds_is_lost() -> None:
    async def story() -> list[Hold]:
        holds: list[Hold] = []
        queue = _queue(holds)
        queue.put("a", {})
        (first,) = await queue.receive(1, 0, 60)
        await asyncio.sleep(61)
        await queue.receive(1, 0, 60)
        with suppress(LeaseLostError):
            await queue.hide(first, 60)
        with suppress(LeaseLostError):
            await queue.park(first, {"reason": "x"})
        return holds

    holds, _ = run(1, story())
    assert _whats(holds) == ["received", "received", "lost", "lost"]


def test_what_the_queue_left_visible_is_a_copy_and_what_is_parked_has_ended() -> None:
    async def story() -> list[Hold]:
        holds: list[Hold] = []
        queue = _queue(holds, copies=True)
        queue.put("a", {})
        await queue.receive(1, 0, 60)
        other = _queue(holds)
        other.put("b", {})
        (message,) = await other.receive(1, 0, 60)
        await other.park(message, {"reason": "x"})
        return holds

    holds, _ = run(1, story())
    assert _whats(holds) == ["copied", "received", "ended"]


async def test_a_table_tells_who_works_without_the_lease() -> None:
    store = WatchedStore(8)
    WHO.set("keeper-1")
    await store.write(Update("leases", "keeper", "-", set={"owner": "a"}))
    await store.write(Put("config", {"pk": "x", "sk": "1"}))
    WHO.set("keeper-2")
    await store.write(Put("due", {"pk": "keeper", "sk": "1"}))
    await store.transact([Put("config", {"pk": "x", "sk": "2"})], "t" * 32)
    WHO.set("ingest-1")
    await store.write(Put("config", {"pk": "x", "sk": "3"}))
    assert store.intruders == [("keeper-2", "keeper-1")]
