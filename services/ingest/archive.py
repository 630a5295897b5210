"""Where an envelope is archived: by source and arrival, under its own hash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.errors import Poison
from shared.ids import raw_id
from shared.objects.port import Objects
from shared.queue.port import Message
from shared.whatsapp.envelope import Envelope, parse

Source = Literal["eum", "connect", "witness"]
CONTENT_TYPE = "application/json"
_NS = 1_000_000_000
_SOURCES: Mapping[str, Source] = {"witness": "witness", "chat": "connect", "contact_event": "connect"}
_LAST_NS = 253_402_300_799 * _NS  # 9999-12-31T23:59:59Z, the last second a date can name


@dataclass(frozen=True, slots=True)
class Arrived:
    """An envelope on its way in.

    Attributes:
        body: as received, exactly. attributes: the queue message's.
        arrival_ns: when the sender published it, else when it entered our queue.
        source: where it came from.
        envelope: read as far as its outer layers; None where `fault` says why not.
        gone: positions of items that were taken out of it since (archived.py).
    """

    raw_id: str
    body: bytes
    attributes: Mapping[str, str]
    arrival_ns: int
    source: Source
    envelope: Envelope | None
    fault: Poison | None = None
    gone: tuple[int, ...] = ()


def arrived(message: Message, queue: str) -> Arrived:
    """Read the outer layers of a queue message; never raises."""
    envelope, fault = None, None
    try:
        envelope = parse(message.body, message.attributes)
    except Poison as error:
        fault = error
    body = message.body.encode("utf-8", "surrogatepass")
    stamped = envelope.arrival_ns if envelope else None
    kind = envelope.kind if envelope else ""
    return Arrived(
        raw_id=raw_id(body),
        body=body,
        attributes=message.attributes,
        arrival_ns=stamped if stamped is not None else message.sent_ms * 1_000_000,
        source=_SOURCES.get(kind, "connect" if queue == "connect" else "eum"),
        envelope=envelope,
        fault=fault,
    )


def slot(arrival_ns: int) -> str:
    """`YYYY/MM/DD/HHMM/S0`: ten seconds of arrivals, so that a span of time can be listed."""
    at = datetime.fromtimestamp(min(arrival_ns, _LAST_NS) // _NS, UTC)
    return f"{at:%Y/%m/%d/%H%M}/{at.second // 10}0"


def raw_key(found: Arrived) -> str:
    """Key of the archived envelope."""
    return f"raw/{found.source}/{slot(found.arrival_ns)}/{found.raw_id}.json"


def poison_key(found: Arrived, position: int | None) -> str:
    """Key of an envelope, or of one item of it, that was parked."""
    part = "" if position is None else f".{position}"
    return f"poison/{slot(found.arrival_ns)}/{found.raw_id}{part}.json"


class Archive:
    """The raw archive: bytes first, understanding second."""

    def __init__(self, raw: Objects) -> None:
        self._raw = raw

    async def keep(self, found: Arrived) -> None:
        """Archive the exact envelope; again is no error."""
        facts = {"arrival-ns": str(found.arrival_ns), "attributes": json.dumps(dict(found.attributes))}
        await self._raw.put(
            raw_key(found), found.body, content_type=CONTENT_TYPE, metadata=facts, absent=True
        )

    async def quarantine(self, found: Arrived, reason: str, position: int | None = None) -> None:
        """Put what was parked aside, for the person who looks at the DLQ."""
        key = poison_key(found, position)
        await self._raw.put(
            key, found.body, content_type=CONTENT_TYPE, metadata={"reason": reason}, absent=True
        )
