"""Which thread speaks for a person on a number, and who must never be merged again; pure.

A merge and an un-merge only ever move pointers: `merged_into` of contacts and of conversations. Of all threads of a
person on one number exactly one has no pointer, and stands in the inbox; the others point at it.
"""

from collections.abc import Iterable, Mapping, Sequence

from shared.ids import conversation_id
from shared.record.conversation import inbox_shard
from shared.store.port import Item, Update


def arranged(contact_id: str, entries: Iterable[Item], items: Mapping[str, Item]) -> list[Update]:
    """The updates after which every conversation of a person points where it must; each raises its rev.

    Args:
        contact_id: the person's surviving contact.
        entries: their conversations as listed with the contact: sk = conversation_id, pnid.
        items: the conversations' items as read, by id; one that is missing is not there yet.
    """
    found: list[Update] = []
    by_number: dict[str, list[str]] = {}
    for entry in entries:
        if entry["sk"] in items:
            by_number.setdefault(entry["pnid"], []).append(entry["sk"])
    for pnid in sorted(by_number):
        threads = sorted(dict.fromkeys(by_number[pnid]))
        main = speaker(contact_id, pnid, threads, items)
        found += [_pointed(items[each], None if each == main else main) for each in threads]
    return found


def speaker(contact_id: str, pnid: str, threads: Sequence[str], items: Mapping[str, Item]) -> str:
    """The thread that speaks: the surviving contact's own, else one that speaks already, else the first."""
    own = conversation_id(pnid, contact_id)
    if own in threads:
        return own
    return next((each for each in threads if "merged_into" not in items[each]), threads[0])


def _pointed(item: Item, to: str | None) -> Update:
    """Touch a conversation, and move its pointer where it stands elsewhere."""
    if item.get("merged_into") == to:
        return Update("conversations", item["pk"], "-", add={"rev": 1})
    if to is not None:
        return Update(
            "conversations", item["pk"], "-", set={"merged_into": to}, add={"rev": 1}, remove=["inbox"]
        )
    shard = {"inbox": inbox_shard(item["pnid"], item["last_order_key"])}
    return Update("conversations", item["pk"], "-", set=shard, add={"rev": 1}, remove=["merged_into"])


def apart(one: Item, other: Item) -> bool:
    """Whether somebody said that these two are not one person; true of whatever either was merged into since."""
    theirs = {*other.get("apart", ())}
    return any(_opposite(token) in theirs for token in one.get("apart", ()))


def parted(one: Item, other: Item, token: str) -> tuple[list[str], list[str]]:
    """The marks of both once they are said not to be one person."""
    return [*one.get("apart", ()), f"{token}+"], [*other.get("apart", ()), f"{token}-"]


def _opposite(token: str) -> str:
    return token[:-1] + ("-" if token.endswith("+") else "+")


def one_of(owners: Mapping[str, Item]) -> tuple[Item, Item] | None:
    """The two oldest contacts, by id, that may become one, the survivor first; None where nobody may."""
    ids = sorted(owners)
    pairs = ((owners[a], owners[b]) for n, a in enumerate(ids) for b in ids[n + 1 :])
    return next((pair for pair in pairs if not apart(*pair)), None)
