"""What only the fake has: its hooks, and time that jumps. The rest is in the contract suite."""

import asyncio

import pytest

from shared.queue.memory import MemoryQueue
from sim.clock import VirtualClock
from tests.unit.queue.worlds import virtually


def test_a_receive_waits_its_time_out_while_everything_is_held_back() -> None:
    async def world() -> None:
        queue = MemoryQueue("ingest", VirtualClock(), arrange=lambda _ids: [])
        queue.put("a", {})
        assert await queue.receive(10, 20.0, 60) == []
        assert asyncio.get_running_loop().time() == 20.0

    virtually(world())


def test_arrange_orders_a_receive() -> None:
    async def world() -> None:
        queue = MemoryQueue("ingest", VirtualClock(), arrange=lambda ids: ids[::-1])
        for body in "abc":
            queue.put(body, {})
        assert [message.body for message in await queue.receive(2, 0, 60)] == ["c", "b"]

    virtually(world())


def test_a_duplicate_is_delivered_without_being_hidden_and_both_receipts_hold() -> None:
    async def world() -> None:
        queue = MemoryQueue("ingest", VirtualClock(), duplicate=lambda _id: True)
        queue.put("a", {})
        (first,) = await queue.receive(1, 0, 60)
        (second,) = await queue.receive(1, 0, 60)
        assert (first.id, first.receive_count, second.receive_count) == (second.id, 1, 2)
        assert first.receipt != second.receipt

    virtually(world())


@pytest.mark.parametrize("limit", [0, 11])
def test_limits_are_those_of_sqs(limit: int) -> None:
    async def world() -> None:
        queue = MemoryQueue("ingest", VirtualClock())
        with pytest.raises(ValueError, match="1 to 10"):
            await queue.receive(limit, 0, 60)

    virtually(world())


@pytest.mark.parametrize("attributes", [{str(n): "x" for n in range(11)}, {"a": ""}])
def test_attributes_are_refused_as_sqs_refuses_them(attributes: dict[str, str]) -> None:
    async def world() -> None:
        queue = MemoryQueue("ingest", VirtualClock())
        with pytest.raises(ValueError, match="at most 10"):
            await queue.send("x", attributes)

    virtually(world())
