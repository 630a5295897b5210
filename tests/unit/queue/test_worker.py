"""The worker's promises, one test each, on virtual time."""

import asyncio
import itertools

import pytest

from shared.errors import Poison, RetryAfter, StopAndPage
from shared.queue.breaker import Breaker
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message, QueueUnavailableError
from shared.queue.verdict import RENEW_AT
from shared.queue.worker import WorkerDiedError
from sim.clock import VirtualClock
from tests.unit.queue.worlds import Recorded, World, ids, virtually


async def _nothing(_message: Message) -> None:
    return


def _now() -> float:
    return asyncio.get_running_loop().time()


def test_handles_and_deletes_everything() -> None:
    async def world() -> None:
        seen: list[str] = []

        async def handler(message: Message) -> None:
            seen.append(message.body)

        w = World(handler)
        for number in range(25):
            w.memory.put(str(number), {})
        worker = await w.run_for(5)
        assert sorted(seen, key=int) == [str(n) for n in range(25)]
        assert w.memory.bodies() == []
        assert worker.free == w.options.concurrency
        assert {outcome for _, outcome, _ in w.notes.outcomes} == {"ok"}

    virtually(world())


def test_never_receives_more_than_it_has_permits_for() -> None:
    """Back-pressure: permits are taken before the receive and its limit is what is free, at most 10."""

    async def world() -> None:
        async def slow(_message: Message) -> None:
            await asyncio.sleep(3)

        w = World(slow, concurrency=13)
        recorded = Recorded(w.memory)
        w.queue = recorded
        for number in range(60):
            w.memory.put(str(number), {})
        await w.run_for(40)
        assert w.notes.most_in_flight == 13
        assert max(recorded.limits) == 10
        assert 3 in recorded.limits
        assert w.memory.bodies() == []

    virtually(world())


def test_permit_is_held_until_the_delete_is_confirmed() -> None:
    async def world() -> None:
        w = World(_nothing, concurrency=1)
        recorded = Recorded(w.memory, latency_s=2.0)
        w.queue = recorded
        w.memory.put("a", {})
        w.memory.put("b", {})
        await w.run_for(30)
        order = [call for call, _, _ in recorded.calls]
        assert order[:4] == ["receive", "delete", "receive", "delete"]

    virtually(world())


def test_deletes_travel_in_tens_and_after_half_a_second() -> None:
    async def world() -> None:
        w = World(_nothing, concurrency=40, pollers=1)
        recorded = Recorded(w.memory)
        w.queue = recorded
        for number in range(10):
            w.memory.put(str(number), {})
        asyncio.get_running_loop().call_later(5, w.memory.put, "lone", {})
        await w.run_for(20)
        assert recorded.deleted == [10, 1]
        lone = next(began for call, began, _ in reversed(recorded.calls) if call == "delete")
        assert lone == pytest.approx(5.5)

    virtually(world())


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


def test_a_receive_in_flight_is_awaited_on_stop_and_its_messages_given_back() -> None:
    """Invariant 2: SQS may have hidden the messages already when the stop comes."""

    async def world() -> None:
        seen: list[str] = []

        async def handler(message: Message) -> None:
            seen.append(message.body)

        w = World(handler)
        recorded = Recorded(w.memory, latency_s=4.0)
        w.queue = recorded
        w.memory.put("a", {})
        worker = await w.run_for(2)
        assert seen == []
        assert recorded.hidden == [0]
        assert await w.memory.depth() == (1, 0)
        assert worker.free == w.options.concurrency

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


def test_retry_after_hides_for_that_long() -> None:
    async def world() -> None:
        times: list[float] = []

        async def handler(_message: Message) -> None:
            times.append(_now())
            if len(times) == 1:
                raise RetryAfter(42, "busy")

        w = World(handler)
        w.memory.put("a", {})
        await w.run_for(100)
        assert times == [0.0, 42.0]
        assert w.notes.outcomes == [("a", "retry", "busy"), ("a", "ok", "")]

    virtually(world())


def test_waiting_never_ends_in_the_dlq() -> None:
    """Architecture rule 7: at its third receive a waiting message is sent anew, and it remembers its age."""

    async def world() -> None:
        seen: list[Message] = []

        async def handler(message: Message) -> None:
            seen.append(message)
            raise RetryAfter(10, "busy")

        w = World(handler)
        w.memory.put("a", {"type": "x"})
        await w.run_for(1000)
        assert len(seen) > 50
        assert w.memory.bodies() == ["a"]
        assert w.memory.dlq is not None
        assert w.memory.dlq.bodies() == []
        assert max(message.receive_count for message in seen) == RENEW_AT
        assert seen[-1].attributes == {"type": "x", "first_seen": str(seen[0].sent_ms)}

    virtually(world())


def test_poison_is_parked_at_once_with_its_reason() -> None:
    async def world() -> None:
        parent = f"00-{'a' * 32}-{'b' * 16}-01"

        async def handler(_message: Message) -> None:
            raise Poison("not_json", "body: expected an object; phone +52 1 55 1234 5678")

        w = World(handler)
        w.memory.put(
            "{", {"type": "desk.x.v1", "traceparent": parent, "has_media": "true", "direction": "in"}
        )
        await w.run_for(5)
        assert w.memory.bodies() == []
        assert w.memory.dlq is not None
        (parked,) = w.memory.dlq.stored()
        assert parked.body == "{"
        assert parked.attributes == {
            "reason": "not_json",
            "error": "Poison: body: expected an object; phone [redacted:phone]",
            "service": "ingest",
            "first_seen": str(VirtualClock().now_ms() - int(_now() * 1000)),
            "raw_id": "021fb596db81e6d02bf3d2586ee3981f",
            "type": "desk.x.v1",
            "traceparent": parent,
        }
        assert w.notes.outcomes == [("{", "poison", "not_json")]
        assert w.notes.parkings == ["not_json"]

    virtually(world())


def test_unknown_errors_back_off_and_are_parked_at_the_seventh_receive() -> None:
    async def world() -> None:
        times: list[float] = []

        async def handler(_message: Message) -> None:
            times.append(_now())
            raise KeyError("+5215512345678")

        w = World(handler)
        w.memory.put("a", {})
        await w.run_for(3600)
        assert len(times) == 7
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert all(gap <= ceiling for gap, ceiling in zip(gaps, (1, 4, 16, 64, 256, 900), strict=True))
        assert w.memory.dlq is not None
        (parked,) = w.memory.dlq.stored()
        assert parked.attributes["reason"] == "unexpected"
        assert parked.attributes["error"] == "KeyError"

    virtually(world())


def test_one_poison_does_not_touch_its_neighbours() -> None:
    async def world() -> None:
        async def handler(message: Message) -> None:
            if message.body == "3":
                raise Poison("bad")

        w = World(handler, concurrency=10)
        for number in range(10):
            w.memory.put(str(number), {})
        await w.run_for(5)
        assert w.memory.bodies() == []
        assert w.memory.dlq is not None
        assert w.memory.dlq.bodies() == ["3"]

    virtually(world())


def test_stop_and_page_stops_the_worker_and_keeps_the_message() -> None:
    async def world() -> None:
        async def handler(_message: Message) -> None:
            raise StopAndPage("foreign_account")

        w = World(handler)
        w.memory.put("a", {})
        worker = w.worker()
        with pytest.raises(StopAndPage, match="foreign_account"):
            await worker.run(w.stop)
        assert w.memory.bodies() == ["a"]
        assert worker.free == w.options.concurrency

    virtually(world())


def test_drain_lets_handlers_finish_and_takes_nothing_new() -> None:
    async def world() -> None:
        done: list[str] = []

        async def handler(message: Message) -> None:
            await asyncio.sleep(20)
            done.append(message.body)

        w = World(handler, concurrency=2)
        for body in "abc":
            w.memory.put(body, {})
        await w.run_for(5)
        assert sorted(done) == ["a", "b"]
        assert w.memory.bodies() == ["c"]
        assert _now() < 30

    virtually(world())


def test_what_outlives_the_drain_is_released_at_once() -> None:
    async def world() -> None:
        async def handler(_message: Message) -> None:
            await asyncio.sleep(1000)

        w = World(handler, drain_s=12.0)
        w.memory.put("a", {})
        worker = await w.run_for(5)
        assert _now() == pytest.approx(17.0)
        assert await w.memory.depth() == (1, 0)
        assert worker.free == w.options.concurrency
        assert w.notes.outcomes == [("a", "retry", "stopping")]

    virtually(world())


def test_a_handler_that_will_not_end_does_not_hold_the_process() -> None:
    async def world() -> None:
        async def handler(_message: Message) -> None:
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    if _now() > 100:
                        raise

        w = World(handler, drain_s=12.0)
        w.memory.put("a", {})
        await w.run_for(5)
        assert _now() <= 5 + 12 + 10 + 10 + 1
        await asyncio.sleep(100)
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    virtually(world())


def test_cancelling_run_is_a_crash_messages_come_back_by_themselves() -> None:
    async def world() -> None:
        async def handler(_message: Message) -> None:
            await asyncio.sleep(1000)

        w = World(handler)
        w.memory.put("a", {})
        task = asyncio.ensure_future(w.worker().run(w.stop))
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
        assert await w.memory.depth() == (0, 1)
        await asyncio.sleep(60)
        assert await w.memory.depth() == (1, 0)

    virtually(world())


def test_a_dying_poll_loop_stops_the_worker() -> None:
    """Invariant 7: a zombie that consumes nothing is worse than a restart."""

    async def world() -> None:
        class Broken(Recorded):
            async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
                raise TypeError("a defect")

        w = World(_nothing, pollers=2)
        w.queue = Broken(w.memory)
        worker = w.worker()
        with pytest.raises(WorkerDiedError, match="TypeError"):
            await worker.run(w.stop)
        assert worker.free == w.options.concurrency

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


def test_an_unreachable_queue_is_asked_again_with_pauses() -> None:
    async def world() -> None:
        class Down(Recorded):
            async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
                self.limits.append(limit)
                if _now() < 60:
                    raise QueueUnavailableError("down")
                return await super().receive(limit, wait_s, visibility_s)

        w = World(_nothing)
        down = Down(w.memory)
        w.queue = down
        w.memory.put("a", {})
        worker = w.worker()
        alive: list[bool] = []
        asyncio.get_running_loop().call_later(50, lambda: alive.append(worker.alive()))
        await w.run_for(120, worker)
        assert w.memory.bodies() == []
        assert 3 < len(down.limits) < 60
        assert w.notes.troubles.count("receive") >= 3
        assert alive == [True]

    virtually(world())


def test_liveness_turns_false_when_a_poll_loop_hangs() -> None:
    """Invariant 8."""

    async def world() -> None:
        class Hung(Recorded):
            async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
                await asyncio.sleep(1000)
                return []

        w = World(_nothing)
        w.queue = Hung(w.memory)
        worker = w.worker()
        assert worker.alive()
        task = asyncio.ensure_future(worker.run(w.stop))
        await asyncio.sleep(19.9)
        assert worker.alive()
        await asyncio.sleep(0.2)
        assert not worker.alive()
        task.cancel()
        await asyncio.wait([task])

    virtually(world())


def test_liveness_stays_true_while_all_permits_are_busy() -> None:
    async def world() -> None:
        async def slow(_message: Message) -> None:
            await asyncio.sleep(300)

        w = World(slow, concurrency=1)
        w.memory.put("a", {})
        worker = w.worker()
        task = asyncio.ensure_future(worker.run(w.stop))
        for _ in range(29):
            await asyncio.sleep(10)
            assert worker.alive()
        task.cancel()
        await asyncio.wait([task])

    virtually(world())


class DownError(Exception):
    """The dependency of these tests."""


def test_an_open_breaker_stops_polling_and_probes_with_its_own_call() -> None:
    async def world() -> None:
        handled: list[float] = []
        probes: list[float] = []
        turns: list[tuple[str, bool]] = []

        async def handler(_message: Message) -> None:
            handled.append(_now())
            if _now() < 300:
                raise DownError

        async def probe() -> None:
            probes.append(_now())
            if _now() < 300:
                raise DownError

        breaker = Breaker(
            "store",
            (DownError,),
            probe,
            ids().uniform,
            threshold=3,
            changed=lambda name, is_open: turns.append((name, is_open)),
        )
        w = World(handler, concurrency=4)
        recorded = Recorded(w.memory)
        w.queue = recorded
        for number in range(40):
            w.memory.put(str(number), {})
        await w.run_for(2000, w.worker([breaker]))
        assert turns == [("store", True), ("store", False)]
        assert len([t for t in handled if t < 300]) <= 8
        assert len(probes) > 5
        closed = max(probes)
        receives = [began for call, began, _ in recorded.calls if call == "receive"]
        assert not [t for t in receives if 1 < t < closed]
        assert w.memory.bodies() == []
        assert w.memory.dlq is not None
        assert w.memory.dlq.bodies() == []

    virtually(world())


def test_two_messages_with_two_receipts_of_one_body_are_both_settled() -> None:
    """The queue may deliver twice at once; the second delete of the same message is no error."""

    async def world() -> None:
        seen: list[str] = []

        async def handler(message: Message) -> None:
            seen.append(message.receipt)
            await asyncio.sleep(1)

        w = World(handler)
        twice = iter([True, False])
        w.memory = MemoryQueue("ingest", VirtualClock(), duplicate=lambda _id: next(twice, False))
        w.queue = w.memory
        w.memory.put("a", {})
        worker = await w.run_for(30)
        assert len(seen) == 2
        assert w.memory.bodies() == []
        assert worker.free == w.options.concurrency

    virtually(world())


def test_the_end_of_the_drain_does_not_cut_off_a_delete() -> None:
    """A handler that has finished is settled, not cancelled: its work is done and must not come again."""

    async def world() -> None:
        w = World(_nothing, drain_s=12.0, concurrency=40)
        recorded = Recorded(w.memory)
        w.queue = recorded
        w.memory.put("a", {})
        asyncio.get_running_loop().call_later(0.01, setattr, recorded, "latency_s", 15.0)
        await w.run_for(0.02)
        assert _now() == pytest.approx(15.5)
        assert w.notes.outcomes == [("a", "ok", "")]
        assert w.memory.bodies() == []

    virtually(world())


def test_the_release_runs_as_an_uncancelled_task() -> None:
    """A leftover cancellation would turn the time limits inside the queue's client into cancellations."""

    async def world() -> None:
        cancellings: list[int] = []

        class Looking(Recorded):
            async def hide(self, message: Message, seconds: int) -> None:
                task = asyncio.current_task()
                assert task is not None
                cancellings.append(task.cancelling())
                await super().hide(message, seconds)

        async def handler(_message: Message) -> None:
            await asyncio.sleep(1000)

        w = World(handler, drain_s=12.0)
        w.queue = Looking(w.memory)
        w.memory.put("a", {})
        await w.run_for(1)
        assert cancellings == [0]
        assert await w.memory.depth() == (1, 0)

    virtually(world())


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


def test_a_dependency_that_a_breaker_watches_never_parks_a_message() -> None:
    """Its outage is not the message's fault, even before the breaker opens."""

    async def world() -> None:
        receives: list[int] = []

        async def handler(message: Message) -> None:
            receives.append(message.receive_count)
            if len(receives) < 12:
                raise DownError

        breaker = Breaker("store", (DownError,), _healthy, ids().uniform, threshold=100)
        w = World(handler)
        w.memory.put("a", {})
        await w.run_for(20_000, w.worker([breaker]))
        assert receives == [*range(1, RENEW_AT + 1)] * 4
        assert w.memory.dlq is not None
        assert (w.memory.bodies(), w.memory.dlq.bodies()) == ([], [])

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
