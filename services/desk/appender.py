"""From the queue `desk` to the log: what arrives while one transaction runs goes into the next, together."""

import asyncio
from collections.abc import Callable

from pydantic import ValidationError

from services.desk.log import MOST, DeskLog
from shared.clock import Clock
from shared.errors import Poison
from shared.events.model import EVENT, Event, MessageRecorded
from shared.ids import arrival_ms
from shared.queue.port import Message


class Appender:
    """Handles the queue `desk`; one transaction at a time, since all of them move one counter.

    Args:
        delivered: told the seconds from a live message's arrival to its place in the log.
    """

    def __init__(self, log: DeskLog, clock: Clock, delivered: Callable[[float], None]) -> None:
        self._log = log
        self._clock = clock
        self._delivered = delivered
        self._pending: list[tuple[Event, asyncio.Future[None]]] = []
        self._busy: asyncio.Task[None] | None = None

    async def handle(self, message: Message) -> None:
        """Return when the event is in the log. Raises Poison and what the store raises."""
        event = _parsed(message.body)
        if isinstance(event, MessageRecorded) and event.data.source == "import":
            return  # history is no news: 40,000 lines of it would stand before what comes in now
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((event, future))
        if self._busy is None:
            self._busy = asyncio.create_task(self._drain())
        await future
        self._measure(event)

    async def _drain(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:MOST], self._pending[MOST:]
                await self._append(batch)
        finally:
            self._busy = None

    async def _append(self, batch: list[tuple[Event, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._log.append([event for event, _ in batch])
        except Exception as caught:  # noqa: BLE001 - every waiting handler must learn of it
            error = caught
        for _, future in batch:
            if future.done():
                continue  # its handler was cancelled: the event may be in, and comes again
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _measure(self, event: Event) -> None:
        if (
            isinstance(event, MessageRecorded)
            and event.data.direction == "in"
            and event.data.source == "live"
        ):
            self._delivered(max(0.0, (self._clock.now_ms() - arrival_ms(event.data.order_key)) / 1000))


def _parsed(body: str) -> Event:
    try:
        return EVENT.validate_json(body)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise Poison("bad_event", f"{where or 'body'}: not as shared/events declares it") from None
