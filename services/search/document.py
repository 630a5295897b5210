"""A message, or a conversation, as it stands in the index; pure, whole, rebuilt from the record each time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.search import words
from services.search.fold import fold
from services.search.mapping import FORMER
from shared.store.port import Item

_FACTS = ("message_id", "contact_id", "type", "direction", "source", "flags", "rev", "kept_at", "pnid")
_OPTIONAL = ("reply_to", "target", "author")


def month(kept_at_ms: int) -> str:
    """`YYYY.MM` (UTC) of the first write: which index a message belongs to for all its life."""
    return datetime.fromtimestamp(kept_at_ms / 1000, UTC).strftime("%Y.%m")


def message(
    item: Item,
    said: Mapping[str, Any],
    edits: Sequence[Mapping[str, Any]] = (),
    *,
    read: Sequence[str] = (),
    heard: Sequence[str] = (),
    numbers: Sequence[str] = (),
    protected: bool = False,
    revoked: bool = False,
) -> dict[str, Any]:
    """The document of a message.

    Args:
        item: the message's item.
        said: the message object that is sealed in it; empty where nothing is, or where it may not be read.
        edits: message objects of the edits beside it, oldest first: the last one is what it says now; what was said
            before stands apart (`former`), for those who may search it.
        revoked: its author deleted it: it stands in the index for those who may know of it.
        read: texts that were read out of its files.
        heard: what is said in its sounds.
        numbers: what the sender can be called on: it must not stand in the index.
        protected: the person's words must not stand in the index; only facts do.
    """
    facts = {name: item[name] for name in _FACTS}
    facts |= {name: item[name] for name in _OPTIONAL if name in item}
    facts |= {"conversation_id": item["pk"], "order_key": item["sk"], "ts": ts_ms(item["sk"])}
    facts["media_types"] = sorted({str(each["mime"]).partition(";")[0] for each in item["media"]})
    facts |= {"revoked": True} if revoked else {}
    if protected:
        return {**facts, "protected": True}
    *former, now = (said, *edits)
    heard_and_read = {"ocr": _shortened(read), "transcript": _shortened(heard)}
    found = {name: texts for name, texts in heard_and_read.items() if texts}
    return {**facts, **_words(now, numbers), **_former(former, numbers), **_place(now), **found}


def ts_ms(order_key: str) -> int:
    """When a message was written, in ms: the first part of its order_key."""
    return int(order_key[:10]) * 1000


def _words(said: Mapping[str, Any], numbers: Sequence[str]) -> dict[str, list[str]]:
    spoken = words.words(said)
    texts = spoken.all()
    addresses = words.urls(texts)
    found = {
        "body": spoken.body,
        "caption": spoken.caption,
        "filename": spoken.filename,
        "place": spoken.place,
        "cards": spoken.cards,
        "hashtags": words.hashtags(texts),
        "mentions": words.mentions(texts),
        "urls": addresses,
        "domains": words.domains(addresses),
        "phones": words.phones(texts, numbers),
        "emojis": words.emojis(texts),
    }
    return {name: values for name, values in found.items() if values}


def _shortened(texts: Sequence[str]) -> list[str]:
    return [text[: words.MAX_TEXT] for text in texts if text]


def _former(wordings: Sequence[Mapping[str, Any]], numbers: Sequence[str]) -> dict[str, list[str]]:
    texts = [text for each in wordings for text in words.words(each).all()]
    found = {
        FORMER: texts,
        "former_hashtags": words.hashtags(texts),
        "former_phones": words.phones(texts, numbers),
    }
    return {name: values for name, values in found.items() if values}


def _place(said: Mapping[str, Any]) -> dict[str, Any]:
    location = said.get("location")
    if not isinstance(location, Mapping):
        return {}
    lat, lon = _degrees(location.get("latitude"), 90), _degrees(location.get("longitude"), 180)
    return {} if lat is None or lon is None else {"loc": {"lat": lat, "lon": lon}}


def _degrees(value: Any, most: int) -> float | None:
    """A coordinate, or None for anything the index would refuse the whole document for."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -most <= number <= most else None


def conversation(item: Item, contact: Item | None, names: Sequence[str]) -> dict[str, Any]:
    """The document of a conversation: how it is called and where it stands; of the protected, no name."""
    protected = bool(item.get("protected") or (contact or {}).get("protected"))
    found: dict[str, Any] = {
        "conversation_id": item["pk"],
        "contact_id": item.get("contact_id"),
        "pnid": item["pnid"],
        "alias": (contact or {}).get("alias"),
        "name": [] if protected else list(names),
        "tags": [fold(tag) for tag in item.get("tags", ())],
        "state": item.get("state"),
        "assignee": item.get("assignee"),
        "rev": item["rev"],
    }
    kept = {name: value for name, value in found.items() if value not in (None, "", [])}
    return {**kept, "protected": True} if protected else kept
