"""Items that cannot be kept: each its own message in the DLQ, so that its neighbours are not held up."""

from collections.abc import Mapping

from services.ingest.archive import Archive, Arrived
from shared.clock import Clock
from shared.queue.port import Queue
from shared.record.accounts import account_id
from shared.store.port import Put, Store
from shared.whatsapp.item import RejectedItem


class Rejects:
    """Parks items, once each: a mark in `ids` remembers that it was told.

    Args:
        dlqs: the dead-letter queue of each queue, by the queue's name.
        service: for the DLQ's attributes.
    """

    def __init__(
        self, archive: Archive, dlqs: Mapping[str, Queue], store: Store, clock: Clock, service: str
    ) -> None:
        self._archive = archive
        self._dlqs = dlqs
        self._store = store
        self._clock = clock
        self._service = service

    async def park(self, found: Arrived, item: RejectedItem, queue: str, trace: str | None) -> None:
        """Put an item into the DLQ with its reason; the body is the whole envelope, so that a redrive repeats it.

        A crash between sending and marking leaves it there twice, never nowhere.
        """
        mark = account_id(found.raw_id, item.position)
        if await self._store.get("ids", mark) is not None:
            return
        await self._archive.quarantine(found, item.reason, item.position)
        body = found.body.decode("utf-8", "surrogatepass")
        await self._dlqs[queue].send(body, self._attributes(found, item, trace))
        await self._store.write(
            Put("ids", {"pk": mark, "sk": "-", "raw_id": found.raw_id, "rejected": item.reason})
        )

    def _attributes(self, found: Arrived, item: RejectedItem, trace: str | None) -> dict[str, str]:
        attributes = {
            "reason": item.reason,
            "error": item.path[:256],
            "service": self._service,
            "first_seen": str(self._clock.now_ms()),
            "raw_id": found.raw_id,
            "type": f"item.{item.position}",
            "traceparent": trace or "",
        }
        return {name: value for name, value in attributes.items() if value}
