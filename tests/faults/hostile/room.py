"""One message with one file, through the media worker itself: real types, real scanner, real decoders."""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from services.media.adapters.clamd import Clamd
from services.media.adapters.sniff import Libmagic
from services.media.adapters.tools import Tools
from services.media.budgets import Budgets
from services.media.handlers import Media
from services.media.ledger import Ledger
from services.media.look import Looker
from services.media.ports import Scanner
from services.media.readings import Readings
from services.media.renderer import Renderer, unheard
from services.media.shelf import Shelf
from services.media.similar import Similar
from shared.bus.attributes import body
from shared.errors import RetryAfter
from shared.ids import received_id
from shared.objects.memory import MemoryObjects
from shared.observability.metrics import Metrics
from shared.policy.spending import Spending
from shared.queue.port import Message
from shared.topology import MEDIA_BUCKET
from tests.faults.hostile.cases import Case
from tests.unit.ingest.desk import Told, ana, change, desk, envelope, photo
from tests.unit.record.world import NOON_MS, PNID, World, world

MESSAGE_ID = received_id(PNID, "wamid.2")
DAYS_31_MS = 31 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a file ended: state and reason of the medium, the type it is served under, and its copies."""

    state: str
    reason: str
    served_as: str
    copies: Mapping[str, bytes]
    quarantined: bool


class _Source:
    """Meta, as the case says."""

    def __init__(self, bucket: MemoryObjects, case: Case) -> None:
        self._bucket = bucket
        self._case = case
        self.fetches = 0

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        """Put the file under the prefix, or raise what the case says."""
        del pnid
        self.fetches += 1
        if self._case.error is not None:
            raise self._case.error(media_id)
        data = self._case.make()
        torn = self._case.once and self.fetches == 1
        await self._bucket.put(f"{prefix}{media_id}", data[: len(data) // 2] if torn else data)


class NoScanner:
    """A scanner that finds nothing, whatever comes: the planted fault."""

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """Never anything."""
        async for _ in chunks:
            pass
        return None

    async def probe(self) -> None:
        """It always answers."""


async def end(case: Case, scanner: Scanner, tools: Tools) -> Ended:
    """Bring a case's file through the worker, renditions included."""
    w, bucket, bus = world(), MemoryObjects(MEDIA_BUCKET), Told()
    cause = await _recorded(w, case)
    w.clock.ms += DAYS_31_MS if case.aged else 0
    scanner = scanner if case.scanner else Clamd("/nonexistent/clamd.sock")
    media = Media(
        w.record.reader,
        Ledger(w.store, w.clock, w.ids),
        _Source(bucket, case),
        Looker(bucket, Libmagic(), scanner),
        bucket,
        bus,
        w.clock,
        w.ids,
        Metrics(CollectorRegistry()),
        _budgets(w, bus),
    )
    waits = ""
    try:
        await media.handle(Message("m", cause, "r", 1, NOON_MS))
    except RetryAfter as wait:
        waits = wait.reason
    except Exception as error:  # noqa: BLE001 - the case says which it expects
        waits = type(error).__name__
    await _render(w, bucket, bus, tools)
    return await _ended(w, bucket, waits)


def _budgets(w: World, bus: Told) -> Budgets:
    return Budgets(w.store, bus, Spending(w.store, w.clock, w.ids, "media"))


async def _recorded(w: World, case: Case) -> str:
    inbox = desk(w)
    message = photo("wamid.2")
    message["image"] |= {"mime_type": case.mime}
    del message["image"]["sha256"]
    if case.says is not None:
        digest = hashlib.sha256(case.says()).digest()
        message["image"]["sha256"] = base64.b64encode(digest).decode()
    await inbox.receive(envelope(change(contacts=ana(), messages=[message])))
    return body(next(each for each in inbox.bus.events if each.type == "desk.message.recorded.v1"))


async def _render(w: World, bucket: MemoryObjects, bus: Told, tools: Tools) -> None:
    renderer = Renderer(
        w.store,
        Shelf(w.store, w.clock, w.ids),
        Similar(w.store, w.clock, w.ids),
        Readings(w.store, w.record.sealing, w.clock),
        tools,
        bucket,
        bus,
        w.clock,
        w.ids,
        _budgets(w, bus),
        unheard,
    )
    for item in await w.items("due"):
        if item["kind"] == "render":
            await renderer.on_due(item)


async def _ended(w: World, bucket: MemoryObjects, waits: str) -> Ended:
    view = await w.record.reader.get_message(MESSAGE_ID)
    medium: dict[str, Any] = view.item["media"][0] if view else {}
    keys = [info.key async for info in bucket.list("")]
    copies = {key.rpartition("/")[2]: await bucket.get(key) for key in keys if "/r/" in key}
    original = next((key for key in keys if key.endswith("/original")), None)
    info = await bucket.head(original) if original else None
    return Ended(
        medium["state"],
        waits or medium.get("reason", ""),
        info.content_type if info else "",
        copies,
        any(key.startswith("quarantine/") for key in keys),
    )
