"""Bugs of the indexer."""

from dataclasses import replace
from typing import Any

from services.search.port import Outcome
from shared.events.model import MessageChanged
from sim.bugs.plant import Garden

_garden = Garden()


@_garden.bug("documents carry no version of the record", "services.search.indexer:Indexer._write")
def index_without_version(sound: Any) -> Any:
    """Whatever comes last stands, an older state too."""

    async def broken(self: Any, found: Any) -> Any:
        return replace(await sound(self, found), version=1, again=True)

    return broken


@_garden.bug(
    "an older document is a fault, not a success", "services.search.adapters.memory:MemoryIndex._write"
)
def conflict_counts_as_poison(sound: Any) -> Any:
    """The index's 409 parks an event."""

    def broken(self: Any, write: Any) -> Outcome:
        held = self._stored.get((write.kind, write.month or "", write.id))
        older = held is not None and write.version < held.version
        return Outcome("rejected", "version_conflict") if older else sound(self, write)

    return broken


@_garden.bug("changes of a message are not indexed", "services.search.handlers:Handlers._message")
def changed_events_not_indexed(sound: Any) -> Any:
    """Only the first revision is found."""

    async def broken(self: Any, event: Any) -> None:
        if not isinstance(event, MessageChanged):
            await sound(self, event)

    return broken


@_garden.bug("a settled file does not reindex its message", "services.search.indexer:Indexer.owner")
def settled_media_not_indexed(_sound: Any) -> Any:
    """The revision of the file is missing."""

    async def broken(_self: Any, _message_id: str, _rev: int) -> None:
        return

    return broken


@_garden.bug(
    "a bulk that failed counts as written",
    "services.search.batcher:Batcher._send",
    hot=("services/search/",),
)
def failed_bulk_counts_as_written(_sound: Any) -> Any:
    """Handlers do not hear of the failure."""

    async def broken(self: Any, batch: Any) -> None:
        try:
            outcomes = await self._index.apply([write for write, _ in batch])
        except Exception:  # noqa: BLE001 - the bug
            outcomes = [Outcome("done")] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    return broken


@_garden.bug("the event's own revision is believed", "services.search.indexer:Indexer._read")
def only_the_first_state_is_read(sound: Any) -> Any:
    """The item is remembered from its first reading."""
    remembered: dict[str, Any] = {}

    async def broken(self: Any, conversation_id: str, order_key: str) -> Any:
        if order_key not in remembered:
            remembered[order_key] = await sound(self, conversation_id, order_key)
        return remembered[order_key]

    return broken


BUGS = _garden.grown()
