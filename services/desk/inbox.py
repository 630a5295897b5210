"""The inbox: conversations newest first, over the index sharded by number and day."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.clock import Clock
from shared.store.port import Item, Key, Store

DAY_MS = 24 * 3600 * 1000
STRIDE = 31  # empty days one request may pass; the cursor goes on behind them


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: the day (days since the epoch) and the order_key the page before ended with."""

    day: int
    before: str


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Conversations and where to go on; None at the end."""

    items: Sequence[Item]
    next: Place | None


class Inbox:
    """Reads the inbox.

    Args:
        numbers: pnids of our numbers.
        days: how far back conversations may have been quiet, in days.
    """

    def __init__(self, store: Store, clock: Clock, numbers: Sequence[str], days: int) -> None:
        self._store = store
        self._clock = clock
        self._numbers = sorted(numbers)
        self._days = days

    async def page(self, limit: int, place: Place | None = None) -> InboxPage:
        """Up to `limit` conversations from a place on; fewer, even none, where many days are empty."""
        # A message may be dated up to 5 minutes ahead of our clock (shared/ids), so tomorrow counts too.
        today = self._clock.now_ms() // DAY_MS
        at = place or Place(today + 1, "~")
        last = today - self._days
        found: list[Item] = []
        for _ in range(STRIDE):
            if at.day < last:
                return InboxPage(found, None)
            day = await self._day(at, limit + 1 - len(found))
            found += day
            if len(found) > limit:
                found = found[:limit]
                return InboxPage(
                    found, Place(int(found[-1]["inbox"].rpartition("#")[2]), found[-1]["last_order_key"])
                )
            at = Place(at.day - 1, "~")
        return InboxPage(found, at)

    async def _day(self, at: Place, limit: int) -> list[Item]:
        """The newest of a day over all numbers, in order."""
        rows: list[Item] = []
        for number in self._numbers:
            shard = f"{number}#{at.day:06d}"
            before = Key("last_order_key").lt(at.before)
            page = await self._store.query(
                "conversations", shard, before, index="inbox", forward=False, limit=limit
            )
            rows += page.items
        return sorted(rows, key=lambda item: str(item["last_order_key"]), reverse=True)[:limit]
