"""Batched deletes by themselves: each caller hears of its own message, whatever fails."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.queue.deletes import Deletes
from shared.queue.memory import MemoryQueue
from shared.queue.options import Options
from shared.queue.port import Message, QueueUnavailableError
from sim.clock import VirtualClock
from tests.unit.queue.worlds import Recorded, ids, virtually

MESSAGES = [Message(str(n), str(n), f"r{n}", 1, 0) for n in range(4)]


class Scripted(Recorded):
    """Answers each delete by the next entry: an error to raise, or the ids to fail."""

    def __init__(self, answers: Sequence[Exception | set[str]]) -> None:
        super().__init__(MemoryQueue("ingest", VirtualClock()))
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        self.asked.append([message.id for message in messages])
        answer = self.answers.pop(0) if self.answers else set()
        if isinstance(answer, Exception):
            raise answer
        return [message for message in messages if message.id in answer]


async def _delete_all(queue: Scripted) -> list[bool | BaseException]:
    deletes = Deletes(queue, 0.05, ids().uniform)
    async with asyncio.timeout(60):
        return await asyncio.gather(*(deletes.delete(one) for one in MESSAGES), return_exceptions=True)


def test_only_what_failed_is_repeated_and_each_hears_of_its_own() -> None:
    async def world() -> None:
        queue = Scripted([{"1", "2"}, {"2"}, {"2"}])
        assert await _delete_all(queue) == [True, True, False, True]
        assert [sorted(asked) for asked in queue.asked] == [["0", "1", "2", "3"], ["1", "2"], ["2"]]

    virtually(world())


def test_a_lost_answer_is_asked_again() -> None:
    async def world() -> None:
        queue = Scripted([QueueUnavailableError(), QueueUnavailableError()])
        assert await _delete_all(queue) == [True, True, True, True]
        assert len(queue.asked) == 3

    virtually(world())


def test_what_stays_unconfirmed_is_told_so() -> None:
    async def world() -> None:
        queue = Scripted([QueueUnavailableError()] * 3)
        assert await _delete_all(queue) == [False, False, False, False]
        assert len(queue.asked) == 3

    virtually(world())


def test_a_defect_reaches_every_waiting_caller() -> None:
    async def world() -> None:
        results = await _delete_all(Scripted([TypeError("a defect")]))
        assert [type(one) for one in results] == [TypeError] * 4

    virtually(world())


@pytest.mark.parametrize("apart_s", [0.06, 1.0])
def test_a_timer_serves_one_flush_and_the_next_delete_gets_its_own(apart_s: float) -> None:
    async def world() -> None:
        queue = Scripted([])
        deletes = Deletes(queue, 0.05, ids().uniform)
        first = asyncio.ensure_future(deletes.delete(MESSAGES[0]))
        await asyncio.sleep(apart_s)
        assert first.done()
        async with asyncio.timeout(1):
            assert await deletes.delete(MESSAGES[1])
        assert queue.asked == [["0"], ["1"]]

    virtually(world())


def test_no_more_than_a_quarter_of_the_permits_wait_for_company() -> None:
    async def world() -> None:
        queue = Scripted([])
        deletes = Deletes(queue, 60.0, ids().uniform, Options(30, concurrency=8).batch)
        async with asyncio.timeout(1):
            assert await asyncio.gather(*(deletes.delete(one) for one in MESSAGES)) == [True] * 4
        assert [len(asked) for asked in queue.asked] == [2, 2]

    virtually(world())


@pytest.mark.parametrize(("concurrency", "batch"), [(1, 1), (4, 1), (16, 4), (40, 10), (500, 10)])
def test_a_batch_is_never_above_what_sqs_takes(concurrency: int, batch: int) -> None:
    assert Options(30, concurrency=concurrency).batch == batch
