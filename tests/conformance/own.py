"""Makes a file this run's own: its wamids, our account and number, the same wherever the file says them again.

Everything derives from the run and the file's name, so that a second run of the same id sends the same bytes.
"""

import base64
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance import shapes
from tests.conformance.shapes import Sample, Sent

_IDS = ("messages", "message_echoes", "statuses", "calls")
_TARGETS = ("id", "message_id", "original_message_id")
_PREFIXES = ("wamid.", "wacid.")
_LONGEST = 512  # a longer id is a hostile one, and stays
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_SPAN_S = 200 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Account:
    """Ours: WhatsApp Business Account, Meta's phone number id, EUM Social's phone number id, AWS account, Region."""

    waba: str
    number: str
    eum_number: str
    aws: str
    region: str


class Owner:
    """Rewrites samples for one run.

    Args:
        run: id of the run.
    """

    def __init__(self, run: str, account: Account) -> None:
        self._run = run
        self._account = account

    def bodies(self, sample: Sample) -> list[Sent]:
        """What to send for a file."""
        if sample.shape == "other":
            return [Sent("whatsapp-events", sample.text)]
        if sample.content is None:
            return [Sent("connect", sample.text)]
        content, given = sample.content, {}
        inner = shapes.notified(content)
        if inner is not None:
            content, given = inner, shapes.attributes(content)
        own = self._own(sample.name, content)
        if sample.shape == "chat":
            own |= {"Id": self._uuid(sample.name, 0)} if isinstance(own.get("Id"), str) else {}
            return [Sent("connect-chat", shapes.written(own), given)]
        if sample.shape == "event":
            own |= {"id": self._uuid(sample.name, 0)} if isinstance(own.get("id"), str) else {}
            return [Sent("connect", shapes.written(own))]
        if sample.shape == "envelope":
            own |= {"messageId": self._uuid(sample.name, 0)} if isinstance(own.get("messageId"), str) else {}
            return [Sent("whatsapp-events", shapes.written(own), given)]
        entries = own["entry"] if sample.shape == "webhook" else [own]
        return [self._enveloped(sample.name, n, entry) for n, entry in enumerate(entries)]

    def echo(self, wamid: str) -> Sent:
        """The message that a status speaks about, as the newsroom's own phone sent it."""
        row = {
            "from": "525555550100",
            "to": "5215512345678",
            "id": wamid,
            "timestamp": str(int(self._at(wamid).timestamp())),
            "type": "text",
            "text": {"body": "de lo que habla el estado"},
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "525555550100", "phone_number_id": self._account.number},
            "message_echoes": [row],
        }
        entry = {"id": self._account.waba, "changes": [{"field": "smb_message_echoes", "value": value}]}
        return self._enveloped(f"echo {wamid}", 0, entry)

    def _own(self, name: str, content: Any) -> Any:
        """The content with our ids; the entry inside an envelope included."""
        entry = content.get("whatsAppWebhookEntry")
        inner = shapes.parsed(entry) if isinstance(entry, str) else None
        known = {text: self._wamid(name, text) for text in _wamids([content, inner])}
        own = self._placed(_swapped(content, known))
        if inner is not None:
            own["whatsAppWebhookEntry"] = shapes.written(self._placed(_swapped(inner, known)))
        return own

    def _wamid(self, name: str, text: str) -> str:
        prefix = "wacid." if text.startswith("wacid.") else "wamid."
        return prefix + base64.b64encode(self._hash(name, text)).decode()

    def _placed(self, value: Any) -> Any:
        """Our account and number wherever an account or number id stands by its name."""
        if isinstance(value, list):
            return [self._placed(each) for each in value]
        if not isinstance(value, dict):
            return value
        own = {name: self._named(name, each) for name, each in value.items()}
        if isinstance(own.get("id"), str) and "changes" in own:
            own["id"] = self._account.waba
        return own

    def _named(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and name in {"wabaId", "waba_id"}:
            return self._account.waba
        numbers = {"phone_number_id", "metaPhoneNumberId", "originationPhoneNumberId"}
        if isinstance(value, str) and name in numbers:
            return self._account.number
        return self._placed(value)

    def _enveloped(self, name: str, n: int, entry: Any) -> Sent:
        ours, arn = self._account, f"arn:aws:social-messaging:{self._account.region}:{self._account.aws}"
        number = {"metaPhoneNumberId": ours.number, "arn": f"{arn}:phone-number-id/{ours.eum_number}"}
        header = {
            "context": {
                "MetaWabaIds": [{"wabaId": ours.waba, "arn": f"{arn}:waba/{ours.waba}"}],
                "MetaPhoneNumberIds": [number],
            },
            "whatsAppWebhookEntry": shapes.written(entry),
            "aws_account_id": ours.aws,
            "message_timestamp": f"{self._at(name, n):%Y-%m-%dT%H:%M:%S.%f}123Z",
            "messageId": self._uuid(name, n),
        }
        return Sent("whatsapp-events", shapes.written(header))

    def _at(self, *of: object) -> datetime:
        """When a body was published: some moment of the run's own."""
        return _EPOCH + timedelta(seconds=int.from_bytes(self._hash("at", *of)[:6]) % (_SPAN_S * 1000) / 1000)

    def _uuid(self, *of: object) -> str:
        return str(uuid.UUID(bytes=self._hash("uuid", *of)[:16], version=4))

    def _hash(self, *of: object) -> bytes:
        return hashlib.sha256("\0".join((self._run, *map(str, of))).encode("utf-8", "surrogatepass")).digest()


def _wamids(value: Any) -> Iterator[str]:
    """Every id of a message, status or call, and every text that can be nothing else."""
    if isinstance(value, list):
        for each in value:
            yield from _wamids(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _of_rows(each) if name in _IDS and isinstance(each, list) else ()
            yield from _wamids(each)
    elif isinstance(value, str) and value.startswith(_PREFIXES) and len(value) <= _LONGEST:
        yield value


def _of_rows(rows: list[Any]) -> Iterator[str]:
    """Ids of rows and of what they speak about, whatever they look like."""
    for row in rows:
        members = row.items() if isinstance(row, dict) else ()
        yield from _texts(row, "id")
        for name, part in members:
            yield from _texts(
                part, *(("id",) if name == "context" else ()), "message_id", "original_message_id"
            )


def _texts(value: Any, *names: str) -> Iterator[str]:
    found = (value.get(name) for name in names) if isinstance(value, dict) else ()
    yield from (text for text in found if isinstance(text, str) and 0 < len(text) <= _LONGEST)


def _swapped(value: Any, known: dict[str, str], name: str = "") -> Any:
    """The value with every known id replaced, wherever an id may stand or nothing else can look like one."""
    if isinstance(value, list):
        return [_swapped(each, known, name) for each in value]
    if isinstance(value, dict):
        return {member: _swapped(each, known, member) for member, each in value.items()}
    told = isinstance(value, str) and (name in _TARGETS or value.startswith(_PREFIXES))
    return known.get(value, value) if told else value
