"""What Amazon Connect tells: chat items and the life of its contacts, each kept once with its sealed content.

`chats`, pk `connect#<Connect contact id>`, sk `<ms>#<k_id>`, beside the chats themselves (CONTRACTS s.2): a Connect
contact read from its first event to its last, in the order of Connect's own clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.ids import Ids, connect_id
from shared.record.accounts import ACCOUNT_KEY
from shared.record.commit import commit
from shared.record.inbound import Origin
from shared.record.kept import Kept
from shared.record.sealing import Sealing
from shared.store.port import ConditionFailedError, Item, Key, Put, Store
from shared.vault.keys import ContactKeys
from shared.vault.port import KeyDestroyedError

TABLE = "chats"
NOBODY = "-"  # Connect contact id of an event that names none
Kind = Literal["message", "event", "attachment", "contact"]


@dataclass(frozen=True, slots=True)
class ConnectRow:
    """One thing Connect told.

    Attributes:
        item_id: Connect's own id of it; an event may come twice under the same.
        contact: Connect's contact id. instance: Connect's instance id.
        what: content type of a chat item, event type of a contact.
        role, visibility, participant: of a chat item, empty where it does not say.
        at_ms: Connect's clock.
        content: as received; what is sealed.
    """

    origin: Origin
    item_id: str
    contact: str
    instance: str
    kind: Kind
    what: str
    at_ms: int
    content: Mapping[str, Any]
    role: str = ""
    visibility: str = ""
    participant: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat of ours that a Connect contact is: whose thread it shows."""

    conversation_id: str
    contact_id: str


class ConnectRows:
    """Keeps and reads rows."""

    def __init__(self, store: Store, keys: ContactKeys, sealing: Sealing, ids: Ids) -> None:
        self._store = store
        self._keys = keys
        self._sealing = sealing
        self._ids = ids

    async def keep(self, row: ConnectRow) -> Kept:
        """Keep one row; once for each of Connect's ids."""
        row_id = connect_id(row.instance, row.contact, row.item_id)
        if await self._store.get("ids", row_id) is not None:
            return Kept("again", row_id)
        try:
            item = await self._item(row, row_id)
        except KeyDestroyedError:
            return Kept("erased", row_id)
        mark = {
            "pk": row_id,
            "sk": "-",
            "at_pk": item["pk"],
            "at_sk": item["sk"],
            "raw_id": row.origin.raw_id,
        }
        try:
            await commit(
                self._store, self._ids, [Put("ids", mark, absent=True), Put(TABLE, item, absent=True)]
            )
        except ConditionFailedError:
            return Kept("again", row_id)
        return Kept("new", row_id)

    async def of(self, contact: str) -> list[tuple[Item, Any]]:
        """All rows of a Connect contact in order, each with its content; the content is None once erased."""
        rows: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query(TABLE, contact_pk(contact), start=start)
            rows += page.items
            start = page.next
            if start is None:
                return [(row, await self._opened(row)) for row in rows]

    async def chat(self, contact: str) -> Chat | None:
        """The chat that the forwarder opened as this Connect contact; None for one of somebody else's."""
        page = await self._store.query(TABLE, contact, Key("pk").begins_with("c_"), index="contact", limit=1)
        if not page.items:
            return None
        conversation_id = page.items[0]["pk"]
        found = await self._store.get("conversations", conversation_id)
        return Chat(conversation_id, found["contact_id"]) if found and found.get("contact_id") else None

    async def _item(self, row: ConnectRow, row_id: str) -> Item:
        """Sealed under the key of the person whose thread it is; of a contact that is none of ours, the account's."""
        chat = await self.chat(row.contact)
        key_id = chat.contact_id if chat else ACCOUNT_KEY
        if chat is None:
            await self._keys.ensure(ACCOUNT_KEY)
        pk, sk = contact_pk(row.contact), f"{row.at_ms:013d}#{row_id}"
        sealed = await self._sealing.fields(key_id, dict(row.content), TABLE, pk, sk)
        facts = {
            "kind": row.kind,
            "what": row.what,
            "role": row.role,
            "visibility": row.visibility,
            "participant": row.participant,
            "instance": row.instance,
            "at_ms": row.at_ms,
            "arrival_ms": row.origin.at_ms,
            "raw_id": row.origin.raw_id,
            "source": row.origin.source,
            **({"conversation_id": chat.conversation_id} if chat else {}),
        }
        return {**facts, "pk": pk, "sk": sk, "key_id": key_id, **sealed}

    async def _opened(self, row: Item) -> Any:
        try:
            return await self._sealing.open_item(TABLE, row)
        except KeyDestroyedError:
            return None


def contact_pk(contact: str) -> str:
    """Partition of a Connect contact's rows."""
    return f"connect#{contact}"
