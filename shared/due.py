"""The one timer and the one outbox: work with a time, kept in table `due` beside the change that owes it.

An item is put in the same transaction as its cause. Any task of the service may run it, more than once; its
effect is conditional, and the item goes only after its run ended. Writing the same item again while it runs
raises its count `n`, and the removal is conditional on the count as read, so that the new cause runs too.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from shared.bus.attributes import body
from shared.bus.port import Bus, BusUnavailableError
from shared.clock import Clock
from shared.errors import RetryAfter, StopAndPage
from shared.events.model import EVENT, Event
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Store,
    StoreUnavailableError,
    Update,
)

TABLE = "due"
OUTBOX_PERIOD_S = 1.0  # where nothing else is kept: what a crash left over may go out a second later
OUTBOX_MS = 2_000  # CONTRACTS s.2: what is not published by then is published again
OUTBOX_KIND = "event"
PAGE = 100
BACKOFF_FIRST_S = 1.0
BACKOFF_MOST_S = 60.0

Handler = Callable[[Item], Awaitable[None]]
Report = Callable[[str, BaseException], None]


def due_item(service: str, due_ms: int, kind: str, id: str, /, **data: Any) -> Update:  # noqa: A002 - its name in the key
    """The op that makes `service` run `kind` of `id` at `due_ms` (ms since the epoch), with data for it."""
    sk = f"{due_ms:013d}#{kind}#{id}"
    return Update(TABLE, service, sk, set={"kind": kind, "id": id, "due_ms": due_ms, **data}, add={"n": 1})


def outbox(service: str, now_ms: int, events: Sequence[Event]) -> list[Update]:
    """One op an event: it is published 2 s from now unless `clear_outbox` was faster."""
    due_ms = now_ms + OUTBOX_MS
    return [due_item(service, due_ms, OUTBOX_KIND, event.id, event=body(event)) for event in events]


def outbox_handler(bus: Bus) -> Handler:
    """The handler of kind `event`: publishes the kept event again, same id."""

    async def publish(item: Item) -> None:
        await bus.publish([EVENT.validate_json(item["event"])])

    return publish


async def publish_outbox(bus: Bus, store: Store, events: Sequence[Event], owed: Sequence[Update]) -> None:
    """Publish right after the transaction, then drop its outbox ops; what fails here, the timer does later.

    Only for events whose outbox ops stand in `due`: nothing else would bring a lost one again.
    """
    try:
        await bus.publish(events)
    except BusUnavailableError:
        return
    await clear_outbox(store, owed)


async def clear_outbox(store: Store, owed: Sequence[Update]) -> None:
    """Drop the outbox ops of published events; one that stays is published once more, same id."""
    gone = [Delete(op.table, op.pk, op.sk) for op in owed]
    try:
        if len(gone) == 1:
            await store.write(gone[0])
        elif gone:  # one call; its token is made of what it deletes, for to delete again is the same
            await store.transact(
                gone, hashlib.sha256("".join(op.sk for op in gone).encode()).hexdigest()[:32]
            )
    except (ContendedError, StoreUnavailableError):
        return


class DueTimer:
    """Runs the due items of one service.

    Args:
        handlers: one for each kind; an item of another kind is reported and stays.
        report: told (kind, error) of each run that failed, and ("tick", error) of a failed query.
        period_s: seconds between two looks (shared/settings.py); where nothing but an outbox is kept, OUTBOX_PERIOD_S.
        limit: most items in progress at once.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        service: str,
        handlers: Mapping[str, Handler],
        report: Report,
        period_s: float,
        limit: int = 10,
    ) -> None:
        self._store = store
        self._clock = clock
        self._service = service
        self._handlers = handlers
        self._report = report
        self._limit = limit
        self._period_s = period_s if {*handlers} - {OUTBOX_KIND} else max(period_s, OUTBOX_PERIOD_S)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._rest: dict[
            str, tuple[float, float]
        ] = {}  # sk -> (not before, loop time; seconds of the next rest)
        self._fatal: StopAndPage | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop`, then let the items in progress end. Raises a handler's StopAndPage."""
        try:
            while not stop.is_set() and self._fatal is None:
                await self._safe_tick()
                await _pause(stop, self._period_s)
            await self._drain()
        finally:
            await self._abandon()
        if self._fatal is not None:
            raise self._fatal

    async def tick(self) -> None:
        """Start what is due, as far as the limit allows; does not wait for it."""
        until = Key("sk").lt(f"{self._clock.now_ms() + 1:013d}")
        start: Item | None = None
        seen: set[str] = set()
        while len(self._running) < self._limit:
            page = await self._store.query(TABLE, self._service, until, limit=PAGE, start=start)
            for item in page.items:
                seen.add(item["sk"])
                self._start(item)
            start = page.next
            if start is None:
                self._forget(seen)
                return

    async def _safe_tick(self) -> None:
        try:
            await self.tick()
        except (ContendedError, StoreUnavailableError) as error:
            self._report("tick", error)

    def _start(self, item: Item) -> None:
        sk = item["sk"]
        now = asyncio.get_running_loop().time()
        resting = sk in self._rest and now < self._rest[sk][0]
        if sk in self._running or resting or len(self._running) >= self._limit:
            return
        task = asyncio.create_task(self._run_one(item))
        self._running[sk] = task
        task.add_done_callback(lambda _done: self._running.pop(sk, None))

    async def _run_one(self, item: Item) -> None:
        try:
            await self._handlers[item["kind"]](item)
            await self._remove(item)
            self._rest.pop(item["sk"], None)
        except StopAndPage as error:
            self._fatal = error
        except Exception as error:  # noqa: BLE001 - whatever failed, the item stays and comes again
            self._rest_after(item["sk"], error)
            self._report(item["kind"], error)

    async def _remove(self, item: Item) -> None:
        as_read = Attr("n").eq(item["n"])
        try:
            await self._store.write(Delete(TABLE, item["pk"], item["sk"], condition=as_read))
        except ConditionFailedError:
            return  # another task removed it, or it was put again meanwhile and runs again

    def _rest_after(self, sk: str, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        seconds = self._rest.get(sk, (0.0, BACKOFF_FIRST_S))[1]
        wait = error.seconds if isinstance(error, RetryAfter) else seconds
        self._rest[sk] = (now + wait, min(seconds * 2, BACKOFF_MOST_S))

    def _forget(self, seen: set[str]) -> None:
        """Drop the rests of items that are gone; only a full pass knows."""
        for sk in [sk for sk in self._rest if sk not in seen and sk not in self._running]:
            del self._rest[sk]

    async def _abandon(self) -> None:
        """Only when this task itself is cancelled is anything left; its items stay and run elsewhere."""
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _drain(self) -> None:
        while self._running:
            await asyncio.wait(list(self._running.values()))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
