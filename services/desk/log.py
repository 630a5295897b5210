"""desk_log: every event once, numbered without a gap, whatever tasks append and wherever they die.

One transaction moves the counter from n to n+k and puts the k entries and a marker for each event id. Who
loses the race for n reads again; who finds a marker knows that its event is in.

    pk "log"     sk <16 digits>   event (JSON), at, ttl
    pk "counter" sk "-"           n
    pk "event#<event id>" sk "-"  seq, ttl
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus.attributes import body
from shared.clock import Clock
from shared.events.model import EVENT, Event
from shared.ids import Ids
from shared.record.commit import ATTEMPTS, commit, pause
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Key, Op, Put, Store, Update

TABLE = "desk_log"
LOG = "log"
MOST = 10  # CONTRACTS s.5: events a transaction
TTL_S = 24 * 3600  # CONTRACTS s.5
_COUNTER = (TABLE, "counter", "-")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its number."""

    seq: int
    event: Event


class DeskLog:
    """Appends to the log and reads it."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def append(self, events: Sequence[Event]) -> None:
        """Append up to 10 events, those that are in already left out.

        Raises ContendedError, StoreUnavailableError: some may be in; the same events may be appended again.
        """
        fresh = {event.id: event for event in events[:MOST]}
        for attempt in range(ATTEMPTS * 4):
            head, missing = await self._state(fresh)
            if not missing:
                return
            try:
                await commit(self._store, self._ids, self._ops(head, missing))
            except ConditionFailedError:
                await asyncio.sleep(pause(self._ids, attempt))
            else:
                return
        raise ContendedError("desk_log: others kept moving the counter")

    async def head(self) -> int:
        """The highest number given; 0 at the beginning."""
        counter = await self._store.get(*_COUNTER)
        return int(counter["n"]) if counter else 0

    async def read(self, after: int, limit: int = 100) -> list[Entry]:
        """Entries behind a number, in order, without a gap; fewer than there are while one is being written.

        The counter says how many there are, so each is asked for by its key: who has read to the end pays one
        small read a look, however long the log. Keys read beside a running transaction may be there or not
        (DynamoDB developer guide, "Isolation levels for transactions"), so reading stops at the first missing.
        """
        last = min(await self.head(), after + limit)
        keys = [(TABLE, LOG, _sk(seq)) for seq in range(after + 1, last + 1)]
        found = await self._store.get_many(keys) if keys else {}
        entries: list[Entry] = []
        for seq, key in enumerate(keys, after + 1):
            if key not in found:
                break
            entries.append(Entry(seq, EVENT.validate_json(found[key]["event"])))
        return entries

    async def reaches(self, after: int) -> bool:
        """Whether everything behind a number is still in the log."""
        head = await self.head()
        if after >= head:
            return after == head
        page = await self._store.query(TABLE, LOG, Key("sk").gt(_sk(after)), limit=1)
        return bool(page.items) and int(page.items[0]["sk"]) == after + 1

    async def _state(self, events: dict[str, Event]) -> tuple[int, list[Event]]:
        keys = [(TABLE, _marker(event_id), "-") for event_id in events]
        found = await self._store.get_many([_COUNTER, *keys])
        counter = found.get(_COUNTER)
        missing = [event for key, event in zip(keys, events.values(), strict=True) if key not in found]
        return (int(counter["n"]) if counter else 0), missing

    def _ops(self, head: int, events: Sequence[Event]) -> list[Op]:
        now_ms = self._clock.now_ms()
        ttl = now_ms // 1000 + TTL_S
        as_read = Attr("n").eq(head) if head else Attr("n").not_exists()
        ops: list[Op] = [Update(*_COUNTER, set={"n": head + len(events)}, condition=as_read)]
        for seq, event in enumerate(events, head + 1):
            entry: Item = {"pk": LOG, "sk": _sk(seq), "event": body(event), "at": now_ms, "ttl": ttl}
            marker: Item = {"pk": _marker(event.id), "sk": "-", "seq": seq, "ttl": ttl}
            ops += [Put(TABLE, entry, absent=True), Put(TABLE, marker, absent=True)]
        return ops


def _sk(seq: int) -> str:
    return f"{seq:016d}"


def _marker(event_id: str) -> str:
    return f"event#{event_id}"
