"""The inbox: conversations newest first, over the index sharded by number and day."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.clock import Clock
from shared.store.port import Item, Key, Store

DAY_MS = 24 * 3600 * 1000
STRIDE = 7  # days asked for at once
STRIDES = 5  # how many empty weeks one request passes; the cursor goes on behind them


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
        """Up to `limit` conversations from a place on; fewer, even none, where days are empty."""
        # A message may be dated up to 5 minutes ahead of our clock (shared/ids), so tomorrow counts too.
        today = self._clock.now_ms() // DAY_MS
        at = place or Place(today + 1, "~")
        last = today - self._days
        found: list[Item] = []
        for _ in range(STRIDES):
            days = [at, *(Place(at.day - n, "~") for n in range(1, STRIDE))]
            asked = [self._day(day, limit + 1 - len(found)) for day in days if day.day >= last]
            found += [item for rows in await asyncio.gather(*asked) for item in rows]
            if len(found) > limit:
                return InboxPage(found[:limit], _place(found[limit - 1]))
            at = Place(at.day - STRIDE, "~")
            if at.day < last:
                return InboxPage(found, None)
            if found:
                break  # something to show: quiet weeks are for whoever asks on
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


def _place(item: Item) -> Place:
    """Behind a conversation: its day stands in its shard's name."""
    return Place(int(item["inbox"].rpartition("#")[2]), item["last_order_key"])
