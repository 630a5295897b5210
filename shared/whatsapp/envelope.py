"""One queue message, told apart by its shape: EUM Social, EventBridge, Connect chat streaming.

The way is layered: SQS body, perhaps an SNS notification around it, EUM Social's header, and Meta's entry as
a JSON string inside. There is no signature at this point: trust comes from the topic's and queue's policies.
Sources: AWS End User Messaging Social user guide, "Message and event destination"; Amazon SNS developer
guide, "Raw message delivery"; a capture of November 2025 that lacks `messageId`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from shared.errors import Poison
from shared.whatsapp.wire import MAX_DEPTH, is_label, is_object

Kind = Literal["whatsapp", "witness", "contact_event", "chat", "unknown"]

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,32}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_TRAILING_COMMA = re.compile(r'("(?>(?:[^"\\]|\\.)*)(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
_LONG_NUMBER = re.compile(r"[:\[,]\s*-?\d{19}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_NS = 1 << 63
_MAX_DIGITS = 20  # of a 64-bit integer


@dataclass(frozen=True, slots=True)
class Envelope:
    """A queue message, read as far as its outer layers.

    `entries` are Meta's entries (kind whatsapp), `body` the decoded value of any other kind, `shape` a label
    for what it looked like. `arrival_ns` is when the sender published it (None: take the queue's own time);
    `wabas` and `numbers` are those the header says it concerns. `checked` is False when elements may hold
    what JSON cannot carry exactly and must be looked at one by one.
    """

    kind: Kind
    shape: str
    arrival_ns: int | None = None
    message_id: str | None = None
    account: str | None = None
    wabas: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    entries: tuple[Any, ...] = ()
    body: Any = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    checked: bool = True


def parse(body: str, attributes: Mapping[str, str] | None = None) -> Envelope:
    """Read a queue message; `attributes` are its message attributes, where delivery was raw.

    An unknown shape of JSON is no error: it is kept as kind `unknown`. Raises Poison for what is not JSON,
    nests too deep to read, or promises an entry that cannot be read.
    """
    value, checked = _decode(body, "body")
    given = dict(attributes or {})
    if is_object(value) and value.get("Type") == "Notification" and isinstance(value.get("Message"), str):
        given = {**_sns_attributes(value.get("MessageAttributes")), **given}
        value, checked = _decode(value["Message"], "Message")
    if not isinstance(value, dict | list):
        raise Poison("not_envelope", "body: a JSON object is expected; look at the raw archive")
    if isinstance(value, list):
        return Envelope("unknown", "array", body=value, attributes=given, checked=checked)
    return _told_apart(value, given, checked=checked)


def _told_apart(value: dict[str, Any], given: dict[str, str], *, checked: bool) -> Envelope:
    if "whatsAppWebhookEntry" in value:
        return _eum(value, given)
    if "detail-type" in value:
        return _event(value, given, checked=checked)
    if (entries := _entries(value)) is not None:
        shape = "entry" if "changes" in value else "webhook"
        return Envelope("whatsapp", shape, entries=entries, attributes=given, checked=checked)
    if "ContactId" in value and ("ParticipantRole" in value or "AbsoluteTime" in value):
        arrival = instant_ns(value.get("AbsoluteTime"))
        return Envelope("chat", "chat", arrival, body=value, attributes=given, checked=checked)
    shape = "sns" if "TopicArn" in value else "header" if "message_timestamp" in value else "object"
    arrival = instant_ns(value.get("message_timestamp"))
    return Envelope("unknown", shape, arrival, body=value, attributes=given, checked=checked)


def _eum(header: dict[str, Any], given: dict[str, str]) -> Envelope:
    inner, checked = header["whatsAppWebhookEntry"], False
    if isinstance(inner, str):
        inner, checked = _decode(inner, "whatsAppWebhookEntry")
    entries = _entries(inner) if is_object(inner) else None
    if entries is None:
        raise Poison("not_an_entry", "whatsAppWebhookEntry: one entry with its changes is expected")
    context = header.get("context")
    return Envelope(
        "whatsapp",
        "eum",
        instant_ns(header.get("message_timestamp")),
        _text(header.get("messageId")),
        _text(header.get("aws_account_id")),
        _named(context, "MetaWabaIds", "wabaId"),
        _named(context, "MetaPhoneNumberIds", "metaPhoneNumberId"),
        entries,
        attributes=given,
        checked=checked,
    )


_EVENTS: dict[str, Kind] = {"aws.social-messaging": "witness", "aws.connect": "contact_event"}


def _event(value: dict[str, Any], given: dict[str, str], *, checked: bool) -> Envelope:
    kind = _EVENTS.get(str(value.get("source")), "unknown")
    arrival = instant_ns(value.get("time"))
    account = _text(value.get("account"))
    return Envelope(kind, "event", arrival, account=account, body=value, attributes=given, checked=checked)


def _entries(value: dict[str, Any]) -> tuple[Any, ...] | None:
    """Meta's entries: of one entry, or of a whole webhook; None where there is none to keep."""
    if isinstance(value.get("changes"), list):
        return (value,)
    entries = value.get("entry")
    return tuple(entries) if isinstance(entries, list) and entries else None


def _text(value: Any) -> str | None:
    return value if is_label(value) else None


def _named(context: Any, name: str, member: str) -> tuple[str, ...]:
    """Ids of the header's context, which older envelopes lack."""
    listed = context.get(name) if is_object(context) else None
    rows = listed if isinstance(listed, list) else []
    ids = (row.get(member) for row in rows if is_object(row))
    return tuple(value for value in ids if is_label(value))


def _sns_attributes(value: Any) -> dict[str, str]:
    rows = value.items() if is_object(value) else ()
    pairs = ((name, row.get("Value")) for name, row in rows if is_object(row))
    return {name: text for name, text in pairs if is_label(name) and is_label(text)}


def instant_ns(value: Any) -> int | None:
    """RFC 3339 to ns since the epoch, digits beyond 9 cut off; None for anything else or out of 64 bits."""
    found = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    try:
        offset = "+00:00" if zone in (None, "Z") else zone
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError:
        return None
    whole = (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000
    nanos = whole + int((fraction or "0")[:9].ljust(9, "0"))
    return nanos if 0 <= nanos < _MAX_NS else None


def _decode(text: str, where: str) -> tuple[Any, bool]:
    """The value, and whether nothing in it needs a second look (depth, integers beyond 64 bits).

    What orjson refuses is read again by the forgiving reader, so that one bad element (a lone surrogate, a
    NaN) can be told from its neighbours instead of taking them along.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _forgiving(text, where), False
    shallow = text.count("{") + text.count("[") <= MAX_DEPTH
    return value, shallow and _LONG_NUMBER.search(text) is None


def _forgiving(text: str, where: str) -> Any:
    try:
        return _read_json(text)
    except ValueError:
        pass
    except RecursionError:
        raise Poison("too_deep", f"{where}: nested too deep to read") from None
    if where == "body" and '"detail-type"' in text:
        return _without_trailing_commas(text, where)
    raise Poison("not_json", f"{where}: not JSON, or cut off; look at the raw archive")


def _without_trailing_commas(text: str, where: str) -> Any:
    """The documented samples of contact events hold commas before closing brackets."""
    try:
        return _read_json(_TRAILING_COMMA.sub(lambda found: found.group(1) or "", text))
    except (ValueError, RecursionError):
        raise Poison("not_json", f"{where}: not JSON even without trailing commas") from None


def _read_json(text: str) -> Any:
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | float:
    """Python refuses to read more than 4,300 digits; beyond 64 bits the element is rejected anyway."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")
