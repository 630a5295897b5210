"""Reactions, edits and revokes beside the message they speak about.

A relation is a message of its own; the child item beside its target only points at it, so that its content
lies sealed in one place.
"""

from shared.ids import Ids
from shared.record.commit import commit
from shared.record.shape import child_sk
from shared.record.waits import Place, facts_of
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Op, Put, Store, Update


def pointer(message: Item) -> Item:
    """What a child item or a waiting one says of the relation's own message."""
    return {
        "message_id": message["message_id"],
        "at_pk": message["pk"],
        "at_sk": message["sk"],
        "direction": message["direction"],
        "contact_id": message["contact_id"],
        "ts": message["ts"],
    }


def beside(target: Place, kind: str, child: str, facts: Item) -> list[Op]:
    """Ops that put a child beside a message, once, and raise the message's rev."""
    item = {**facts, "kind": kind, "child": child, "pk": target.pk, "sk": child_sk(target.sk, kind, child)}
    return [Put("messages", item, absent=True), bump(target)]


def bump(target: Place) -> Update:
    """The op that raises a message's rev."""
    return Update("messages", target.pk, target.sk, add={"rev": 1}, condition=Attr("pk").exists())


async def join(store: Store, ids: Ids, target: Place, wait: Item) -> None:
    """Move a waiting relation beside its target; somebody else having done so is fine."""
    gone = Delete("ids", wait["pk"], wait["sk"], condition=Attr("pk").exists())
    try:
        await commit(store, ids, [*beside(target, wait["kind"], wait["child"], facts_of(wait)), gone])
    except ConditionFailedError:
        return
