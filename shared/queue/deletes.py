"""Deletes in batches: as many as may wait, ten at most, or what there is after half a second.

Nobody waits for a delete but its permit; at ten messages a second the longer wait makes one call of five
(docs/decisions/0011-latency.md). What a crash leaves undeleted comes again and finds its effect there.
"""

import asyncio
from collections.abc import Sequence

from shared.queue.backoff import Uniform, full_jitter
from shared.queue.port import MAX_BATCH, Message, Queue, QueueUnavailableError

_ATTEMPTS = 3
_PAUSE_S = 0.1


class Deletes:
    """Collects deletes and tells each caller whether its own was confirmed.

    A delete is repeated a few times, which is harmless; one that stays unconfirmed lets the message come
    back, and the handler's effect is idempotent.

    Args:
        flush_s: how long a delete may wait for company.
        most: how many may wait, 1 to 10: each holds a permit that a message in the queue could have.
    """

    def __init__(self, queue: Queue, flush_s: float, uniform: Uniform, most: int = MAX_BATCH) -> None:
        self._queue = queue
        self._flush_s = flush_s
        self._uniform = uniform
        self._most = most
        self._waiting: list[tuple[Message, asyncio.Future[bool]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sending: dict[asyncio.Task[None], None] = {}

    async def delete(self, message: Message) -> bool:
        """True = the queue confirmed; False = the message may come back."""
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((message, confirmed))
        if len(self._waiting) >= self._most:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._flush_s, self._flush)
        return await confirmed

    def abandon(self) -> "list[asyncio.Task[None]]":
        """Send no more; answers the calls in flight, for the caller to end."""
        if self._timer is not None:
            self._timer.cancel()
        return list(self._sending)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._send(batch))
        self._sending[task] = None
        task.add_done_callback(self._sending.pop)

    async def _send(self, batch: list[tuple[Message, asyncio.Future[bool]]]) -> None:
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                batch = await self._once(batch)
                if not batch:
                    return
                if attempt < _ATTEMPTS:
                    await asyncio.sleep(full_jitter(attempt, self._uniform, _PAUSE_S))
            _resolve(batch, done=False)
        except Exception as error:  # noqa: BLE001 - each waiting message must hear of it, or its permit is lost
            for _, confirmed in batch:
                if not confirmed.done():
                    confirmed.set_exception(error)

    async def _once(
        self, batch: list[tuple[Message, asyncio.Future[bool]]]
    ) -> list[tuple[Message, asyncio.Future[bool]]]:
        try:
            failed = await self._queue.delete([message for message, _ in batch])
        except QueueUnavailableError:
            return batch
        if not failed:
            _resolve(batch, done=True)
            return []
        receipts = {message.receipt for message in failed}
        _resolve([pair for pair in batch if pair[0].receipt not in receipts], done=True)
        return [pair for pair in batch if pair[0].receipt in receipts]


def _resolve(batch: Sequence[tuple[Message, asyncio.Future[bool]]], *, done: bool) -> None:
    for _, confirmed in batch:
        if not confirmed.done():
            confirmed.set_result(done)
