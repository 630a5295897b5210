"""The ops of identity: aliases taken, contacts and threads moved, each only where all is as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.ids import conversation_id
from shared.store.port import Attr, Check, Item, Op, Put, Update


@dataclass(frozen=True, slots=True)
class Free:
    """An alias nobody owns: the owner that is gone and that it still names, and when that one was erased (ms)."""

    gone: str | None = None
    erased_at: int = 0


def point(thread: Item, survivor: str) -> Update:
    """The op by which a merged contact's thread points at the survivor's thread of the same number."""
    pointer = {"merged_into": conversation_id(thread["pnid"], survivor)}
    return Update("conversations", thread["sk"], "-", set=pointer, add={"rev": 1}, remove=["inbox"])


def take(free: Mapping[str, Free], contact_id: str) -> list[Op]:
    """Take aliases; one that names a contact which is gone is taken from it."""
    return [_claim(_alias(key, contact_id, each), each.gone) for key, each in free.items()]


def _alias(key: str, contact_id: str, free: Free) -> Item:
    since = {"erased_at": free.erased_at} if free.erased_at else {}
    return {"pk": key, "sk": "-", "contact_id": contact_id, **since}


def _claim(item: Item, gone: str | None) -> Put:
    if gone is None:
        return Put("aliases", item, condition=Attr("contact_id").not_exists())
    return Put("aliases", item, condition=Attr("contact_id").eq(gone))


def unmerged(root: Item) -> Check:
    """The contact still stands for itself, and its person is not erased."""
    here = Attr("pk").exists() & Attr("merged_into").not_exists() & Attr("erased").not_exists()
    return Check("contacts", root["pk"], "-", here)


def still_merged(via: str, root_id: str) -> list[Check]:
    """A merged contact that an alias is claimed for is still merged; where it is not, all is read anew."""
    if via == root_id:
        return []
    return [Check("contacts", via, "-", Attr("merged_into").exists())]


def touch(cid: str) -> Update:
    """A change of a contact changes each of its conversations."""
    return Update("conversations", cid, "-", add={"rev": 1})


def bump(contact: Item, **said: Any) -> Update:
    """The op that changes a surviving contact, as it was read."""
    same = Attr("rev").eq(contact["rev"]) & Attr("merged_into").not_exists()
    return Update("contacts", contact["pk"], "-", set=said, add={"rev": 1}, condition=same)


def adopt(survivor: str, thread: Item) -> Put:
    """List a merged contact's thread with the survivor."""
    return Put("contacts", {**thread, "pk": survivor})
