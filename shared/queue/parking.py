"""What the DLQ is told about a parked message: at most 10 attributes, nothing personal. Pure."""

import re

from shared.ids import raw_id
from shared.observability.redaction import redact
from shared.queue.port import Message

FIRST_SEEN = "first_seen"
TRACEPARENT = "traceparent"
_TYPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MILLIS = re.compile(r"[0-9]{1,16}")
_ERROR_CHARS = 256


def first_seen_ms(message: Message) -> int:
    """When the message first entered a queue, ms since the epoch; a renewed or redriven one remembers."""
    kept = message.attributes.get(FIRST_SEEN, "")
    return int(kept) if _MILLIS.fullmatch(kept) else message.sent_ms


def traceparent(message: Message) -> str | None:
    """The message's W3C trace context; None where there is none or it is malformed."""
    found = message.attributes.get(TRACEPARENT, "")
    return found if _TRACEPARENT.fullmatch(found) else None


def reason_attributes(
    message: Message, reason: str, error: BaseException | None, service: str
) -> dict[str, str]:
    """The attributes of CONTRACTS s.3: reason, error, service, first_seen, raw_id, type, traceparent.

    An error's own text is kept only where it is ours by contract free of content (Poison.detail).
    """
    detail = getattr(error, "detail", "")
    name = type(error).__name__ if error is not None else ""
    kind = message.attributes.get("type", "")
    found = {
        "reason": reason,
        "error": redact(f"{name}: {detail}" if detail else name)[0][:_ERROR_CHARS],
        "service": service,
        FIRST_SEEN: str(first_seen_ms(message)),
        "raw_id": raw_id(message.body.encode("utf-8", "surrogatepass")),
        "type": kind if _TYPE.fullmatch(kind) else "",
        TRACEPARENT: traceparent(message) or "",
    }
    return {key: value for key, value in found.items() if value}  # SQS refuses empty values


def renewed_attributes(message: Message) -> dict[str, str]:
    """The attributes of a message that is sent anew: its own, and when it was first seen."""
    return {**message.attributes, FIRST_SEEN: str(first_seen_ms(message))}
