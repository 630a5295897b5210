"""From an event to the index: read the record, build the document whole, write it at the item's revision.

An event is only a poke. What is read decides, so a repeated, late or reordered event does no harm.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.search import document
from services.search.batcher import Batcher
from services.search.port import Index, Write
from shared.record.people import People
from shared.record.reader import Reader, View
from shared.store.port import Item, Store
from shared.vault.port import KeyDestroyedError

PAGE = 200
NAMES = ("saved_name", "name", "profile_name", "username")  # what a person or a colleague calls them
REMEMBERED = 10_000  # conversations whose protection this task remembers having indexed


@dataclass(frozen=True, slots=True)
class Found:
    """A message with its conversation as just read; `contact` is the surviving one, `view` what stands beside it."""

    message: Item
    conversation: Item
    contact: Item | None
    view: View | None = None

    @property
    def protected(self) -> bool:
        """Whether the person's words must not stand in the index."""
        return bool(self.conversation.get("protected") or (self.contact or {}).get("protected"))


class Indexer:
    """Keeps the index at the record's revision."""

    def __init__(self, store: Store, reader: Reader, people: People, index: Index, batcher: Batcher) -> None:
        self._store = store
        self._reader = reader
        self._people = people
        self._index = index
        self._batcher = batcher
        self._known: dict[str, bool] = {}  # conversation_id -> indexed as protected

    async def message(self, conversation_id: str, order_key: str, message_id: str, rev: int) -> None:
        """Index a message as it is now; take it out where it is gone or erased."""
        found = await self._read(conversation_id, order_key)
        if found is None or found.message.get("erased"):
            gone_at = max(rev, found.message["rev"] if found else 0)
            await self._batcher.write([Write("messages", message_id, gone_at, again=True)])
            return
        if self._known.get(conversation_id) != found.protected:
            await self.conversation(conversation_id)
        found = replace(found, view=await self._view(found.message))
        await self._batcher.write([await self._write(found), *await self._edits(found)])

    async def owner(self, message_id: str, rev: int) -> None:
        """Index the message of a medium; an upload that is in no message yet is none of ours."""
        place = await self._reader.find(message_id)
        if place is not None:
            await self.message(place.pk, place.sk, message_id, rev)

    async def conversation(self, conversation_id: str, rev: int = 0) -> None:
        """Index a conversation, or take it out where an undone import left none of it at this `rev`.

        Where its protection changed, every message of it goes first.

        Messages first: should this task die in between, the index still shows the old state and the
        redelivery does both again.
        """
        item = await self._store.get("conversations", conversation_id)
        if item is None:
            if rev:
                await self._batcher.write([Write("conversations", conversation_id, rev, again=True)])
            return
        contact = await self._contact(item)
        names = await self._names(contact)
        built = document.conversation(item, contact, names)
        protected = bool(built.get("protected"))
        stored = await self._index.get("conversations", conversation_id)
        if stored is not None and bool(stored[1].get("protected")) != protected:
            await self._sweep(item, contact)
        await self._batcher.write([Write("conversations", conversation_id, item["rev"], built, again=True)])
        self._remember(conversation_id, protected)

    async def contact(self, contact_id: str) -> None:
        """Index every conversation of a person."""
        root = await self._people.root(contact_id)
        for entry in await self._people.conversations(root["pk"]) if root else []:
            await self.conversation(entry["sk"])

    async def erased(self, contact_id: str) -> None:
        """Take every word of a person out of the index."""
        await self._index.forget(contact_id)
        await self.contact(contact_id)

    async def _read(self, conversation_id: str, order_key: str) -> Found | None:
        keys = ("messages", conversation_id, order_key), ("conversations", conversation_id, "-")
        items = await self._store.get_many(keys)
        message, conversation = items.get(keys[0]), items.get(keys[1])
        if message is None or conversation is None:
            return None
        return Found(message, conversation, await self._contact(conversation))

    async def _contact(self, conversation: Item) -> Item | None:
        contact_id = conversation.get("contact_id")
        return await self._people.root(contact_id) if contact_id else None

    async def _view(self, message: Item) -> View:
        # Only what stands beside a message raises its rev, so at rev 1 there is nothing to read there.
        return View(message) if message["rev"] == 1 else await self._reader.view(message)

    async def _write(self, found: Found) -> Write:
        view = found.view or View(found.message)
        return await self._built(view, await self._numbers(found.contact), protected=found.protected)

    async def _edits(self, found: Found) -> list[Write]:
        """Its edits again: while their message was unknown they stood in the index with their words."""
        edits = found.view.edits if found.view is not None else ()
        return [await self._built(View(each), (), protected=found.protected, again=True) for each in edits]

    async def _built(
        self, view: View, numbers: Sequence[str], *, protected: bool, again: bool = False
    ) -> Write:
        item = view.item
        content = await self._reader.open(item)
        if content.erased:
            return Write("messages", item["message_id"], item["rev"], again=True)
        said = {} if await self._told_elsewhere(item) else content.message
        edits = [(await self._reader.open(each)).message for each in view.edits]
        readings = [await self._reader.open_child(each) for each in view.readings]
        read = [str(each.get("text") or "") for each in readings]
        heard = [str((each.get("transcript") or {}).get("text", "")) for each in readings]
        own = [*numbers, *_texts(content.message.get("from"), content.contact.get("wa_id"))]
        built = document.message(
            item,
            said,
            edits,
            read=read,
            heard=heard,
            numbers=own,
            protected=protected,
            revoked=bool(view.revokes),
        )
        return Write(
            "messages", item["message_id"], item["rev"], built, document.month(item["kept_at"]), again
        )

    async def _told_elsewhere(self, item: Item) -> bool:
        """Whether a message's words stand with the one it edits, which may not be for everybody."""
        if item["type"] != "edit" or "target" not in item:
            return False
        return await self._reader.find(item["target"]) is not None

    async def _sweep(self, conversation: Item, contact: Item | None) -> None:
        """Every message of the thread again, at the same revision but with the new protection."""
        protected = Found({}, conversation, contact).protected
        numbers, after = await self._numbers(contact), "0"
        while True:
            page = await self._reader.page(conversation["pk"], after=after, limit=PAGE)
            writes = [
                await self._built(view, numbers, protected=protected, again=True) for view in page.views
            ]
            await self._batcher.write(writes)
            if not page.newer:
                return
            after = page.views[-1].item["sk"]

    async def _numbers(self, contact: Item | None) -> list[str]:
        return list(_texts((await self._details(contact)).get("wa_id")))

    async def _names(self, contact: Item | None) -> list[str]:
        details = await self._details(contact)
        named = details.get("names")
        listed = named if isinstance(named, list) else []
        return list(dict.fromkeys(_texts(*(details.get(each) for each in NAMES), *listed)))

    async def _details(self, contact: Item | None) -> Mapping[str, Any]:
        """What is known of a person; nothing once erased."""
        if contact is None or contact.get("erased"):
            return {}
        try:
            return await self._people.details(contact)
        except KeyDestroyedError:
            return {}

    def _remember(self, conversation_id: str, protected: bool) -> None:  # noqa: FBT001 - internal
        self._known.pop(conversation_id, None)
        self._known[conversation_id] = protected
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


def _texts(*values: Any) -> Iterator[str]:
    yield from (each for each in values if isinstance(each, str) and each.strip())
