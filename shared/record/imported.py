"""What only imports need of the record: is a line there already, its file come later, a run taken back.

Lines themselves go through `Keeper.keep()`. `raw_id` of an imported message names the run that wrote it first.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.record import events
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.conversation import inbox_shard
from shared.record.people import People
from shared.record.reader import Reader
from shared.record.sealing import Sealing
from shared.record.shape import CURSOR_SK, is_message_sk
from shared.record.waits import Place, children_of, place_of
from shared.store.port import (
    MAX_TRANSACT,
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Op,
    Put,
    Store,
    Update,
)

LATER = frozenset({"omitted", "missing"})  # reasons of a file that a fuller export may bring
_BESIDE = MAX_TRANSACT - 20  # children that go with their message in one transaction


@dataclass(frozen=True, slots=True)
class Written:
    """What a change of the record owes: publish the events, then drop the outbox ops."""

    events: tuple[Event, ...] = ()
    owed: tuple[Update, ...] = ()


class Imports:
    """The record's side of imports.

    Args:
        service: whose outbox carries events should the process die before they are out.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        reader: Reader,
        sealing: Sealing,
        clock: Clock,
        ids: Ids,
        service: str,
    ) -> None:
        self._store = store
        self._people = people
        self._reader = reader
        self._sealing = sealing
        self._clock = clock
        self._ids = ids
        self._service = service

    async def known(self, message_ids: Sequence[str]) -> dict[str, Item]:
        """`ids` items of the messages that are kept, by id."""
        found = await self._store.get_many([("ids", each, "-") for each in dict.fromkeys(message_ids)])
        return {key[1]: item for key, item in found.items()}

    async def parties(self, pnid: str, contact_id: str) -> list[str]:
        """The contact and all that were merged into it: ids of earlier imports were made with theirs."""
        entries = [each for each in await self._people.conversations(contact_id) if each["pnid"] == pnid]
        found = await self._store.get_many([("conversations", each["sk"], "-") for each in entries])
        others = sorted(item["contact_id"] for item in found.values() if item.get("contact_id"))
        return list(dict.fromkeys([contact_id, *others]))

    async def wants_file(self, seen: Item) -> bool:
        """Whether the message an `ids` item names stands without its file, which an export could bring."""
        message = await self._store.get("messages", seen["conversation_id"], seen["order_key"])
        return message is not None and _without(message)

    async def supply(
        self, seen: Item, type_: str, mime: str, content: Mapping[str, Any], run: str
    ) -> Written:
        """Give a message the file it was imported without; the file lies in `incoming/` already.

        Raises ContendedError, StoreUnavailableError, KeyDestroyedError.
        """
        for attempt in range(ATTEMPTS):
            message = await self._store.get("messages", seen["conversation_id"], seen["order_key"])
            if message is None or not _without(message):
                return Written()
            written = await self._supplied(message, type_, mime, content, run)
            if written is not None:
                return written
            await asyncio.sleep(pause(self._ids, attempt))
        raise ContendedError("import: others kept moving the same message")

    async def remove(self, message_id: str, run: str) -> Written | None:
        """Take a message out that this run wrote, with all that stands beside it; None where there is none.

        Raises ContendedError, StoreUnavailableError.
        """
        for attempt in range(ATTEMPTS):
            place = place_of(await self._store.get("ids", message_id))
            message = await self._store.get("messages", place.pk, place.sk) if place else None
            if message is None or message.get("raw_id") != run:
                return None
            written = await self._removed(message)
            if written is not None:
                return written
            await asyncio.sleep(pause(self._ids, attempt))
        raise ContendedError("import: others kept moving the same message")

    async def settle(self, conversation_id: str) -> Written:
        """After removals: the conversation shows its newest message again, or goes where none is left."""
        for attempt in range(ATTEMPTS):
            conversation = await self._store.get("conversations", conversation_id)
            if conversation is None:
                return Written()
            newest = await self._newest(conversation_id)
            if newest is not None and newest["sk"] == conversation["last_order_key"]:
                return Written()
            ops = await (self._emptied(conversation) if newest is None else self._shows(conversation, newest))
            event = events.conversation_changed(
                {**conversation, "rev": conversation["rev"] + 1}, ["undone"], self._envelope(None)
            )
            written = await self._commit(ops, [event])
            if written is not None:
                return written
            await asyncio.sleep(pause(self._ids, attempt))
        raise ContendedError("import: others kept moving the same conversation")

    async def forget(self, aliases: Sequence[str]) -> bool:
        """Take out a person whom a run met first, unless anything of them is in use; True where they are gone.

        Their key stays: a destroyed key means a person who was erased; of such one the aliases are the ledger.
        """
        found = await self._store.get_many([("aliases", alias, "-") for alias in aliases])
        owners = list(dict.fromkeys(item["contact_id"] for item in found.values()))
        contact = await self._store.get("contacts", owners[0]) if len(owners) == 1 else None
        if contact is None or contact.get("erased") or "merged_into" in contact:
            return False
        if await self._people.conversations(owners[0]):
            return False
        same = Attr("rev").eq(contact["rev"]) & Attr("merged_into").not_exists()
        own = Attr("contact_id").eq(owners[0])
        ops: list[Op] = [Delete("contacts", owners[0], "-", condition=same)]
        ops += [Delete("aliases", key[1], "-", condition=own) for key in found]
        return await self._commit(ops, []) is not None

    async def _supplied(
        self, message: Item, type_: str, mime: str, content: Mapping[str, Any], run: str
    ) -> Written | None:
        sealed = await self._sealing.fields(
            message["key_id"], dict(content), "messages", message["pk"], message["sk"]
        )
        media = [{"n": 0, "mime": mime, "state": "pending"}]
        changes = {"media": media, "type": type_, **sealed}
        gone = [name for name in ("sealed", "sealed_ref") if name in message and name not in sealed]
        same = Attr("rev").eq(message["rev"])
        after = {**message, **changes, "rev": message["rev"] + 1}
        told = events.recorded(after, self._envelope(run))  # the media worker and the index both read it
        op = Update(
            "messages", message["pk"], message["sk"], set=changes, add={"rev": 1}, remove=gone, condition=same
        )
        return await self._commit([op], [told])

    async def _removed(self, message: Item) -> Written | None:
        place = Place(message["pk"], message["sk"])
        children = await children_of(self._store, place)
        for child in children[_BESIDE:]:
            await self._store.write(Delete("messages", child["pk"], child["sk"]))
        same = Attr("rev").eq(message["rev"])
        ops: list[Op] = [
            Delete("messages", place.pk, place.sk, condition=same),
            Delete("ids", message["message_id"], "-"),
            *(Delete("messages", child["pk"], child["sk"]) for child in children[:_BESIDE]),
            *(_unreferenced(message, each) for each in message["media"] if "sha256" in each),
        ]
        after = {**message, "rev": message["rev"] + 1}
        return await self._commit(ops, [events.changed(after, ["erased"], self._envelope(message["raw_id"]))])

    async def _commit(self, ops: Sequence[Op], told: Sequence[Event]) -> Written | None:
        owed = outbox(self._service, self._clock.now_ms(), told)
        try:
            await commit(self._store, self._ids, [*ops, *owed])
        except ConditionFailedError:
            return None
        return Written(tuple(told), tuple(owed))

    async def _newest(self, conversation_id: str) -> Item | None:
        start: Item | None = None
        while True:
            page = await self._store.query(
                "messages", conversation_id, Key("sk").lt(CURSOR_SK), forward=False, limit=50, start=start
            )
            for item in page.items:
                if is_message_sk(item["sk"]):
                    return item
            start = page.next
            if start is None:
                return None

    async def _emptied(self, conversation: Item) -> list[Op]:
        """Nothing is left of it: it, its place with the contact and its cursor go; `ids` keeps its rev."""
        same = Attr("rev").eq(conversation["rev"])
        ops: list[Op] = [
            Put("ids", {"pk": conversation["pk"], "sk": "-", "rev": conversation["rev"] + 1}),
            Delete("conversations", conversation["pk"], "-", condition=same),
            Delete("messages", conversation["pk"], CURSOR_SK),
        ]
        root = await self._people.root(conversation["contact_id"]) if conversation["contact_id"] else None
        owners = dict.fromkeys([conversation["contact_id"], root["pk"] if root else ""])
        return ops + [Delete("contacts", owner, conversation["pk"]) for owner in owners if owner]

    async def _shows(self, conversation: Item, newest: Item) -> list[Op]:
        content = await self._reader.open(newest)
        shown = {"text": content.preview, "type": newest["type"], "direction": newest["direction"]}
        blob = await self._sealing.blob(newest["key_id"], shown, "conversations", conversation["pk"])
        changes = {
            "last_order_key": newest["sk"],
            "last_message_id": newest["message_id"],
            "preview": blob,
            "preview_key_id": newest["key_id"],
            "preview_order_key": newest["sk"],
        }
        if "merged_into" not in conversation:
            changes["inbox"] = inbox_shard(conversation["pnid"], newest["sk"])
        same = Attr("rev").eq(conversation["rev"])
        return [Update("conversations", conversation["pk"], "-", set=changes, add={"rev": 1}, condition=same)]

    def _envelope(self, run: str | None) -> events.Envelope:
        return events.Envelope(self._clock.now_ms(), None, run)


def _without(message: Item) -> bool:
    media = message["media"]
    return bool(media) and media[0]["state"] == "failed" and media[0].get("reason") in LATER


def _unreferenced(message: Item, medium: Item) -> Delete:
    return Delete("media", medium["sha256"], f"ref#{message['message_id']}#{medium['n']}")
