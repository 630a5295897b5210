"""Adding to what stands beside a message that has its renditions: words read later, a transcript."""

from collections.abc import Mapping
from typing import Any

from services.media.ledger import medium
from services.media.readings import Readings
from shared.bus.port import Bus
from shared.clock import Clock
from shared.events.model import Change
from shared.ids import Ids
from shared.record import events
from shared.record.commit import ATTEMPTS, commit
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Store, Update


class Beside:
    """Adds to readings, and tells."""

    def __init__(self, store: Store, readings: Readings, bus: Bus, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._readings = readings
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def message(self, item: Mapping[str, Any]) -> Item | None:
        """The message a due item names; None where nothing of it is left."""
        found = await self._store.get("messages", str(item["conversation_id"]), str(item["order_key"]))
        return None if found is None or gone(found) else found

    async def add(
        self, message: Item, n: int, said: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> Item | None:
        """Add `said` to the reading of a message's n-th medium and `facts` to the medium itself.

        What is empty takes nothing away: a file that was not there for a moment says nothing. A medium that has the
        facts already does not move again. None where the message, or its person, is gone. Raises ContendedError,
        StoreUnavailableError.
        """
        place = {"conversation_id": message["pk"], "order_key": message["sk"]}
        for _ in range(ATTEMPTS * 4):
            current = await self.message(place)
            if current is None or (facts and facts.items() <= medium(current, n).items()):
                return current
            whole = {
                **await self._readings.opened(current, n),
                **{name: each for name, each in said.items() if each},
            }
            reading = await self._readings.op(current, n, whole)
            if reading is None:
                return None
            try:
                await commit(self._store, self._ids, [_moved(current, n, facts), reading])
            except ConditionFailedError:
                continue
            return await self.message(place)
        raise ContendedError("media: others kept moving the same message")

    async def mark(self, message: Item, n: int, facts: Mapping[str, Any]) -> Item | None:
        """Add `facts` to a medium of a message. None where it is gone. Raises as `add`."""
        place = {"conversation_id": message["pk"], "order_key": message["sk"]}
        for _ in range(ATTEMPTS * 4):
            current = await self.message(place)
            if current is None or facts.items() <= medium(current, n).items():
                return current
            try:
                await commit(self._store, self._ids, [_moved(current, n, facts)])
            except ConditionFailedError:
                continue
        raise ContendedError("media: others kept moving the same message")

    async def tell(self, message: Item, what: Change) -> None:
        """Publish `message.changed`."""
        envelope = events.Envelope(self._clock.now_ms(), None, message.get("raw_id"))
        await self._bus.publish([events.changed(message, [what], envelope)])


def gone(message: Item) -> bool:
    """Whether nothing more may be found out about what a message said."""
    return bool(message.get("erased") or message.get("withdrawn"))


def _moved(message: Item, n: int, facts: Mapping[str, Any]) -> Update:
    media = [{**each, **facts} if each["n"] == n else each for each in message["media"]]
    same = Attr("rev").eq(message["rev"])
    return Update(
        "messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1}, condition=same
    )
