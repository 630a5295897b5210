"""Erasers of the tables and of the index. What stays of a person is ids, facts and times; nothing they said.

Each finds what is left and cleans it, one conditional write an item; one that died begins again where it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.ingest.archive import slot
from services.ingest.keeper.ports import SearchPlace
from services.ingest.keeper.rows import (
    SEALED,
    aliases_of,
    cleaned_row,
    partition,
    rows_of,
    unsealed,
    written,
)
from shared.clock import Clock
from shared.due import outbox
from shared.ids import Ids
from shared.objects.port import Objects
from shared.record import events
from shared.record.codec import dumps, loads
from shared.record.commit import commit
from shared.record.erasure import Outcome
from shared.record.files import Files
from shared.record.ledger import Subject
from shared.record.shape import is_message_sk, lane_pk
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Store, Update
from shared.vault.keys import ContactKeys

SERVICE = "keeper"
MAIN_PART = "0"  # of a delivery: the message itself, see services/forwarder/router.py
_SHOWN = ("preview", "preview_key_id", "preview_order_key")
_THREAD = (*_SHOWN, "inbox", "tags", "assignee", "state", "window_ends_at", "free_entry_ends_at")
ERASED_MEDIUM: Mapping[str, str] = {"state": "failed", "reason": "erased"}


class KeysEraser:
    """The person's data keys: from here on nothing sealed under them can be opened."""

    place = "contact_keys"

    def __init__(self, store: Store, keys: ContactKeys) -> None:
        self._store = store
        self._keys = keys

    async def erase(self, subject: Subject) -> Outcome:
        """Destroy each."""
        count = 0
        for contact_id in subject.contact_ids:
            known = await self._store.get("contact_keys", contact_id)
            count += "wrapped" in (known or {})
            await self._keys.destroy(contact_id)
        return Outcome(count)


class AliasesEraser:
    """The ledger's half in the tables: every alias of the person knows when they were erased."""

    place = "aliases"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Stamp each, those that a race added since included."""
        late = [item["pk"] async for item in aliases_of(self._store, subject.contact_ids)]
        marks = [await self._stamp(key, subject) for key in dict.fromkeys([*subject.aliases, *late])]
        return Outcome(sum(marks))

    async def _stamp(self, key: str, subject: Subject) -> bool:
        later = Attr("erased_at").not_exists() | Attr("erased_at").lt(subject.erased_at)
        stamp = Update("aliases", key, "-", set={"erased_at": subject.erased_at}, condition=later)
        return await written(self._store, stamp)


class MediaEraser:
    """The person's files: each reference goes, and with the last one the file."""

    place = "media"

    def __init__(self, store: Store, files: Files) -> None:
        self._store = store
        self._files = files

    async def erase(self, subject: Subject) -> Outcome:
        """Release every file of every message."""
        count = 0
        async for row in rows_of(self._store, subject):
            if is_message_sk(row["sk"]) and any(not _gone(each) for each in row.get("media", ())):
                count += await self._message(row)
        return Outcome(count)

    async def _message(self, row: Item) -> int:
        for each in row["media"]:
            if "sha256" in each:
                await self._files.release(each["sha256"], row["message_id"], each["n"])
        await self._files.drop_incoming(row["message_id"])
        left = [{"n": each["n"], "mime": each["mime"], **ERASED_MEDIUM} for each in row["media"]]
        as_read = Attr("rev").eq(row["rev"])  # moved since: a file may have been settled
        cleaned = Update(
            "messages", row["pk"], row["sk"], set={"media": left}, add={"rev": 1}, condition=as_read
        )
        if not await written(self._store, cleaned):
            raise ContendedError("message: moved while its files were released")
        return sum(not _gone(each) for each in row["media"])


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


class PolicyEraser:
    """What their preferences said; that they want nothing more stays, as a fact about an id."""

    place = "policy"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Clean each event."""
        count = 0
        for contact_id in subject.contact_ids:
            for kind in ("OPTOUT", "OPTIN"):
                async for row in partition(self._store, "policy", f"{kind}#{contact_id}"):
                    if any(name in row for name in SEALED):
                        count += await written(self._store, unsealed("policy", row))
        return Outcome(count)


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


class SearchEraser:
    """Every document of theirs in the index."""

    place = "opensearch"

    def __init__(self, search: SearchPlace) -> None:
        self._search = search

    async def erase(self, subject: Subject) -> Outcome:
        """Forget them."""
        return Outcome(await self._search.forget(subject.contact_ids))


class DestinationsCount:
    """Nothing can be called back from a webhook: the receipt lists where copies went, and how many."""

    place = "destinations"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Count what each destination took."""
        copies: dict[str, int] = {}
        async for row in rows_of(self._store, subject):
            for name in row.get("destinations", ()):
                copies[name] = copies.get(name, 0) + await self._took(row, name)
        return Outcome(
            0,
            {name: count for name, count in copies.items() if count},
            "Los webhooks no se pueden retirar: avise a quien los recibe.",
        )

    async def _took(self, mark: Item, destination: str) -> bool:
        message = await self._store.get("messages", mark["pk"], mark["sk"].partition("#")[0])
        if message is None:
            return False
        key = f"{message['message_id']}#{MAIN_PART}"
        found = await self._store.get("deliveries", lane_pk(destination, mark["pk"]), key)
        return (found or {}).get("state") == "delivered"


class DeskLogEraser:
    """The live log holds ids, and hashes of files: those of the person's go at once, the entries after 24 hours."""

    place = "desk_log"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Take the hashes out; no entry goes, for the log must have no gap."""
        count = 0
        async for row in partition(self._store, "desk_log", "log"):
            event = loads(row["event"])
            mine = event["data"].get("conversation_id") in subject.conversation_ids
            if mine and event["data"].get("sha256"):
                event["data"]["sha256"] = None
                here, clean = Attr("pk").exists(), {"event": dumps(event).decode()}
                op = Update("desk_log", row["pk"], row["sk"], set=clean, condition=here)
                count += await written(self._store, op)
        return Outcome(count, note="Quedan identificadores; cada entrada se va a las 24 horas.")


class OnlyIds:
    """A place that holds ids and facts, nothing of a person; named in the receipt so that nobody has to wonder."""

    def __init__(self, place: str, note: str) -> None:
        self.place = place
        self._note = note

    async def erase(self, subject: Subject) -> Outcome:
        """Nothing to do."""
        del subject
        return Outcome(note=self._note)


def _gone(medium: Mapping[str, Any]) -> bool:
    return medium.get("reason") == ERASED_MEDIUM["reason"]
