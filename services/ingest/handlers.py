"""Ingest: raw first, parse second; each item is kept, then the events go out, then the message is done.

One function a kind of item. Whatever stops the process in between, the message comes again and finds what is
there already; it is deleted only after its writes and its events are out.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.ingest import account, connect, understand
from services.ingest.archive import Archive, Arrived, arrived
from services.ingest.archived import Archived, numbered
from services.ingest.origin import Ours
from services.ingest.parked import Rejects
from services.ingest.verdicts import Verdicts
from shared.bus.port import Bus
from shared.due import clear_outbox
from shared.errors import Poison
from shared.events.model import MessageChanged
from shared.observability.metrics import Metrics
from shared.observability.trace import Tracing
from shared.queue.parking import traceparent
from shared.queue.port import Message
from shared.record.accounts import Accounts
from shared.record.build import Record
from shared.record.codec import clear
from shared.record.inbound import Inbound, Origin, Source
from shared.record.kept import Kept
from shared.record.waits import Place
from shared.store.port import Store
from shared.whatsapp.item import (
    AnyItem,
    CallItem,
    ConnectItem,
    MessageItem,
    MetaItem,
    RejectedItem,
    StatusItem,
    UnknownItem,
    WitnessItem,
)

_TAKEN_BACK = frozenset({"edit", "revoke"})
NO_NUMBER = "no_number"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an envelope: the outcome of each item, in order."""

    kept: tuple[Kept, ...]
    rejected: tuple[RejectedItem, ...]


class Ingest:
    """Handles envelopes of queues `ingest` and `connect`.

    Args:
        rejects: where items go that cannot be kept.
        scope: our portfolio, in which BSUIDs are unique.
    """

    def __init__(
        self,
        record: Record,
        archive: Archive,
        archived: Archived,
        rejects: Rejects,
        verdicts: Verdicts,
        bus: Bus,
        store: Store,
        metrics: Metrics,
        ours: Ours,
        scope: str,
    ) -> None:
        self._record = record
        self._archive = archive
        self._archived = archived
        self._rejects = rejects
        self._verdicts = verdicts
        self._bus = bus
        self._store = store
        self._metrics = metrics
        self._ours = ours
        self._scope = scope

    @property
    def accounts(self) -> Accounts:
        """What is known of our account."""
        return self._record.accounts

    def handler(self, queue: str) -> Callable[[Message], Awaitable[None]]:
        """The worker's handler of a queue."""

        async def handle(message: Message) -> None:
            found = arrived(message, queue)
            await self._archive.keep(found)
            await self.take(found, queue, Tracing.traceparent() or traceparent(message))

        return handle

    async def take(
        self, found: Arrived, queue: str, trace: str | None = None, source: Source = "live"
    ) -> Done:
        """Keep every item of an archived envelope and publish what that owes.

        Raises Poison for an envelope that cannot be read or is not ours at all.
        """
        if found.envelope is None:
            fault = found.fault or Poison("unreadable")
            await self._archive.quarantine(found, fault.reason)
            raise fault
        origin = Origin(found.raw_id, 0, found.arrival_ns, source, trace)
        sorted_out = self.sorted(found)
        rejected = tuple(item for item in sorted_out if isinstance(item, RejectedItem))
        if rejected and len(rejected) == len(sorted_out):
            await self._archive.quarantine(found, rejected[0].reason)
            raise Poison(rejected[0].reason, rejected[0].path)
        kept = [
            await self._keep(item, replace(origin, position=item.position))
            for item in sorted_out
            if not isinstance(item, RejectedItem)
        ]
        await self._publish(kept)
        for item in rejected:
            await self._rejects.park(found, item, queue, trace)
        await self._unarchive(found, sorted_out, kept)
        return Done(tuple(kept), rejected)

    def sorted(self, found: Arrived) -> list[AnyItem]:
        """The items of an envelope, those that cannot be kept as rejected ones."""
        return [self._sorted(item) for item in numbered(found)]

    async def _unarchive(self, found: Arrived, sorted_out: Sequence[AnyItem], kept: Sequence[Kept]) -> None:
        """What was dropped because its person is erased does not stay in the archive either."""
        taken = [item for item in sorted_out if not isinstance(item, RejectedItem)]
        gone = [item.position for item, one in zip(taken, kept, strict=True) if one.kind == "erased"]
        if gone:
            await self._archived.rewrite(found, gone)

    def _sorted(self, item: AnyItem) -> AnyItem:
        """An item, or its rejection where it is not ours or concerns no number."""
        reason = self._ours.foreign(item)
        if (
            reason is None
            and isinstance(item, MessageItem | StatusItem | CallItem)
            and self._number(item) is None
        ):
            reason = NO_NUMBER
        if reason is None:
            return item
        return RejectedItem(position=item.position, path=item.path, reason=reason)

    def _number(self, item: MetaItem[Any]) -> str | None:
        return self._ours.number(item.pnid)

    async def _keep(self, item: AnyItem, origin: Origin) -> Kept:
        """One item, by its kind."""
        self._count_untyped(item)
        match item:
            case MessageItem() | CallItem():
                return await self._kept(self._inbound(item, origin))
            case StatusItem() if item.field != "calls":
                return await self._status(item, origin)
            case MetaItem():
                return await self._account(item, origin)
            case ConnectItem():
                return await self._record.connect.keep(connect.row(item, origin))
            case WitnessItem():
                return Kept("new", f"w_{origin.raw_id}.{origin.position}")  # archived; understood elsewhere
            case UnknownItem():
                return await self._unknown(item, origin)
        raise AssertionError(item.kind)

    def _inbound(self, item: MessageItem | CallItem, origin: Origin) -> Inbound:
        pnid = self._number(item) or ""
        if isinstance(item, CallItem):
            return understand.call(item, pnid, origin, self._scope)
        return understand.inbound(item, pnid, origin, self._scope)

    async def _kept(self, inbound: Inbound) -> Kept:
        kept = await self._record.keeper.keep(inbound)
        for place in _changed(inbound, kept):
            await self._record.changes.apply(place)
        if kept.kind == "variant":
            self._metrics.conflicts_total.inc()
        return kept

    async def _status(self, item: StatusItem, origin: Origin) -> Kept:
        report = understand.report(item, self._number(item) or "", origin, self._scope)
        await self._verdicts.before(report, item.waba_id)
        kept = await self._record.statuses.keep(report)
        if kept.kind == "new":
            self._verdicts.count(report)
        return replace(kept, events=(*kept.events, *self._verdicts.alert(report)))

    async def _account(self, item: MetaItem[Any], origin: Origin) -> Kept:
        change = account.change(item, self._number(item), origin, self._scope)
        if change.alarm and change.alarm.name in account.BLOCKING and item.waba_id:
            await self._verdicts.block(item.waba_id, account.LOCKED, origin.at_ms)
        return await self._record.accounts.keep(change)

    async def _unknown(self, item: UnknownItem, origin: Origin) -> Kept:
        self._metrics.unknown_total.labels(clear(item.what)).inc()
        change = understand.unknown(item.what, item.waba_id, item.raw, origin)
        return await self._record.accounts.keep(change)

    def _count_untyped(self, item: AnyItem) -> None:
        """Leaves no model knows; the label is the webhook's field, for paths may hold what people wrote."""
        untyped = len(item.untyped())
        if untyped:
            field = clear(item.field) if isinstance(item, MetaItem) else item.kind
            self._metrics.unknown_total.labels(field).inc(untyped)

    async def _publish(self, kept: Sequence[Kept]) -> None:
        found = list({event.id + event.type: event for one in kept for event in one.events}.values())
        owed = [op for one in kept for op in one.owed]
        if found:
            await self._bus.publish(found)  # raises: the message comes again, and with it these events
            await clear_outbox(self._store, owed)


def _changed(inbound: Inbound, kept: Kept) -> list[Place]:
    """Messages that an edit or a revoke may just have come beside, as the events tell."""
    if kept.message is None or (inbound.relation is None and kept.message["rev"] == 1):
        return []
    told = [event.data for event in kept.events if isinstance(event, MessageChanged)]
    return [Place(data.conversation_id, data.order_key) for data in told if _TAKEN_BACK & {*data.changed}]
