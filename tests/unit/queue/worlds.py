"""A queue, a worker and virtual time: what the worker's tests are written in."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from shared.ids import Ids
from shared.queue.breaker import Breaker
from shared.queue.memory import MemoryQueue
from shared.queue.options import Options
from shared.queue.port import Message, Queue, QueueUnavailableError
from shared.queue.verdict import Outcome
from shared.queue.watch import Silent
from shared.queue.worker import Handler, Worker
from sim.clock import VirtualClock, token_bytes
from sim.loop import run

T = TypeVar("T")


def virtually(main: Coroutine[Any, Any, T], seed: int = 0) -> T:
    """Run on a virtual clock: no test waits for real."""
    return run(seed, main)[0]


def options(**changes: Any) -> Options:
    defaults: dict[str, Any] = {"visibility_s": 60, "concurrency": 4, "pollers": 1, "drain_s": 30.0}
    return Options(**{**defaults, **changes})


def ids(seed: int = 0) -> Ids:
    return Ids(VirtualClock(), token_bytes(str(seed)))


class Notes(Silent):
    """Writes down what the worker reports."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, Outcome, str]] = []
        self.troubles: list[str] = []
        self.parkings: list[str] = []
        self.most_in_flight = 0

    def in_flight(self, count: int) -> None:
        self.most_in_flight = max(self.most_in_flight, count)

    def settled(
        self, message: Message, outcome: Outcome, reason: str, seconds: float, error: BaseException | None
    ) -> None:
        self.outcomes.append((message.body, outcome, reason))

    def parked(self, message: Message, reason: str) -> None:
        self.parkings.append(reason)

    def trouble(self, call: str, error: BaseException) -> None:
        self.troubles.append(call)


class World:
    """One queue, its DLQ, and a worker that may be started again."""

    def __init__(self, handler: Handler, seed: int = 0, queue: Queue | None = None, **changes: Any) -> None:
        self.memory = MemoryQueue("ingest", VirtualClock())
        self.queue: Queue = queue or self.memory
        self.notes = Notes()
        self.stop = asyncio.Event()
        self.options = options(**changes)
        self._handler = handler
        self._ids = ids(seed)

    def worker(self, breakers: Sequence[Breaker] = ()) -> Worker:
        return Worker(
            self.queue,
            self._handler,
            self.options,
            self._ids,
            service="ingest",
            watch=self.notes,
            breakers=breakers,
        )

    async def run_for(self, seconds: float, worker: Worker | None = None) -> Worker:
        """Run the worker, stop it gracefully after `seconds`, and wait for its end."""
        worker = worker or self.worker()
        asyncio.get_running_loop().call_later(seconds, self.stop.set)
        await worker.run(self.stop)
        return worker


class Recorded:
    """A queue that writes down when each call began and ended."""

    def __init__(self, queue: Queue, latency_s: float = 0.0) -> None:
        self._queue = queue
        self.name = queue.name
        self.calls: list[tuple[str, float, float]] = []
        self.hidden: list[int] = []
        self.limits: list[int] = []
        self.deleted: list[int] = []
        self.latency_s = latency_s

    async def _timed(self, call: str, effect: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(self.latency_s)
        try:
            return await effect()
        finally:
            self.calls.append((call, began, loop.time()))

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        self.limits.append(limit)
        return await self._timed("receive", lambda: self._queue.receive(limit, wait_s, visibility_s))

    async def hide(self, message: Message, seconds: int) -> None:
        self.hidden.append(seconds)
        await self._timed("hide", lambda: self._queue.hide(message, seconds))

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        self.deleted.append(len(messages))
        return await self._timed("delete", lambda: self._queue.delete(messages))

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        await self._timed("park", lambda: self._queue.park(message, reason))

    async def send(self, body: str, attributes: Mapping[str, str], delay_s: int = 0) -> None:
        await self._timed("send", lambda: self._queue.send(body, attributes, delay_s))

    async def depth(self) -> tuple[int, int]:
        return await self._queue.depth()


class Faulty:
    """A queue whose every call may fail before its effect, after it, or come late; drawn from a seed."""

    def __init__(self, queue: Queue, seed: int, rate: float) -> None:
        self._queue = queue
        self._random = Random(seed)  # noqa: S311 - draws faults, guards nothing
        self.rate = rate
        self.name = queue.name
        self.most_receives: Counter[str] = Counter()  # by body, those whose answer was lost included

    async def _strike(self, effect: Callable[[], Awaitable[T]]) -> T:
        fault = self._random.choice(("before", "after", "late")) if self._random.random() < self.rate else ""
        await asyncio.sleep(self._random.choice((0.0, 0.001, 0.02)))
        if fault == "before":
            raise QueueUnavailableError("fault before the effect")
        result = await effect()
        if fault == "late":
            await asyncio.sleep(self._random.choice((1.0, 15.0, 70.0)))
        if fault == "after":
            raise QueueUnavailableError("the answer was lost")
        return result

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        return await self._strike(lambda: self._received(limit, wait_s, visibility_s))

    async def _received(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        found = await self._queue.receive(limit, wait_s, visibility_s)
        for message in found:
            self.most_receives[message.body] = max(self.most_receives[message.body], message.receive_count)
        return found

    async def hide(self, message: Message, seconds: int) -> None:
        await self._strike(lambda: self._queue.hide(message, seconds))

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        return await self._strike(lambda: self._queue.delete(messages))

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        await self._strike(lambda: self._queue.park(message, reason))

    async def send(self, body: str, attributes: Mapping[str, str], delay_s: int = 0) -> None:
        await self._strike(lambda: self._queue.send(body, attributes, delay_s))

    async def depth(self) -> tuple[int, int]:
        return await self._queue.depth()
