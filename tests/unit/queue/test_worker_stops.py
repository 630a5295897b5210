"""How a worker ends: it drains, releases, or dies aloud; on virtual time."""

import asyncio

import pytest

from shared.errors import StopAndPage
from shared.queue.port import Message
from shared.queue.worker import WorkerDiedError
from tests.unit.queue.worlds import Recorded, World, virtually


async def _nothing(_message: Message) -> None:
    return


def _now() -> float:
    return asyncio.get_running_loop().time()


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
