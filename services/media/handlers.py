"""Media: each pending file of a message is brought in, looked at, stored once under its hash, and settled."""

import hashlib
from collections.abc import Mapping

from services.media.ledger import PENDING, Ledger, medium
from services.media.ports import (
    MediaDeniedError,
    MediaGoneError,
    MediaThrottledError,
    MediaUnavailableError,
    Sniffer,
    Source,
)
from services.media.verdict import HEAD_BYTES, Found, Verdict, judge
from shared.bus.port import Bus
from shared.clock import Clock
from shared.errors import Poison, RetryAfter
from shared.events.model import EVENT, Event, MessageRecorded
from shared.ids import Ids
from shared.objects.cdn import served_key
from shared.objects.port import Objects
from shared.observability.metrics import Metrics
from shared.observability.trace import Tracing
from shared.queue.port import Message
from shared.record import events
from shared.record.content import Content
from shared.record.reader import Reader
from shared.store.port import Item

THROTTLE_S = 2.0  # quotas page: 100 media calls a second
UNAVAILABLE_S = 15.0
META_KEEPS_MS = 30 * 24 * 3600 * 1000  # AWS and Meta: media stay 30 days
EXPIRED = Verdict("failed", "expired")
MISSING = Verdict("failed", "missing")
DENIED = Verdict("failed", "denied")


class Media:
    """Handles queue `media`.

    Args:
        bucket: the media bucket, into which the source writes too.
    """

    def __init__(
        self,
        reader: Reader,
        ledger: Ledger,
        source: Source,
        sniffer: Sniffer,
        bucket: Objects,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
    ) -> None:
        self._reader = reader
        self._ledger = ledger
        self._source = source
        self._sniffer = sniffer
        self._bucket = bucket
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._metrics = metrics

    async def handle(self, message: Message) -> None:
        """Settle all media of a recorded message; again, it only tells again what is settled.

        Raises Poison for a body that is no event, RetryAfter while the source cannot answer.
        """
        event = _event(message.body)
        if not isinstance(event, MessageRecorded):
            return
        place = await self._reader.find(event.data.message_id)
        view = await self._reader.get_message(event.data.message_id) if place else None
        if view is None:
            return  # erased meanwhile
        told: list[Event] = []
        for each in view.item["media"]:
            told += await self._one(view.item, each["n"], event)
        if told:
            await self._bus.publish(told)

    async def _one(self, message: Item, n: int, cause: MessageRecorded) -> list[Event]:
        """Settle one medium and answer its event; what is settled already is only told."""
        envelope = events.Envelope(
            self._clock.now_ms(), Tracing.traceparent() or cause.traceparent, cause.correlation
        )
        prefix = f"incoming/{message['message_id']}/{n}/"
        if medium(message, n)["state"] != PENDING:
            await self._clean(prefix)
            return [events.media_settled(message, n, envelope)]
        content = await self._reader.open(message)
        if content.erased:
            return []
        verdict, found = await self._judged(message, n, prefix, content)
        settled = await self._ledger.settle(message, n, verdict, found)
        await self._clean(prefix)
        if settled is None:
            return []
        if settled.fresh:
            self._count(message, n, verdict)
        return [events.media_settled(settled.message, n, envelope)]

    async def _judged(
        self, message: Item, n: int, prefix: str, content: Content
    ) -> tuple[Verdict, Found | None]:
        """Bring the file in, look at it, and put it where its verdict says."""
        declared = _declared(content)
        key = await self._incoming(prefix)
        if key is None:
            lost = await self._fetch(message, content.media_ids.get(n), prefix)
            if lost is not None:
                return lost, None
            key = await self._incoming(prefix)
        if key is None:
            raise RetryAfter(self._ids.uniform(THROTTLE_S, 2 * THROTTLE_S), "media_not_there")
        found = await self._seen(key)
        verdict = judge(medium(message, n)["mime"], declared.get("sha256"), found)
        await self._place(key, verdict, found)
        return verdict, found

    async def _fetch(self, message: Item, media_id: str | None, prefix: str) -> Verdict | None:
        """Have the file put into our bucket; a verdict where it never will be."""
        if media_id is None:
            return MISSING
        try:
            await self._source.fetch(media_id, message["pnid"], prefix)
        except MediaGoneError:
            return EXPIRED if self._aged(message) else MISSING
        except MediaDeniedError:
            return DENIED
        except MediaThrottledError:
            raise RetryAfter(self._ids.uniform(THROTTLE_S, 2 * THROTTLE_S), "media_throttled") from None
        except MediaUnavailableError:
            if self._aged(message):
                return EXPIRED
            raise RetryAfter(
                self._ids.uniform(UNAVAILABLE_S, 2 * UNAVAILABLE_S), "media_unavailable"
            ) from None
        return None

    def _aged(self, message: Item) -> bool:
        return int(message["arrival_ms"]) + META_KEEPS_MS < self._clock.now_ms()

    async def _incoming(self, prefix: str) -> str | None:
        """Key of the file under a prefix; the source writes one."""
        async for info in self._bucket.list(prefix):
            return info.key
        return None

    async def _seen(self, key: str) -> Found:
        """Hash, size and type, without ever holding the file."""
        sha, size, head = hashlib.sha256(), 0, b""
        async for chunk in self._bucket.stream(key):
            sha.update(chunk)
            size += len(chunk)
            head = (head + chunk)[:HEAD_BYTES] if len(head) < HEAD_BYTES else head
        return Found(sha.hexdigest(), size, self._sniffer.mime(head).lower() if head else "")

    async def _place(self, key: str, verdict: Verdict, found: Found) -> None:
        """Copy the file where it is kept; the same bytes always lie in the same place."""
        if verdict.state == "ready":
            target = served_key(found.sha256)
        elif verdict.state == "quarantined":
            target = f"quarantine/{found.sha256}"
        else:
            return
        if await self._bucket.head(target) is None:
            await self._bucket.copy(key, target, content_type=verdict.served_as)

    async def _clean(self, prefix: str) -> None:
        """Drop what the source brought; it has its place or its verdict now."""
        async for info in self._bucket.list(prefix):
            await self._bucket.delete(info.key)

    def _count(self, message: Item, n: int, verdict: Verdict) -> None:
        outcome = verdict.reason or verdict.state
        self._metrics.media_outcomes_total.labels(outcome).inc()
        seconds = max(0, self._clock.now_ms() - message["arrival_ms"]) / 1000
        if verdict.state == "ready":
            kind = medium(message, n)["mime"].partition("/")[0]
            self._metrics.media_ready_seconds.labels(kind).observe(seconds)


def _event(body: str) -> Event:
    try:
        return EVENT.validate_json(body)
    except ValueError:
        raise Poison("not_an_event", "body: one of shared/events is expected") from None


def _declared(content: Content) -> Mapping[str, str]:
    """The message's own words about its file; they stand under the member named like its type."""
    found = content.message.get(content.message.get("type", ""))
    return found if isinstance(found, dict) else {}
