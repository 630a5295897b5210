"""How a message moves its conversation: window and order only forwards, unread counted, newest preview kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import ConditionBase

from shared.store.port import Attr, Item, Update

# A reaction, edit, revoke, notice or end of a call is no news of its own: it neither counts as unread nor shows as preview.
SILENT = frozenset({"reaction", "edit", "revoke", "system", "call_end"})


def inbox_shard(pnid: str, order_key: str) -> str:
    """Partition of the inbox index: our number and the UTC day (days since the epoch) of the last message."""
    return f"{pnid}#{int(order_key[:10]) // 86400:06d}"


@dataclass(frozen=True, slots=True)
class Movement:
    """What one message does to its conversation; `preview` is sealed under `key_id`.

    `floor`: the rev an undone import left this conversation at, for a new one must outrank it.
    """

    message: Item
    group_id: str | None = None
    window_ends_at: int | None = None
    free_entry_ends_at: int | None = None
    preview: bytes | None = None
    floor: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is unread news."""
        message = self.message
        live = message["direction"] == "in" and message["source"] != "import"
        return live and message["type"] not in SILENT


def move(current: Item | None, movement: Movement) -> Update:
    """The update of the conversation; its condition fails where somebody moved the same attribute since."""
    message = movement.message
    known: Mapping[str, Any] = current or {}
    changes = {**_order(known, message), **_preview(known, movement), **_windows(known, movement)}
    condition = _as_read(current, changes)
    if current is None:
        changes |= {"pnid": message["pnid"], **_party(movement)}
    return Update(
        "conversations",
        message["pk"],
        "-",
        set=changes,
        add={"rev": 1 + (movement.floor if current is None else 0), "unread": int(movement.counts)},
        condition=condition,
    )


def _party(movement: Movement) -> dict[str, str]:
    """Whose thread it is: in a group nobody's, whoever happens to be kept first."""
    if movement.group_id is not None:
        return {"contact_id": "", "group_id": movement.group_id}
    return {"contact_id": movement.message["contact_id"]}


def _order(known: Mapping[str, Any], message: Item) -> dict[str, Any]:
    if message["sk"] <= known.get("last_order_key", ""):
        return {}
    shard = {} if "merged_into" in known else {"inbox": inbox_shard(message["pnid"], message["sk"])}
    return {"last_order_key": message["sk"], "last_message_id": message["message_id"], **shard}


def _preview(known: Mapping[str, Any], movement: Movement) -> dict[str, Any]:
    message = movement.message
    if movement.preview is None or message["sk"] <= known.get("preview_order_key", ""):
        return {}
    return {
        "preview": movement.preview,
        "preview_key_id": message["key_id"],
        "preview_order_key": message["sk"],
    }


def _windows(known: Mapping[str, Any], movement: Movement) -> dict[str, int]:
    ends = {
        "window_ends_at": movement.window_ends_at,
        "free_entry_ends_at": movement.free_entry_ends_at,
    }
    return {name: at for name, at in ends.items() if at is not None and at > known.get(name, 0)}


def _as_read(current: Item | None, changes: Mapping[str, Any]) -> ConditionBase:
    if current is None:
        return Attr("pk").not_exists()
    condition: ConditionBase = Attr("pk").exists()
    if "merged_into" not in current:  # merged meanwhile: the message belongs to the surviving thread
        condition &= Attr("merged_into").not_exists()
    for name in ("last_order_key", "preview_order_key", "window_ends_at", "free_entry_ends_at"):
        if name in changes:
            same = Attr(name).eq(current[name]) if name in current else Attr(name).not_exists()
            condition &= same
    return condition
