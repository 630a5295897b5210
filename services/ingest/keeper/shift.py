"""What the holder of the keeper's lease does, side by side; what cannot be done now is done at the next turn."""

import asyncio
from collections.abc import Awaitable, Callable

from services.ingest.keeper.erasing import Erasing, MovedError
from services.ingest.keeper.ports import EdgesUnavailableError, SearchUnavailableError
from services.ingest.keeper.reconciler import Reconciler
from services.ingest.keeper.retention import Expiry, Tally
from shared.bus.port import BusUnavailableError
from shared.clock import Clock
from shared.lease import pause
from shared.objects.port import ObjectMissingError, ObjectsUnavailableError
from shared.queue.port import QueueUnavailableError
from shared.store.port import ContendedError, Put, Store, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

ROUND_S = 10.0
EXPIRY_LOOK_S = 600.0
HOUR_S = 3600.0  # how often the ledger is compared with the tables: at the start, and once an hour
DAY_MS = 24 * 3600 * 1000
PASSING = (
    MovedError,
    SearchUnavailableError,
    BusUnavailableError,
    EdgesUnavailableError,
    ObjectMissingError,  # listed, and gone by the time it was read: an erasure and retention meet
    ObjectsUnavailableError,
    QueueUnavailableError,
    ContendedError,
    StoreUnavailableError,
    KeysUnavailableError,
)
Report = Callable[[str, BaseException], None]


class Shift:
    """The keeper's work.

    Args:
        report: told (what, error) of each turn that failed for now.
        told: told of each run of retention.
    """

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        erasing: Erasing,
        expiry: Expiry,
        clock: Clock,
        report: Report,
        told: Callable[[Tally], None],
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._erasing = erasing
        self._expiry = expiry
        self._clock = clock
        self._report = report
        self._told = told

    async def work(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises what is no passing trouble."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(stop, "reconcile", ROUND_S, self._reconciler.round))
            group.create_task(self._every(stop, "restore", HOUR_S, self._erasing.restored))
            group.create_task(self._every(stop, "erasure", ROUND_S, self._erasing.work))
            group.create_task(self._every(stop, "retention", EXPIRY_LOOK_S, self._expire))

    async def _every(
        self, stop: asyncio.Event, what: str, seconds: float, turn: Callable[[], Awaitable[object]]
    ) -> None:
        while not stop.is_set():
            try:
                await turn()
            except PASSING as error:
                self._report(what, error)
            await pause(stop, seconds)

    async def _expire(self) -> None:
        """Once a day."""
        today = self._clock.now_ms() // DAY_MS
        done = await self._store.get("config", "keeper", "retention")
        if done is not None and done["day"] >= today:
            return
        self._told(await self._expiry.run())
        await self._store.write(Put("config", {"pk": "keeper", "sk": "retention", "day": today}))
