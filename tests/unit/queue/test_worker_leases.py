"""A message is one worker's while it beats, and nobody's call follows the settling one; on virtual time."""

import asyncio

import pytest

from shared.errors import Poison, RetryAfter
from shared.queue.breaker import Breaker
from shared.queue.port import Message, QueueUnavailableError
from shared.queue.verdict import RENEW_AT
from shared.queue.worker import WorkerDiedError
from tests.unit.queue.worlds import Recorded, World, ids, virtually


def _now() -> float:
    return asyncio.get_running_loop().time()


def test_heartbeat_keeps_a_long_message_hidden() -> None:
    async def world() -> None:
        seen: list[str] = []

        async def slow(message: Message) -> None:
            seen.append(message.body)
            await asyncio.sleep(500)

        w = World(slow)
        w.memory.put("a", {})
        await w.run_for(600)
        assert seen == ["a"]
        assert w.memory.bodies() == []

    virtually(world())


@pytest.mark.parametrize("error", [None, ValueError("x"), RetryAfter(30, "busy"), Poison("bad")])
def test_no_beat_overlaps_or_follows_the_settling_call(error: Exception | None) -> None:
    """Invariant 1: a late beat would overwrite the backoff. The beat in flight is awaited."""

    async def world() -> None:
        async def handler(_message: Message) -> None:
            await asyncio.sleep(21)  # the first beat goes out at 20 and is answered at 25
            if error is not None:
                raise error

        w = World(handler)
        recorded = Recorded(w.memory, latency_s=5.0)
        w.queue = recorded
        w.memory.put("a", {})
        await w.run_for(20)
        calls = [entry for entry in recorded.calls if entry[0] != "receive"]
        assert len(calls) == 2
        beat, settle = calls
        assert beat[0] == "hide"
        assert settle[1] >= beat[2]

    virtually(world())


def test_lost_lease_cancels_the_handler_and_acks_nothing() -> None:
    """Invariant 5."""

    async def world() -> None:
        cancelled: list[float] = []

        async def handler(_message: Message) -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                cancelled.append(_now())
                raise

        w = World(handler, concurrency=1)
        w.memory.put("a", {})

        async def thief() -> None:
            await asyncio.sleep(5)
            stored = next(iter(w.memory._stored.values()))
            stored.receipts.clear()
            stored.visible_at = 10_000.0

        task = asyncio.ensure_future(thief())
        worker = await w.run_for(50)
        await task
        assert cancelled == [20.0]
        assert [outcome for _, outcome, _ in w.notes.outcomes] == ["lost_lease"]
        assert w.memory.bodies() == ["a"]
        assert worker.free == 1

    virtually(world())


def test_a_handler_that_swallows_the_loss_is_not_acked_either() -> None:
    async def world() -> None:
        async def handler(_message: Message) -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                return

        w = World(handler, concurrency=1)
        w.memory.put("a", {})

        async def thief() -> None:
            await asyncio.sleep(5)
            stored = next(iter(w.memory._stored.values()))
            stored.receipts.clear()
            stored.visible_at = 10_000.0

        task = asyncio.ensure_future(thief())
        await w.run_for(50)
        await task
        assert [outcome for _, outcome, _ in w.notes.outcomes] == ["lost_lease"]
        assert w.memory.bodies() == ["a"]

    virtually(world())


def test_beats_that_never_get_through_lose_the_lease_when_the_visibility_ends() -> None:
    async def world() -> None:
        ended: list[float] = []

        class NoHide(Recorded):
            async def hide(self, message: Message, seconds: int) -> None:
                raise QueueUnavailableError("down")

        async def handler(_message: Message) -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append(_now())

        w = World(handler, concurrency=1)
        w.queue = NoHide(w.memory)
        w.memory.put("a", {})
        await w.run_for(59)
        assert ended == [pytest.approx(60.0)]
        assert [outcome for _, outcome, _ in w.notes.outcomes] == ["lost_lease"]

    virtually(world())


def test_a_message_is_not_held_for_ever() -> None:
    """Invariant 6: SQS ends every receive after 12 h; ours end much earlier."""

    async def world() -> None:
        ended: list[float] = []

        async def handler(_message: Message) -> None:
            try:
                await asyncio.sleep(100_000)
            finally:
                ended.append(_now())

        w = World(handler, concurrency=1, max_hold_s=600.0)
        w.memory.put("a", {})
        await w.run_for(610)
        assert 540 <= ended[0] <= 600

    virtually(world())


def test_a_defect_in_a_beat_stops_the_worker() -> None:
    async def world() -> None:
        class Broken(Recorded):
            async def hide(self, message: Message, seconds: int) -> None:
                raise TypeError("a defect")

        async def handler(_message: Message) -> None:
            await asyncio.sleep(1000)

        w = World(handler)
        w.queue = Broken(w.memory)
        w.memory.put("a", {})
        worker = w.worker()
        with pytest.raises(WorkerDiedError, match="TypeError"):
            await worker.run(w.stop)
        assert _now() < 60
        assert worker.free == w.options.concurrency

    virtually(world())


class DownError(Exception):
    """The dependency of these tests."""


def test_a_waiting_message_whose_lease_is_gone_is_not_sent_anew() -> None:
    """Somebody else has it: a copy would double it."""

    async def world() -> None:
        async def handler(message: Message) -> None:
            if message.receive_count == RENEW_AT:
                stored = next(iter(w.memory._stored.values()))
                stored.receipts.clear()
                stored.visible_at = 10_000.0
            raise RetryAfter(0, "busy")

        w = World(handler)
        w.memory.put("a", {})
        await w.run_for(30)
        assert w.memory.bodies() == ["a"]
        assert w.notes.outcomes[-1] == ("a", "lost_lease", "busy")

    virtually(world())


def test_a_lost_lease_neither_counts_for_nor_against_a_breaker() -> None:
    """A handler that was cut off says nothing of the dependency; it must not forgive its failures."""

    async def world() -> None:
        async def handler(message: Message) -> None:
            if message.body != "lost":
                raise DownError
            stored = next(one for one in w.memory._stored.values() if one.body == "lost")
            stored.receipts.clear()
            stored.visible_at = 10_000.0
            await asyncio.sleep(1000)

        breaker = Breaker("store", (DownError,), _healthy, ids().uniform, threshold=2)
        w = World(handler, concurrency=1)
        opened: list[float] = []
        breaker._changed = lambda _name, is_open: opened.append(_now()) if is_open else None
        put = w.memory.put
        put("first", {})
        for at, body in ((5.0, "lost"), (100.0, "second")):
            asyncio.get_running_loop().call_later(at, put, body, {})
        w.memory._arrange = lambda found: [one for one in found if w.memory._stored[one].receives == 0]
        await w.run_for(120, w.worker([breaker]))
        assert [outcome for _, outcome, _ in w.notes.outcomes] == ["retry", "lost_lease", "retry"]
        assert opened == [100.0]

    virtually(world())


async def _healthy() -> None:
    return
