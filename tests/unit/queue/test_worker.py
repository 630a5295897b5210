"""The worker's promises, one test each, on virtual time."""

import asyncio
import itertools

import pytest

from shared.errors import Poison, RetryAfter
from shared.queue.breaker import Breaker
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message, QueueUnavailableError
from shared.queue.verdict import RENEW_AT
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


async def _healthy() -> None:
    return
