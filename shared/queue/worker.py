"""The asyncio worker of one queue: it loses no message, no permit and no stop.

Life of a message: permits are taken, then received (so nothing waits unhandled while its visibility runs),
handled under a heartbeat, the heartbeat is stopped, the message is settled, the permit goes back. Setting the
stop event drains; cancelling `run` is a crash: everything ends where it stands and the messages come back by
themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.errors import StopAndPage
from shared.ids import Ids
from shared.queue.backoff import full_jitter
from shared.queue.breaker import Breaker
from shared.queue.deletes import Deletes
from shared.queue.heartbeat import Heartbeat
from shared.queue.options import Options
from shared.queue.parking import reason_attributes, renewed_attributes
from shared.queue.port import MAX_BATCH, LeaseLostError, Message, Queue, QueueUnavailableError
from shared.queue.verdict import Outcome, Verdict, decide
from shared.queue.watch import Silent, Watch

Handler = Callable[[Message], Awaitable[None]]
_RECEIVE_CAP_S = 20.0


class WorkerDiedError(Exception):
    """A part of the worker ended by itself; the process must end too, for a zombie consumes nothing."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A message in hand."""

    message: Message
    task: "asyncio.Task[None] | None" = None
    handling: bool = False
    released: bool = False

    def interrupt(self) -> None:
        """Cancel the handler, and only the handler: what settles the message must not be cut off."""
        if self.handling and self.task is not None:
            self.task.cancel()


@dataclass(slots=True)
class _Ending:
    """How a handler ended."""

    error: BaseException | None = None
    lost: bool = False
    cancelled: bool = False
    seconds: float = field(default=0.0)


class Worker:
    """Consumes one queue.

    Args:
        queue: the port.
        handler: does the work of one message; what it may raise is in shared/errors.py.
        options: numbers.
        ids: jitter.
        service: its name, for the DLQ's attributes.
        watch: metrics, logs, spans.
        breakers: dependencies whose outage stops the polling.
    """

    def __init__(
        self,
        queue: Queue,
        handler: Handler,
        options: Options,
        ids: Ids,
        *,
        service: str,
        watch: Watch | None = None,
        breakers: Sequence[Breaker] = (),
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._options = options
        self._ids = ids
        self._service = service
        self._watch: Watch = watch or Silent()
        self._breakers = tuple(breakers)
        self._deletes = Deletes(queue, options.flush_s, ids.uniform, options.batch)
        self._free = options.concurrency
        self._flights: dict[_Flight, asyncio.Task[None]] = {}
        self._turned: dict[int, float] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._queue.name

    @property
    def free(self) -> int:
        """Permits not in use; equal to the concurrency whenever nothing is received or held."""
        return self._free

    def alive(self) -> bool:
        """False when a poll loop has not turned for 2 x wait_s (before the first turn: True)."""
        if not self._turned:
            return True
        return asyncio.get_running_loop().time() - min(self._turned.values()) <= 2 * self._options.wait_s

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain.

        Raises StopAndPage when a handler did, WorkerDiedError when a part of the worker failed.
        """
        loop = asyncio.get_running_loop()
        pollers = [loop.create_task(self._poll(number)) for number in range(self._options.pollers)]
        stopper = loop.create_task(stop.wait())
        failure = loop.create_task(self._stopping.wait())
        try:
            await asyncio.wait([*pollers, stopper, failure], return_when=asyncio.FIRST_COMPLETED)
            self._halt()
            await self._drain(pollers)
        finally:
            await self._end([*pollers, stopper, failure])
        for poller in pollers:
            if not poller.cancelled() and poller.exception() is not None:
                self._error = self._error or poller.exception()
        self._report()

    def _report(self) -> None:
        if isinstance(self._error, StopAndPage):
            raise self._error
        if self._error is not None:
            raise WorkerDiedError(f"worker {self.name}: {type(self._error).__name__}") from self._error

    # --- receiving

    async def _poll(self, number: int) -> None:
        failures = 0
        while taken := await self._permits(number):
            # No await between taking the permits and this try: a stop cannot fall between and leak them.
            found: list[Message] = []
            try:
                found = await self._queue.receive(taken, self._options.wait_s, self._options.visibility_s)
                failures = 0
            except QueueUnavailableError as error:
                failures += 1
                self._watch.trouble("receive", error)
            finally:
                self._give(taken - len(found))
            self._watch.received(found)
            for message in found:
                self._take_off(message)
            if failures:
                await self._pause(full_jitter(failures, self._ids.uniform, cap_s=_RECEIVE_CAP_S, factor=2))

    async def _permits(self, number: int) -> int:
        """Wait for at least one permit and closed breakers; 0 = the worker stops."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            self._turned[number] = loop.time()
            shut = [breaker for breaker in self._breakers if breaker.is_open]
            if shut:
                await self._probe(shut[0])
            elif self._free:
                taken = min(MAX_BATCH, self._free)
                self._free -= taken
                return taken
            else:
                self._wake.clear()
                await self._until(self._wake, self._options.wait_s)
        self._turned[number] = loop.time()
        return 0

    async def _probe(self, breaker: Breaker) -> None:
        await self._pause(min(self._options.wait_s, breaker.due_in()))
        if not self._stopping.is_set():
            await breaker.attempt()

    async def _pause(self, seconds: float) -> None:
        await self._until(self._stopping, seconds)

    async def _until(self, event: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return

    def _give(self, permits: int) -> None:
        if permits:
            self._free += permits
            self._wake.set()

    # --- one message

    def _take_off(self, message: Message) -> None:
        flight = _Flight(message)
        flight.task = asyncio.get_running_loop().create_task(self._fly(flight))
        self._flights[flight] = flight.task
        self._watch.in_flight(len(self._flights))
        # A callback, not a finally: a task cancelled before its first step never reaches its own finally.
        flight.task.add_done_callback(lambda task: self._land(flight, task))

    def _land(self, flight: _Flight, task: "asyncio.Task[None]") -> None:
        self._flights.pop(flight, None)
        self._watch.in_flight(len(self._flights))
        self._give(1)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _fly(self, flight: _Flight) -> None:
        if self._stopping.is_set():
            verdict = Verdict("hide", "retry", 0, "stopping")
            await self._close(flight.message, verdict, _Ending())
            return
        ending = await self._handle(flight)
        if not (ending.lost or ending.cancelled):
            for breaker in self._breakers:
                breaker.record(ending.error)
        if ending.lost:
            self._watch.settled(flight.message, "lost_lease", "", ending.seconds, ending.error)
            return
        await self._close(flight.message, self._verdict(flight.message, ending), ending)
        if isinstance(ending.error, StopAndPage):
            self._fail(ending.error)

    async def _handle(self, flight: _Flight) -> _Ending:
        """Run the handler under a heartbeat. When this returns, no beat is in flight."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        ending = _Ending()
        beat = Heartbeat(self._queue, flight.message, self._options, flight.interrupt)
        flight.handling = True
        try:
            with self._watch.handling(flight.message):
                await self._handler(flight.message)
        except asyncio.CancelledError as error:
            await self._cancelled(flight, beat, ending, error)
        except Exception as error:  # noqa: BLE001 - the verdict sorts what a handler may raise
            ending.error = error
        finally:
            flight.handling = False
        ending.seconds = loop.time() - began
        await beat.stop()
        ending.lost = beat.lost
        return ending

    async def _cancelled(
        self, flight: _Flight, beat: Heartbeat, ending: _Ending, error: asyncio.CancelledError
    ) -> None:
        """Tell the worker's own interruptions from a crash, and from a handler's stray CancelledError."""
        task = flight.task
        if task is None or not task.cancelling():
            ending.error = error
        elif beat.lost or flight.released:
            ending.cancelled = True
            task.uncancel()
        else:
            await beat.abandon()
            raise error

    def _verdict(self, message: Message, ending: _Ending) -> Verdict:
        if ending.cancelled:
            return Verdict("hide", "retry", 0, "stopping")
        waits = any(breaker.trips(ending.error) for breaker in self._breakers)
        return decide(
            ending.error, message.receive_count, self._options.park_at, self._ids.uniform, waits=waits
        )

    async def _close(self, message: Message, verdict: Verdict, ending: _Ending) -> None:
        """Carry the verdict out. A call that fails leaves the message to its visibility."""
        outcome: Outcome = verdict.outcome
        try:
            if not await self._settle(message, verdict, ending.error):
                outcome = "retry"
        except LeaseLostError:
            outcome = "lost_lease"
        except QueueUnavailableError as error:
            outcome = "retry"
            self._watch.trouble(verdict.action, error)
        self._watch.settled(message, outcome, verdict.reason, ending.seconds, ending.error)

    async def _settle(self, message: Message, verdict: Verdict, error: BaseException | None) -> bool:
        if verdict.action == "hide":
            await self._queue.hide(message, verdict.seconds)
            return True
        if verdict.action == "park":
            await self._queue.park(message, reason_attributes(message, verdict.reason, error, self._service))
            self._watch.parked(message, verdict.reason)
            return True
        if verdict.action == "renew":
            await self._queue.hide(message, self._options.visibility_s)  # still ours? or it would be doubled
            await self._queue.send(message.body, renewed_attributes(message), verdict.seconds)
        return await self._deletes.delete(message)

    # --- stopping

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self._halt()

    def _halt(self) -> None:
        self._stopping.set()
        self._wake.set()

    async def _drain(self, pollers: Sequence["asyncio.Task[None]"]) -> None:
        """Let receives return and handlers finish; then release what is left."""
        await self._settled(pollers, self._options.drain_s)
        for flight in list(self._flights):
            flight.released = True
            flight.interrupt()
        await self._settled(pollers, self._options.release_s)

    async def _settled(self, pollers: Sequence["asyncio.Task[None]"], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while rest := [*(task for task in pollers if not task.done()), *self._flights.values()]:
            if loop.time() >= until:
                return
            await asyncio.wait(rest, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)

    async def _end(self, side: Sequence["asyncio.Task[object]"]) -> None:
        """Nothing of the worker runs on after this, however it ended."""
        rest = [*side, *self._flights.values(), *self._deletes.abandon()]
        for task in rest:
            task.cancel()
        # Bounded: a handler that swallows its cancellation must not keep the process from ending.
        await asyncio.wait(rest, timeout=self._options.release_s)
        while any(task.done() for task in self._flights.values()):  # noqa: ASYNC110 - one step, no polling
            await asyncio.sleep(0)  # their callbacks are scheduled, in whatever order, and return the permits
