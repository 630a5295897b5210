"""What the person said and was told: messages, threads, chats of Connect, and the live log of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.ingest.archive import slot
from services.ingest.keeper.rows import SEALED, cleaned_row, partition, rows_of, unsealed, written
from services.ingest.keeper.settings import SERVICE
from shared.clock import Clock
from shared.due import outbox
from shared.ids import Ids
from shared.objects.port import Objects
from shared.record import events
from shared.record.codec import dumps, loads
from shared.record.commit import commit
from shared.record.erasure import Outcome
from shared.record.ledger import Subject
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Store, Update

_SHOWN = ("preview", "preview_key_id", "preview_order_key")
_THREAD = (*_SHOWN, "inbox", "tags", "assignee", "state", "window_ends_at", "free_entry_ends_at")


class MessagesEraser:
    """What the person said and was told: the sealed content of messages and of all that stands beside them."""

    place = "messages"

    def __init__(self, store: Store, raw: Objects) -> None:
        self._store = store
        self._raw = raw

    async def erase(self, subject: Subject) -> Outcome:
        """Clean each item, then the large contents that lie as objects."""
        count = 0
        async for row in rows_of(self._store, subject):
            if (clean := cleaned_row(row)) is not None:
                if "sealed_ref" in row:
                    await self._raw.delete(row["sealed_ref"])
                count += await written(self._store, clean)
        for prefix in [f"sealed/messages/{cid}/" for cid in subject.conversation_ids]:
            for key in [info.key async for info in self._raw.list(prefix)]:
                await self._raw.delete(key)
        return Outcome(count)


class ThreadsEraser:
    """Their threads: preview, labels and place in the inbox go; the thread itself is an id from now on."""

    place = "conversations"

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def erase(self, subject: Subject) -> Outcome:
        """Clean each, and the preview of every group that shows them."""
        count = 0
        for cid in subject.conversation_ids:
            item = await self._store.get("conversations", cid)
            if item is not None and (not item.get("erased") or any(name in item for name in _THREAD)):
                count += await self._clean(item, _THREAD, {"erased": True, "unread": 0})
        async for item in self._store.scan("conversations"):
            if item.get("group_id") and item.get("preview_key_id") in subject.contact_ids:
                count += await self._clean(item, _SHOWN, {})
        return Outcome(count)

    async def _clean(self, item: Item, names: Iterable[str], left: Mapping[str, Any]) -> bool:
        same = Attr("rev").eq(item["rev"])
        gone = [name for name in names if name in item]
        op = Update("conversations", item["pk"], "-", set=left, add={"rev": 1}, remove=gone, condition=same)
        now = self._clock.now_ms()
        told = [
            events.conversation_changed({**item, "rev": item["rev"] + 1}, ["erased"], events.Envelope(now))
        ]
        try:
            await commit(self._store, self._ids, [op, *outbox(SERVICE, now, told)])
        except ConditionFailedError:
            raise ContendedError("conversation: moved while it was cleaned") from None
        return True


class ChatsEraser:
    """What Amazon Connect told of their threads, with the envelopes it came in."""

    place = "chats"

    def __init__(self, store: Store, raw: Objects) -> None:
        self._store = store
        self._raw = raw

    async def erase(self, subject: Subject) -> Outcome:
        """Clean each row; its envelope holds nothing else."""
        count = 0
        async for row in self._store.scan("chats"):
            if row.get("key_id") in subject.contact_ids and any(name in row for name in SEALED):
                at = slot(row["arrival_ms"] * 1_000_000)
                await self._raw.delete(f"raw/connect/{at}/{row['raw_id']}.json")
                if "sealed_ref" in row:
                    await self._raw.delete(row["sealed_ref"])
                count += await written(self._store, unsealed("chats", row))
        return Outcome(count)


class DeskLogEraser:
    """The live log holds ids, and hashes of files: those of the person's go at once, the entries after 24 hours.

    An upload's event names no conversation: its hash goes with the file.
    """

    place = "desk_log"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Take the hashes out; no entry goes, for the log must have no gap. Comes after MediaEraser."""
        count = 0
        async for row in partition(self._store, "desk_log", "log"):
            event = loads(row["event"])
            if event["data"].get("sha256") and await self._theirs(event["data"], subject):
                event["data"]["sha256"] = None
                here, clean = Attr("pk").exists(), {"event": dumps(event).decode()}
                op = Update("desk_log", row["pk"], row["sk"], set=clean, condition=here)
                count += await written(self._store, op)
        return Outcome(count, note="Quedan identificadores; cada entrada se va a las 24 horas.")

    async def _theirs(self, data: Mapping[str, Any], subject: Subject) -> bool:
        if data.get("conversation_id"):
            return data["conversation_id"] in subject.conversation_ids
        return await self._store.get("media", data["sha256"]) is None
