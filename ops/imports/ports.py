"""What a run writes to, and the patience it has with it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shared.bus.port import Bus, BusUnavailableError
from shared.clock import Clock
from shared.due import clear_outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.objects.port import Objects, ObjectsUnavailableError
from shared.record.build import Record
from shared.record.imported import Imports
from shared.store.port import ContendedError, Store, StoreUnavailableError, Update
from shared.vault.pepper import Pepper
from shared.vault.port import KeysUnavailableError

TRIES = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0
TROUBLE = (
    ContendedError,
    StoreUnavailableError,
    ObjectsUnavailableError,
    KeysUnavailableError,
    BusUnavailableError,
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ports:
    """The record, both buckets and the bus."""

    store: Store
    media: Objects
    exports: Objects
    bus: Bus
    record: Record
    imports: Imports
    pepper: Pepper
    clock: Clock
    ids: Ids

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call of a store that may stay away for a while. Raises one of TROUBLE at last."""
        for attempt in range(1, TRIES):
            try:
                return await call()
            except TROUBLE:
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
                await asyncio.sleep(self.ids.uniform(0, pause))
        return await call()

    async def tell(self, told: Sequence[Event], owed: Sequence[Update]) -> None:
        """Publish events, each once, and drop their outbox ops."""
        if told:
            unique = list({event.id + event.type: event for event in told}.values())
            await self.patiently(lambda: self.bus.publish(unique))
            await clear_outbox(self.store, owed)
