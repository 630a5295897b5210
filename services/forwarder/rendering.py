"""The body a destination gets: our JSON, with ids and an alias, never a number or a wamid.

What the person wrote is theirs to have written: text goes through as it is. A contact card's numbers and
names stay behind; the desk shows them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from shared.record.events import rfc3339
from shared.record.shape import DeliveryItem
from shared.store.port import Item
from shared.whatsapp import messages as m
from shared.whatsapp.wording import text

RECEIVED = "message.received"
WITHOUT_TEXT = frozenset({"contacts", "system"})  # their words are other people's names and numbers

Links = Callable[[Mapping[str, Any]], str | None]


def delivery_id(item: DeliveryItem) -> str:
    """`webhook-id`: names the delivery, the same at each try."""
    return f"{item['destination']}:{item['message_id']}:{item['part']}"


def render(
    item: DeliveryItem,
    message: Item,
    content: m.Message | None,
    alias: str,
    media: Sequence[Mapping[str, Any]],
) -> bytes:
    """The JSON of one delivery.

    Args:
        item: what is owed.
        message: the message's item.
        content: the typed message; None for a follow-up, which brings only the file.
        alias: how the newsroom calls the person.
        media: as `media_of` gives them.
    """
    data = {
        "delivery_id": delivery_id(item),
        "event_id": f"{item['message_id']}:{message['rev']}",
        "destination_id": item["destination"],
        "conversation_id": item["conversation_id"],
        "message_id": item["message_id"],
        "order_key": item["order_key"],
        "part": item["part"],
        "alias": alias,
        "message_type": message["type"],
        "sent_at": rfc3339(message["ts"] * 1000),
        "received_at": rfc3339(message["arrival_ms"]),
        "flags": message["flags"],
        "media": list(media),
        **_said(content, message["type"]),
        **_marks(item, message),
    }
    return orjson.dumps({"type": RECEIVED, "timestamp": data["received_at"], "data": data})


def media_of(message: Item, links: Links) -> list[dict[str, Any]]:
    """A message's files with a signed link where they are ready; the others say why there is none."""
    shown = ("n", "mime", "state", "sha256", "size", "reason")
    found = []
    for medium in message["media"]:
        facts = {name: medium[name] for name in shown if name in medium}
        found.append(facts | ({"url": links(medium)} if medium["state"] == "ready" else {}))
    return found


def _said(content: m.Message | None, kind: str) -> dict[str, Any]:
    if content is None:
        return {}
    said: dict[str, Any] = {"text": "" if kind in WITHOUT_TEXT else text(content)}
    if isinstance(content, m.LocationMessage) and content.location:
        place = content.location
        said["location"] = {"latitude": place.latitude, "longitude": place.longitude}
    return said


def _marks(item: DeliveryItem, message: Item) -> dict[str, Any]:
    marks: dict[str, Any] = {
        name: message[name] for name in ("reply_to", "target") if message.get(name) is not None
    }
    if item.get("late"):
        marks["late"] = True
        marks["late_s"] = max(0, message["kept_at"] - message["arrival_ms"]) / 1000
    if item.get("repeat"):
        marks["repeat"] = True
    return marks
