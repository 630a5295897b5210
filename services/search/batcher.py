"""Micro-batching: what many handlers write at about the same time goes to the index in one bulk."""

import asyncio
from collections.abc import Sequence

import orjson

from services.search.port import RETRY_S, Index, Outcome, Write
from shared.errors import Poison, RetryAfter

LINGER_S = 0.25  # how long a write may wait for company
MAX_WRITES = 500
MAX_BYTES = (
    5_000_000  # OpenSearch docs, "Bulk": batches of 5-15 MB; with 402 B a document this never binds first
)

_Pending = list[tuple[Write, "asyncio.Future[Outcome]"]]


class Batcher:
    """Gathers writes and flushes them when 500, 5 MB or `linger_s` are reached."""

    def __init__(self, index: Index, linger_s: float = LINGER_S) -> None:
        self._index = index
        self._linger_s = linger_s
        self._pending: _Pending = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._flushes: dict[asyncio.Task[None], None] = {}

    async def write(self, writes: Sequence[Write]) -> None:
        """Return when all are in the index (or a newer revision is). Raises RetryAfter or Poison."""
        if not writes:
            return
        outcomes = await asyncio.gather(*[self._add(write) for write in writes])
        for outcome in outcomes:
            if outcome.status == "rejected":
                raise Poison("index_rejected", outcome.reason)
        for outcome in outcomes:
            if outcome.status == "retry":
                raise RetryAfter(RETRY_S, "index_busy")

    def _add(self, write: Write) -> "asyncio.Future[Outcome]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._pending.append((write, future))
        self._bytes += len(orjson.dumps(write.document))
        if len(self._pending) >= MAX_WRITES or self._bytes >= MAX_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._linger_s, self._flush)
        return future

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        batch, self._pending, self._bytes, self._timer = self._pending, [], 0, None
        if batch:
            task = asyncio.get_running_loop().create_task(self._send(batch))
            self._flushes[task] = None
            task.add_done_callback(lambda done: self._flushes.pop(done, None))

    async def _send(self, batch: _Pending) -> None:
        try:
            outcomes = await self._index.apply([write for write, _ in batch])
        except Exception as error:  # noqa: BLE001 - every waiting handler must learn of it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():  # its handler was cancelled meanwhile: the write stands, which is harmless
                future.set_result(outcome)
