"""JSON of sealed content, and the hash that tells a redelivery from a variant."""

import hashlib
from typing import Any

import orjson

_CLEAR_CHARS = 64


def dumps(value: Any) -> bytes:
    """Compact JSON with sorted keys. Raises TypeError for what shared/whatsapp refuses before (lone surrogates)."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes) -> Any:
    """Any JSON. Raises ValueError."""
    return orjson.loads(data)


def clear(word: str) -> str:
    """A foreign word cut to what a clear attribute, a label or a sort key may hold."""
    return "".join(char for char in word if char.isalnum() or char in "_-.")[:_CLEAR_CHARS] or "unknown"


def content_sha(wamid: str, message: Any) -> str:
    """SHA-256 of a message object, salted with its wamid so that short texts cannot be guessed from it.

    Meta signs media URLs anew for each delivery, so a medium's `url` does not count as content.
    """
    return hashlib.sha256(dumps([wamid, _without_urls(message)])).hexdigest()


def _without_urls(value: Any) -> Any:
    if isinstance(value, dict):
        signed = "mime_type" in value
        return {key: _without_urls(each) for key, each in value.items() if not (signed and key == "url")}
    return [_without_urls(each) for each in value] if isinstance(value, list) else value
