"""Moving a lane: read, decide, claim, call, settle; every step is safe to die after."""

import asyncio
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from boto3.dynamodb.conditions import ConditionBase

from shared.clock import Clock
from shared.due import Report
from shared.errors import RetryAfter
from shared.ids import Ids
from shared.lanes.decide import IN_DOUBT, Abandoned, Attend, Await, Release, Rest, decide
from shared.lanes.owed import lane_due
from shared.lanes.patience import Patience
from shared.lanes.port import Finished, Lane, Later, Outcome, Ready, Sender, Unsettled
from shared.record.shape import DeliveryItem
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Op,
    Store,
    StoreUnavailableError,
    Update,
)

P = TypeVar("P")

MAX_STEPS = 25  # then the lane gives way: a due item for now brings it back
CLAIM_MARGIN_S = 4.0  # a claim outlives its call by two clocks' difference (2 s) and the time to claim (2 s)
CLAIM_BUDGET_S = 2.0
MAX_BESIDE = 8  # how often what goes with an outcome is read again
STALL_BASE_S = 2.0
STALL_MAX_S = 300.0


class Lanes(Generic[P]):
    """Runs the lanes of one kind of sender.

    Args:
        store: the record. clock: this process's wall clock. ids: request tokens and jitter.
        sender: prepares, calls, and says what unclear means.
        report: told ("stalled" | "unclear", error) of what a sender raised.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, sender: Sender[P], report: Report) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._sender = sender
        self._report = report
        self._patience = Patience(store, ids)

    async def run(self, lane: Lane) -> None:
        """Send what may be sent now, in order; the caller's trigger is deleted after this returned.

        Raises what the store raises; the trigger then comes again.
        """
        claims: list[DeliveryItem] = []
        for _ in range(MAX_STEPS):
            if not await self._step(lane, claims):
                break
        else:
            await self._store.write(self._due(lane, self._clock.now_ms()))
        for claimed in claims:
            await self._unclaim(lane, claimed)

    async def owed(self, lane: Lane) -> list[DeliveryItem]:
        """The unfinished items in owed_key order, read consistently and to the end.

        All of them: an item claimed by someone else may stand behind one that was owed later.
        """
        items: list[DeliveryItem] = []
        page = await self._store.query("deliveries", lane.pk, index="owed")
        items += cast(list[DeliveryItem], page.items)
        while page.next:
            page = await self._store.query("deliveries", lane.pk, index="owed", start=page.next)
            items += cast(list[DeliveryItem], page.items)
        return items

    async def _step(self, lane: Lane, claims: list[DeliveryItem]) -> bool:
        """One step; False = nothing more to do here now. A claim that was settled joins `claims`."""
        match decide(await self.owed(lane), self._clock.now_ms()):
            case Rest():
                return False
            case Await(head):
                return await self._sender.early(head) and await self._attend(lane, head, claims)
            case Attend(head):
                return await self._attend(lane, head, claims)
            case Abandoned(head):
                return await self._recover(lane, head, claims)
            case Release(head):
                return await self._release(head)

    async def _attend(self, lane: Lane, head: DeliveryItem, claims: list[DeliveryItem]) -> bool:
        prepared = await self._prepare(head)
        if not isinstance(prepared, Ready):
            return await self._settle(lane, head, prepared, _as_read(head))
        return await self._claim_and_call(lane, head, prepared, claims)

    async def _prepare(self, head: DeliveryItem) -> Ready[P] | Outcome:
        """Whatever goes wrong here reached nobody: the head waits."""
        try:
            return await self._sender.prepare(head)
        except RetryAfter as error:
            return Later(self._after(error.seconds), error.reason)
        except Exception as error:  # noqa: BLE001 - an unknown fault must hold the lane, never strand it
            self._report("stalled", error)
            stalls = head.get("stalls", 0) + 1
            wait = min(STALL_BASE_S * 2 ** min(stalls - 1, 10), STALL_MAX_S)
            return Later(self._after(self._ids.uniform(wait / 2, wait)), "stalled", {"stalls": stalls})

    async def _claim_and_call(
        self, lane: Lane, head: DeliveryItem, ready: Ready[P], claims: list[DeliveryItem]
    ) -> bool:
        loop = asyncio.get_running_loop()
        start = loop.time()
        claimed = await self._claim(lane, head)
        if claimed is None:
            return True  # somebody else moved it: read again
        if loop.time() - start > CLAIM_BUDGET_S:
            outcome: Outcome = Later(self._clock.now_ms(), "slow_claim")
        else:
            outcome = await self._call(ready.payload, claimed)
        more = await self._settle(lane, claimed, outcome, _as_claimed(claimed, outcome))
        if not isinstance(outcome, Unsettled):
            claims.append(claimed)
        return more

    async def _unclaim(self, lane: Lane, claimed: DeliveryItem) -> None:
        """Drop a settled claim's due item, once the run is over; one that stays runs the lane once more.

        Until then it watches over what stands behind the claim: a trigger that found the head held is gone.
        """
        due = self._due(lane, claimed["at"])
        try:
            # Put more than once, it is somebody else's too.
            await self._store.write(Delete(due.table, due.pk, due.sk, condition=Attr("n").eq(1)))
        except (ConditionFailedError, ContendedError, StoreUnavailableError):
            return

    async def _claim(self, lane: Lane, head: DeliveryItem) -> DeliveryItem | None:
        now = self._clock.now_ms()
        at = now + int((self._sender.timeout_s + CLAIM_MARGIN_S) * 1000)
        changes: dict[str, Any] = {"state": "sending", "at": at, "claimed_at": now}
        if head["state"] == "sending":
            changes["repeat"] = True
        claim = _update(head, changes, _as_read(head), tried=1)
        try:
            await self._patience.transact([claim, self._due(lane, at)])
        except ConditionFailedError:
            return None
        return cast(DeliveryItem, {**head, **changes, "try": head["try"] + 1, "rev": head["rev"] + 1})

    async def _call(self, payload: P, claimed: DeliveryItem) -> Outcome:
        try:
            async with asyncio.timeout(self._sender.timeout_s):
                return await self._sender.call(payload, claimed)
        except Exception as error:  # noqa: BLE001 - nothing is known of the effect, whatever was raised
            self._report("unclear", error)
            return self._sender.unclear(claimed)

    async def _recover(self, lane: Lane, head: DeliveryItem, claims: list[DeliveryItem]) -> bool:
        outcome = self._sender.abandoned(head)
        if outcome is None:
            return await self._attend(lane, head, claims)
        return await self._settle(lane, head, outcome, _as_read(head))

    async def _release(self, head: DeliveryItem) -> bool:
        """The lane goes on; who settles the item later is a status, a late answer or a person."""
        changes = {"released_at": self._clock.now_ms()}
        try:
            await self._patience.write(_update(head, changes, _as_read(head), remove=("owed",)))
        except ConditionFailedError:
            return True
        return True

    async def _settle(
        self, lane: Lane, item: DeliveryItem, outcome: Outcome, condition: Mapping[str, Any]
    ) -> bool:
        """Write the outcome; False ends the run. A lost condition means somebody else knows more."""
        for _ in range(MAX_BESIDE):
            beside = await self._sender.beside(item, outcome)
            try:
                await self._write(self._ops(lane, item, outcome, condition) + list(beside.ops))
            except ConditionFailedError as error:
                if 0 in error.failed:
                    return True
                continue
            await self._sender.settled(item, outcome, beside)
            return isinstance(outcome, Finished)
        raise ContendedError("what goes with an outcome changed at each try")

    def _ops(
        self, lane: Lane, item: DeliveryItem, outcome: Outcome, condition: Mapping[str, Any]
    ) -> list[Op]:
        match outcome:
            case Finished(state, facts):
                end = "released_at" if state == "unsettled" else "settled_at"
                changes = {**facts, "state": state, end: self._clock.now_ms()}
                return [_update(item, changes, condition, remove=("owed",))]
            case Later(at_ms, reason, facts):
                at = max(at_ms, self._clock.now_ms() + 1)
                changes = {**facts, "state": "queued", "at": at, "reason": reason}
                return [_update(item, changes, condition), self._due(lane, at)]
            case Unsettled(reason, facts):
                return [_update(item, {**facts, "state": "unsettled", "reason": reason}, condition)]

    async def _write(self, ops: list[Op]) -> None:
        only = ops[0]
        if len(ops) == 1 and isinstance(only, Update):
            await self._patience.write(only)
        else:
            await self._patience.transact(ops)

    def _due(self, lane: Lane, at_ms: int) -> Update:
        return lane_due(self._sender.service, lane, at_ms)

    def _after(self, seconds: float) -> int:
        return self._clock.now_ms() + int(seconds * 1000)


def _as_read(item: DeliveryItem) -> dict[str, Any]:
    return {name: item[name] for name in ("state", "try", "at")}


def _as_claimed(item: DeliveryItem, outcome: Outcome) -> dict[str, Any]:
    """Our own claim still stands; a final answer also settles what somebody took for abandoned."""
    states = IN_DOUBT if isinstance(outcome, Finished) else ("sending",)
    return {"try": item["try"], "state": states}


def _update(
    item: DeliveryItem,
    changes: Mapping[str, Any],
    expected: Mapping[str, Any],
    *,
    tried: int = 0,
    remove: tuple[str, ...] = (),
) -> Update:
    condition: ConditionBase = Attr("pk").exists()
    for name, value in expected.items():
        condition &= Attr(name).is_in(list(value)) if isinstance(value, tuple) else Attr(name).eq(value)
    add = {"rev": 1, "try": tried} if tried else {"rev": 1}
    return Update("deliveries", item["pk"], item["sk"], changes, add, remove, condition=condition)
