"""The items of a new message, as pure functions of what came in and where it belongs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.ids import conversation_id, imported_key, order_key, received_id
from shared.policy.window import free_entry_ends_at, opens_window, window_ends_at
from shared.record.codec import content_sha
from shared.record.conversation import SILENT, Movement
from shared.record.inbound import Inbound, MediaSlot
from shared.store.port import Item


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a new message: whose it is, and where it lies."""

    message_id: str
    contact_id: str
    pk: str
    sk: str


def thread(inbound: Inbound, contact_id: str) -> str:
    """Conversation of a message from this contact."""
    return conversation_id(inbound.pnid, inbound.group_id or contact_id)


def slot(inbound: Inbound, contact_id: str) -> Slot:
    """Conversation and order_key of a message; the key fixes its arrival for good."""
    message_id = inbound.message_id
    cid = thread(inbound, contact_id)
    if inbound.imported is not None:
        return Slot(
            message_id, contact_id, cid, imported_key(inbound.ts_s or 0, inbound.imported.place, message_id)
        )
    return Slot(message_id, contact_id, cid, order_key(inbound.ts_s, inbound.origin.at_ns, message_id))


def message_item(
    inbound: Inbound, at: Slot, sealed: Mapping[str, Any], kept_at: int, expires_at: int
) -> Item:
    """The message's own item at its first rev."""
    origin = inbound.origin
    item: Item = {
        "pk": at.pk,
        "sk": at.sk,
        "message_id": at.message_id,
        "pnid": inbound.pnid,
        "contact_id": at.contact_id,
        "key_id": at.contact_id,
        "direction": inbound.direction,
        "type": inbound.type,
        "source": origin.source,
        "flags": [*inbound.flags, *(["echo"] if inbound.echo else [])],
        "ts": int(at.sk[:10]),
        "arrival_ms": origin.at_ms,
        "kept_at": kept_at,
        "expires_at": expires_at,
        "rev": inbound.imported.rev if inbound.imported else 1,
        "raw_id": origin.raw_id,
        "content_sha": content_sha(inbound.wamid, inbound.message),
        "media": [_medium(each) for each in inbound.media],
        **sealed,
    }
    if opens_window(inbound.type, direction=inbound.direction, source=origin.source):
        item["opens_window"] = True
    if inbound.reply_to:
        item["reply_to"] = received_id(inbound.pnid, inbound.reply_to)
    if inbound.relation:
        item["target"] = received_id(inbound.pnid, inbound.relation.wamid)
    return item


def _medium(slot: MediaSlot) -> Item:
    begun = {"state": "failed", "reason": slot.lost} if slot.lost else {"state": "pending"}
    return {"n": slot.n, "mime": slot.mime, **begun}


def ids_item(message: Item) -> Item:
    """What finds the message by its id, and tells a redelivery from a variant."""
    item: Item = {
        "pk": message["message_id"],
        "sk": "-",
        "conversation_id": message["pk"],
        "order_key": message["sk"],
        "content_sha": message["content_sha"],
    }
    return item | ({"raw_id": message["raw_id"]} if "raw_id" in message else {})


def movement(inbound: Inbound, message: Item, preview: bytes | None) -> Movement:
    """What the message does to its conversation."""
    times = (inbound.ts_s, inbound.origin.at_ms)
    opens = "opens_window" in message
    return Movement(
        message,
        inbound.group_id,
        window_ends_at(*times) if opens else None,
        free_entry_ends_at(*times) if opens and inbound.free_entry else None,
        preview,
    )


def preview_of(inbound: Inbound) -> dict[str, str] | None:
    """What the inbox shows of a message, to be sealed; None where it is no news of its own."""
    if inbound.type in SILENT:
        return None
    return {"text": inbound.preview, "type": inbound.type, "direction": inbound.direction}
