"""Keeps one received message hidden while its handler runs."""

import asyncio
from collections.abc import Callable

from shared.queue.options import Options
from shared.queue.port import LeaseLostError, Message, Queue, QueueUnavailableError


class Heartbeat:
    """Hides the message anew every `options.beat_s` until stopped; one timer, a task only while it beats.

    The lease is lost when the queue says so, when no beat got through before the visibility ran out, or when
    the message was held for `max_hold_s`.

    Args:
        lost: called once when the lease is lost; the handler must stop, the message must not be acked.
    """

    def __init__(self, queue: Queue, message: Message, options: Options, lost: Callable[[], None]) -> None:
        self._queue = queue
        self._message = message
        self._options = options
        self._on_lost = lost
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._deadline = self._since + options.visibility_s
        self._beat: asyncio.Task[None] | None = None
        self._stopped = False
        self.lost = False
        self._timer = self._loop.call_later(options.beat_s, self._fire)

    async def stop(self) -> None:
        """No beat is in flight and none will come: only then may the message be deleted or hidden.

        A beat in flight is awaited, not cancelled: cancelled, it could still reach the queue after the
        backoff and overwrite it.
        """
        self._stopped = True
        self._timer.cancel()
        if self._beat is not None:
            await self._beat

    async def abandon(self) -> None:
        """End at once, as a crash does; when this returns nothing of it runs on."""
        self._stopped = True
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait([self._beat])

    def _fire(self) -> None:
        self._beat = self._loop.create_task(self._extend())

    async def _extend(self) -> None:
        began = self._loop.time()
        visibility = self._options.visibility_s
        if began + visibility > self._since + self._options.max_hold_s:
            self._again(self._deadline - began)
            return
        try:
            await self._queue.hide(self._message, visibility)
        except LeaseLostError:
            self._lose()
        except QueueUnavailableError:
            self._again(min(self._options.beat_s / 4, self._deadline - self._loop.time()))
        except Exception:
            self._lose()  # not to be foreseen: the handler ends now, and `stop` raises it
            raise
        else:
            self._deadline = began + visibility  # the queue counts from its answer, so this is the safe side
            self._again(self._options.beat_s)

    def _again(self, delay: float) -> None:
        if self._loop.time() >= self._deadline:
            self._lose()
        elif not self._stopped:
            self._timer = self._loop.call_later(delay, self._fire)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self._on_lost()
