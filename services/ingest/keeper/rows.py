"""The items that are a person's, and the updates that clean them."""

from collections.abc import AsyncIterator

from shared.record.ledger import Subject
from shared.record.shape import is_message_sk
from shared.store.port import Attr, ConditionFailedError, Item, Store, Update

SEALED = ("sealed", "sealed_ref")
MAIN_PART = "0"  # of a delivery: the message itself, see services/forwarder/router.py


def cleaned_row(row: Item) -> Update | None:
    """The update that cleans a message or something beside it; None where nothing is left to clean."""
    sealed = [name for name in SEALED if name in row]
    if is_message_sk(row["sk"]):
        if row.get("erased") and not sealed:
            return None
        here = Attr("pk").exists()
        return Update(
            "messages",
            row["pk"],
            row["sk"],
            set={"erased": True},
            add={"rev": 1},
            remove=sealed,
            condition=here,
        )
    return unsealed("messages", row) if sealed else None


def unsealed(table: str, row: Item) -> Update:
    """The update that takes the sealed content out of an item."""
    sealed = [name for name in SEALED if name in row]
    here = Attr("pk").exists()
    return Update(table, row["pk"], row["sk"], set={"erased": True}, remove=sealed, condition=here)


async def rows_of(store: Store, subject: Subject) -> AsyncIterator[Item]:
    """Every item of `messages` that is the person's: their threads whole, and what is theirs in groups."""
    for cid in subject.conversation_ids:
        async for row in partition(store, "messages", cid):
            yield row
    async for item in store.scan("conversations"):
        if item.get("group_id"):
            async for row in partition(store, "messages", item["pk"]):
                if {row.get("key_id"), row.get("contact_id")} & {*subject.contact_ids}:
                    yield row


async def partition(store: Store, table: str, pk: str) -> AsyncIterator[Item]:
    """A whole partition, page by page."""
    start: Item | None = None
    while True:
        page = await store.query(table, pk, start=start)
        for item in page.items:
            yield item
        start = page.next
        if start is None:
            return


async def aliases_of(store: Store, subject: Subject) -> AsyncIterator[Item]:
    """Every alias that names the person, or did: a walk over the whole table, for erasures are few.

    Whoever writes again right after their erasure takes their aliases along; these keep its time, to the ms.
    """
    wanted = frozenset(subject.contact_ids)
    async for item in store.scan("aliases"):
        if item.get("contact_id") in wanted or item.get("erased_at") == subject.erased_at:
            yield item


async def written(store: Store, op: Update) -> bool:
    """False where the item is gone or moved since."""
    try:
        await store.write(op)
    except ConditionFailedError:
        return False
    return True
