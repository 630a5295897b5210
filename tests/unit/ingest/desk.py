"""Ingest over the in-memory ports, and envelopes as EUM Social publishes them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from services.ingest.archive import Archive
from services.ingest.archived import Archived
from services.ingest.handlers import Ingest
from services.ingest.origin import Ours
from services.ingest.parked import Rejects
from services.ingest.verdicts import Verdicts
from shared.due import OUTBOX_KIND
from shared.events.model import EVENT, Event
from shared.observability.metrics import Metrics
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message
from shared.record.build import build
from tests.unit.record.world import NOON_MS, PNID, World, world

WABA = "102290129340398"
ANA = "5215512345678"


@dataclass
class Told:
    """A bus that remembers."""

    events: list[Event] = field(default_factory=list)

    async def publish(self, events: Sequence[Event]) -> None:
        self.events.extend(events)

    async def probe(self) -> None:
        """It always answers."""


@dataclass
class Desk:
    world: World
    bus: Told
    queue: MemoryQueue
    ingest: Ingest
    metrics: Metrics

    async def receive(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        message = Message("m", body, "r", 1, NOON_MS, attributes or {})
        await self.ingest.handler("ingest")(message)

    async def owed(self) -> list[Event]:
        """What the timer would still publish."""
        items = await self.world.items("due")
        return [EVENT.validate_json(item["event"]) for item in items if item["kind"] == OUTBOX_KIND]

    async def parked(self) -> list[Message]:
        assert self.queue.dlq is not None
        return await self.queue.dlq.receive(10, 0, 60)


def desk(base: World | None = None, *, store: Any = None, raw: Any = None, bus: Any = None) -> Desk:
    w = base or world()
    store, raw, told = store or w.store, raw or w.raw, bus or Told()
    record = build(store, raw, w.keys, w.pepper, w.clock, w.ids, service="ingest")
    queue = MemoryQueue("ingest", w.clock)
    metrics = Metrics(CollectorRegistry())
    assert queue.dlq is not None
    archive = Archive(raw)
    ingest = Ingest(
        record,
        archive,
        Archived(raw),
        Rejects(archive, {"ingest": queue.dlq}, store, w.clock, "ingest"),
        Verdicts(store, record.people, metrics, w.clock),
        told,
        store,
        metrics,
        Ours.of([WABA], [PNID]),
        "portfolio",
    )
    return Desk(w, told, queue, ingest, metrics)


def envelope(*changes: dict[str, Any], waba: str = WABA, at: str = "2027-01-15T08:00:00.123456789Z") -> str:
    entry = {"id": waba, "changes": list(changes)}
    return json.dumps(
        {
            "context": {
                "MetaWabaIds": [
                    {"wabaId": waba, "arn": "arn:aws:social-messaging:us-east-1:123456789012:waba/a"}
                ],
                "MetaPhoneNumberIds": [{"metaPhoneNumberId": PNID, "arn": "arn:b"}],
            },
            "whatsAppWebhookEntry": json.dumps(entry),
            "aws_account_id": "123456789012",
            "message_timestamp": at,
        }
    )


def change(field_: str = "messages", pnid: str = PNID, **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "5255550107", "phone_number_id": pnid}
    return {"field": field_, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}


def ana(name: str = "Ana") -> list[dict[str, Any]]:
    return [{"profile": {"name": name}, "wa_id": ANA}]


def said(wamid: str, body: str = "hola", *, ts: int = NOON_MS // 1000, **more: Any) -> dict[str, Any]:
    return {"from": ANA, "id": wamid, "timestamp": str(ts), "type": "text", "text": {"body": body}, **more}


def photo(wamid: str) -> dict[str, Any]:
    image = {"id": "1234567890", "mime_type": "image/jpeg", "sha256": "abc=", "caption": "mira"}
    return {"from": ANA, "id": wamid, "timestamp": str(NOON_MS // 1000), "type": "image", "image": image}


def reacted(wamid: str, target: str, emoji: str = "👍") -> dict[str, Any]:
    reaction = {"message_id": target, "emoji": emoji}
    return {
        "from": ANA,
        "id": wamid,
        "timestamp": str(NOON_MS // 1000),
        "type": "reaction",
        "reaction": reaction,
    }


def went(word: str, wamid: str = "wamid.out", attempt: str | None = None, **more: Any) -> dict[str, Any]:
    known = {"id": wamid, "status": word, "timestamp": str(NOON_MS // 1000), "recipient_id": ANA}
    return {**known, **({"biz_opaque_callback_data": attempt} if attempt else {}), **more}
