"""What a sample file is, told by its shape, and the bodies that carry it as the real thing would.

End User Messaging Social hands over one entry at a time, in an envelope, through SNS; Connect streams chats
through SNS; EventBridge puts its events straight into a queue. What has none of these shapes stays as it is.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

QUEUE_BYTES = 1024 * 1024  # Amazon SQS quotas, "Message size"
Shape = Literal["envelope", "entry", "webhook", "event", "chat", "other"]
Road = Literal["whatsapp-events", "connect-chat", "connect"]
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
MAX_DEPTH = 200  # deeper is no sample of anything; our own walks and json's stay far below their limits


@dataclass(frozen=True, slots=True)
class Sample:
    """A file: its name inside the folder, its text, its shape, and what it holds (None where it is no JSON)."""

    name: str
    text: str
    shape: Shape
    content: Any


@dataclass(frozen=True, slots=True)
class Sent:
    """One body on its way: `road` is a topic or, for `connect`, the queue itself."""

    road: Road
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size on the wire."""
        return len(self.body.encode("utf-8", "replace"))

    @property
    def can_travel(self) -> bool:
        """Whether any queue takes it: SQS refuses an empty message and one beyond its limit."""
        return 0 < self.bytes <= QUEUE_BYTES


def read(path: Path, folder: Path) -> Sample:
    """A file as a sample; bytes that are no text become what a text channel makes of them."""
    data = path.read_bytes()
    text = data.decode(json.detect_encoding(data), "replace").removeprefix("\N{BYTE ORDER MARK}")
    content = parsed(text)
    shape = told(content)
    if content is None and told(parsed(_TRAILING_COMMA.sub(r"\1", text))) == "event":
        shape = "event"
    return Sample(path.relative_to(folder).as_posix(), text, shape, content)


def parsed(text: str) -> Any:
    """A JSON value; None where the text is none (RFC 8259: no NaN, nothing beyond a double) or nests absurdly."""
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return None if _too_deep(value) else value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number of JSON")
    return number


def _too_deep(value: Any) -> bool:
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        members = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for some in members if not isinstance(some, str) for each in _inner(some)]
        depth += 1
    return bool(level)


def _inner(some: Any) -> list[Any]:
    try:
        return [each for each in some if isinstance(each, dict | list)]
    except TypeError:
        return []


def told(value: Any) -> Shape:
    """The shape of a decoded file."""
    if not isinstance(value, dict):
        return "other"
    inner = notified(value)
    if inner is not None:
        carried = _told(inner)
        return carried if carried in {"envelope", "chat"} else "other"
    return _told(value)


def _told(value: dict[str, Any]) -> Shape:
    tests: dict[Shape, bool] = {
        "envelope": "whatsAppWebhookEntry" in value,
        "event": "detail-type" in value and "source" in value,
        "chat": "ContactId" in value and ("ParticipantRole" in value or "AbsoluteTime" in value),
        "entry": _filled(value.get("changes")),
        "webhook": _filled(value.get("entry")),
    }
    return next((shape for shape, holds in tests.items() if holds), "other")


def _filled(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def notified(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an SNS notification carries; None where the value is none."""
    if value.get("Type") != "Notification" or not isinstance(value.get("Message"), str):
        return None
    inner = parsed(value["Message"])
    return inner if isinstance(inner, dict) else {}


def attributes(value: Mapping[str, Any]) -> dict[str, str]:
    """Message attributes of an SNS notification."""
    rows = value.get("MessageAttributes")
    pairs = rows.items() if isinstance(rows, dict) else ()
    return {
        name: row["Value"]
        for name, row in pairs
        if isinstance(row, dict) and isinstance(row.get("Value"), str) and row["Value"]
    }


def written(value: Any) -> str:
    """JSON text as services write it: compact, UTF-8 where it can be."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate travels as an escape
        return json.dumps(value, separators=(",", ":"))
    return text
