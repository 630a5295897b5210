"""Media: each pending file of a message is brought in, looked at, stored once under its hash, and settled."""

from collections.abc import Mapping

from services.media.budgets import Budgets
from services.media.ledger import PENDING, GoingError, Ledger, Settled, medium, released
from services.media.look import Looker
from services.media.ports import (
    MediaDeniedError,
    MediaGoneError,
    MediaThrottledError,
    MediaUnavailableError,
    Source,
)
from services.media.verdict import Found, Verdict, judge, refetch
from shared.bus.port import Bus
from shared.clock import Clock
from shared.errors import Poison, RetryAfter
from shared.events.model import EVENT, Event, MessageRecorded
from shared.ids import Ids
from shared.objects.cdn import served_key
from shared.objects.port import ObjectInfo, Objects
from shared.observability.metrics import Metrics
from shared.observability.trace import Tracing
from shared.queue.port import Message
from shared.record import events
from shared.record.content import Content
from shared.record.reader import Reader
from shared.store.port import Item

THROTTLE_S = 2.0  # quotas page: 100 media calls a second
UNAVAILABLE_S = 15.0
GOING_S = 2.0  # the keeper's removal of a file takes a few calls
FETCHES = 3  # a file torn on its way is asked for again, at once
META_KEEPS_MS = 30 * 24 * 3600 * 1000  # AWS and Meta: media stay 30 days
SETTLE = "settle"  # kind of the due item: a file that waits for its sender's budget
EXPIRED = Verdict("failed", "expired")
MISSING = Verdict("failed", "missing")
DENIED = Verdict("failed", "denied")


class Media:
    """Handles queue `media`.

    Args:
        looker: looks at a file. bucket: the media bucket, into which the source writes too.
    """

    def __init__(
        self,
        reader: Reader,
        ledger: Ledger,
        source: Source,
        looker: Looker,
        bucket: Objects,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
        budgets: Budgets,
    ) -> None:
        self._budgets = budgets
        self._reader = reader
        self._ledger = ledger
        self._source = source
        self._looker = looker
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
        if view is None or released(view.item):
            return  # what lies there the keeper takes away
        told: list[Event] = []
        for each in view.item["media"]:
            if "upload_id" not in each:  # services/media/uploads.py
                told += await self._one(view.item, each["n"], event)
        if told:
            await self._bus.publish(told)

    async def on_due(self, item: Item) -> None:
        """A due item of kind `settle`: a medium that waited for its sender's budget."""
        view = await self._reader.get_message(str(item["message_id"]))
        if view is None or released(view.item):
            return
        message = view.item
        cause = events.recorded(message, events.Envelope(self._clock.now_ms(), None, message.get("raw_id")))
        if told := await self._one(message, int(item["position"]), cause):
            await self._bus.publish(told)

    async def _one(self, message: Item, n: int, cause: MessageRecorded) -> list[Event]:
        """Settle one medium and answer its event; what is settled already is only told."""
        envelope = events.Envelope(
            self._clock.now_ms(), Tracing.traceparent() or cause.traceparent, cause.correlation
        )
        prefix = f"incoming/{message['message_id']}/{n}/"
        if medium(message, n)["state"] != PENDING:
            await self._finish(message, n, prefix)
            return [events.media_settled(message, n, envelope)]
        content = await self._reader.open(message)
        if content.erased:
            return []
        judged = await self._judged(message, n, prefix, content)
        if judged is None:
            return []
        verdict, found = judged
        settled = await self._settled(message, n, verdict, found)
        if settled is None:
            await self._clean(prefix)
            return []
        if released(settled.message):
            return []
        await self._finish(settled.message, n, prefix)
        if settled.fresh:
            self._count(message, n, verdict)
        return [events.media_settled(settled.message, n, envelope)]

    async def _settled(self, message: Item, n: int, verdict: Verdict, found: Found | None) -> Settled | None:
        try:
            return await self._ledger.settle(message, n, verdict, found)
        except GoingError:  # the same bytes are being deleted just now; ours wait where the source put them
            raise RetryAfter(self._ids.uniform(GOING_S, 2 * GOING_S), "media_going") from None

    async def _judged(
        self, message: Item, n: int, prefix: str, content: Content
    ) -> tuple[Verdict, Found | None] | None:
        """Bring the file in, look at it, and put it where its verdict says; a torn one is brought in again.

        None where its sender's budget is used up: it waits where the source has put it, safe from Meta's 30 days.
        """
        declared = _declared(content).get("sha256")
        fetches = 0
        while True:
            info = await self._brought(message, content.media_ids.get(n), prefix)
            if isinstance(info, Verdict):
                return info, None
            if await self._budgets.waits("media_bytes", message, n, info.size, SETTLE):
                return None
            found = await self._looker.look(info.key, info.size)
            fetches += 1
            if fetches == FETCHES or not refetch(declared, found):
                verdict = judge(medium(message, n)["mime"], declared, found)
                await self._place(info.key, verdict, found)
                return verdict, found
            await self._clean(prefix)

    async def _brought(self, message: Item, media_id: str | None, prefix: str) -> ObjectInfo | Verdict:
        """The file under its prefix, fetched unless it lies there; a verdict where it never will."""
        if (info := await self._incoming(prefix)) is not None:
            return info
        lost = await self._fetch(message, media_id, prefix)
        if lost is not None:
            return lost
        if (info := await self._incoming(prefix)) is not None:
            return info
        raise RetryAfter(self._ids.uniform(THROTTLE_S, 2 * THROTTLE_S), "media_not_there")

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

    async def _incoming(self, prefix: str) -> ObjectInfo | None:
        """The file under a prefix; the source writes one."""
        async for info in self._bucket.list(prefix):
            return info
        return None

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

    async def _finish(self, message: Item, n: int, prefix: str) -> None:
        """See that a settled file lies where it is kept, then drop what the source brought.

        Between its copy and its reference the keeper may have deleted the same bytes, with their last reference of
        before (shared/record/files.py). Now that ours stands they stay.
        """
        settled = medium(message, n)
        info = await self._incoming(prefix)
        if info is not None and settled["state"] == "ready" and "sha256" in settled:
            target = served_key(settled["sha256"])
            if await self._bucket.head(target) is None:
                await self._bucket.copy(info.key, target, content_type=await self._ledger.served_as(settled))
        await self._clean(prefix)

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
