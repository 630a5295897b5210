"""Live updates: log entries as one caller may see them."""

import asyncio
from collections.abc import Sequence

from services.desk.beside import Beside
from services.desk.log import Entry
from services.desk.models import LiveEvent, Message
from services.desk.view import Renderer
from shared.events.model import AccountChangedEvent, AlertRaisedEvent, MessageChanged, MessageRecorded
from shared.http.principal import STAFF, Principal
from shared.objects.port import ObjectsUnavailableError
from shared.record.reader import Reader, View
from shared.store.port import ContendedError, Store, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

REMEMBERED = 500  # entries whose message was read; clients of one task ask within a moment of each other
_LATER = (ContendedError, StoreUnavailableError, KeysUnavailableError, ObjectsUnavailableError)


class Live:
    """Renders events for callers."""

    def __init__(self, store: Store, reader: Reader, renderer: Renderer) -> None:
        self._store = store
        self._reader = reader
        self._renderer = renderer
        self._looks: dict[int, asyncio.Task[_Look]] = {}

    async def render(self, entries: Sequence[Entry], caller: Principal) -> list[LiveEvent]:
        """Entries the caller may know of, in order; each message as it is now."""
        shown = [entry for entry in entries if _concerns(entry, caller)]
        return list(await asyncio.gather(*(self._event(entry, caller) for entry in shown)))

    async def _event(self, entry: Entry, caller: Principal) -> LiveEvent:
        event = entry.event
        return LiveEvent(
            seq=entry.seq,
            type=event.type,
            id=event.id,
            time=event.time,
            subject=event.subject,
            correlation=event.correlation,
            data=event.data.model_dump(mode="json"),
            message=await self._message(entry, caller),
        )

    async def _message(self, entry: Entry, caller: Principal) -> Message | None:
        """The message an event is about; None leaves it to the client to read it, which it can at any time."""
        try:
            found = await asyncio.shield(self._looked(entry))
        except _LATER:
            self._looks.pop(entry.seq, None)
            return None
        if found is None:
            return None
        try:
            return await self._renderer.message(found[0], caller, found[1])
        except _LATER:
            return None

    def _looked(self, entry: Entry) -> "asyncio.Task[_Look]":
        """One read of the record serves all clients of the task."""
        task = self._looks.get(entry.seq)
        if task is None:
            task = self._looks[entry.seq] = asyncio.create_task(self._look(entry))
            if len(self._looks) > REMEMBERED:
                del self._looks[next(iter(self._looks))]
        return task

    async def _look(self, entry: Entry) -> "_Look":
        event = entry.event
        if not isinstance(event, MessageRecorded | MessageChanged):
            return None
        item = await self._store.get("messages", event.data.conversation_id, event.data.order_key)
        if item is None:
            return None
        return await self._reader.view(item), await self._renderer.beside(item["pk"])


_Look = tuple[View, Beside] | None


def _concerns(entry: Entry, caller: Principal) -> bool:
    """Whether a caller may know of an event: operators see the system, not the conversations."""
    return caller.has(*STAFF) or isinstance(entry.event, AccountChangedEvent | AlertRaisedEvent)
