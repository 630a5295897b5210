"""What is still to leave the world, and how due items become envelopes.

Items wait in the order of their time. A batch takes the next ones with it; a duplicate leaves a copy behind.
"""

import heapq
from dataclasses import replace

from twin.core import events
from twin.core.model import MS, Firing, Item, Row
from twin.core.state import State

MAX_BATCH = 10
_UNREADABLE = {"id": "x" * 10_000, "type": "text", "timestamp": "1", "from": "1", "text": {"body": "x"}}


class Outbox:
    """The waiting items of one world."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._heap: list[tuple[int, str, Item]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, item: Item) -> None:
        """Let an item wait until its time."""
        heapq.heappush(self._heap, (item.at, item.id, item))

    def next_at(self) -> int | None:
        """When the next item is due, in ns."""
        return self._heap[0][0] if self._heap else None

    def fire(self, now: int) -> list[Firing]:
        """Everything due, in order, as it goes on the wire."""
        fired = []
        while self._heap and self._heap[0][0] <= now:
            fired.append(self._leave(heapq.heappop(self._heap)[2], now))
        return fired

    def _leave(self, item: Item, now: int) -> Firing:
        if item.channel != "entry":
            body = item.value
            return Firing(
                item.channel, body, _dated(item.rows, now, "") + _dated((item.row,), now, body), (item.id,)
            )
        if item.envelope:
            return Firing(
                "entry", item.envelope, _dated((item.row, *item.rows), now, item.envelope), (item.id,)
            )
        items = self._batch(item, now)
        return self._envelope(items, now)

    def _batch(self, first: Item, now: int) -> list[Item]:
        limit = self._state.faults.draw("batch")
        if limit is None:
            return [first]
        horizon = now + self._state.faults.limit_ms("batch") * MS
        mates = [e for e in heapq.nsmallest(4 * MAX_BATCH, self._heap) if e[0] <= horizon and _joins(e[2])]
        mates = mates[: MAX_BATCH - 1]
        chosen = {entry[1] for entry in mates}
        if chosen:
            self._heap = [entry for entry in self._heap if entry[1] not in chosen]
            heapq.heapify(self._heap)
        return [first, *(entry[2] for entry in mates)]

    def _envelope(self, items: list[Item], now: int) -> Firing:
        state, mint = self._state, self._state.mint
        parsed = [(item.field, events.load(item.value)) for item in items]
        fields = sorted({field for field, _ in parsed})
        joined = [(f, events.merge([v for field, v in parsed if field == f])) for f in fields]
        changes = parsed if len(items) > 1 and mint.chance(0.5) else joined  # Meta does either
        spoilt = state.faults.draw("spoilt") is not None
        if spoilt:
            changes = [*changes, ("messages", events.value(state.account, messages=[_UNREADABLE]))]
        named = items[0].row.direction == "out" or mint.chance(0.5)
        body = events.envelope(
            state.account,
            events.entry(state.account, changes),
            max(item.stamp for item in items),
            message_id=mint.uuid() if named else "",
            context=state.faults.draw("no_context") is None,
        )
        before = tuple(row for item in items for row in _dated(item.rows, now, ""))
        out = tuple(replace(item.row, fault="spoilt") if spoilt else item.row for item in items)
        fixed = replace(items[0], id=f"{items[0].id}!", envelope=body, row=out[0], rows=out[1:])
        again = tuple(self._again(fixed, items, now))
        rows = before + _dated(out, now, body)
        return Firing("entry", body, rows, (fixed.id,), (fixed, *again), tuple(item.id for item in items))

    def _again(self, fixed: Item, items: list[Item], now: int) -> list[Item]:
        copies: list[Item] = []
        length = self._state.faults.draw("duplicate")
        if length is not None:
            copies.append(self._copy(fixed, now + length * MS, "duplicate"))
        length = self._state.faults.draw("redeliver")
        if length is not None:
            copies += [self._copy(replace(i, rows=()), now + length * MS, "redeliver") for i in items]
        for copy in copies:
            self.push(copy)
        return copies

    def _copy(self, item: Item, at: int, fault: str) -> Item:
        rows = tuple(replace(row, fault=fault) for row in item.rows)
        number = self._state.mint.hex(8)
        return replace(
            item, id=f"{item.id}~{number}", at=at, stamp=at, row=replace(item.row, fault=fault), rows=rows
        )


def _joins(item: Item) -> bool:
    return item.channel == "entry" and not item.envelope


def _dated(rows: tuple[Row, ...], now: int, body: str) -> tuple[Row, ...]:
    return tuple(replace(row, at=now // MS, body=body or row.body) for row in rows)
