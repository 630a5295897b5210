"""The Store in memory: DynamoDB's rules in one process, for the simulator and for unit tests.

It passes the contract suite of the adapter. Every call gives way to the loop once, so that two callers
interleave where two processes would; between that point and the answer nothing else runs.
"""

import asyncio
import zlib
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from boto3.dynamodb.conditions import ConditionBase

from shared.store.checks import check_op, check_size, check_transaction, copied, key_of, snapshot
from shared.store.conditions import holds
from shared.store.port import (
    Check,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Op,
    Page,
    Put,
    Update,
)
from shared.store.updates import updated
from shared.topology import TABLES, IndexSpec, TableSpec

TOKEN_S = 600  # DynamoDB API reference, TransactWriteItems: a token is valid for 10 minutes
PAGE_ITEMS = 1000  # a stand-in for the 1 MB a page may carry

_Key = tuple[str, str]  # pk, sk
_Row = tuple[str, str, str]  # sort key of the view, pk, sk


@dataclass(slots=True)
class _View:
    """The items as one index shows them: partition -> ordered (sort key, pk, sk)."""

    spec: IndexSpec
    items: dict[_Key, Item] = field(default_factory=dict)
    order: dict[str, list[_Row]] = field(default_factory=dict)

    def put(self, item: Item | None, key: _Key) -> None:
        self._drop(key)
        if item is not None and self.spec.pk in item and self.spec.sk in item:
            self.items[key] = item
            insort(self.order.setdefault(item[self.spec.pk], []), (item[self.spec.sk], *key))

    def _drop(self, key: _Key) -> None:
        item = self.items.pop(key, None)
        if item is not None:
            rows = self.order[item[self.spec.pk]]
            del rows[bisect_left(rows, (item[self.spec.sk], *key))]
            if not rows:
                del self.order[item[self.spec.pk]]

    def rows(self, pk: str) -> Sequence[_Row]:
        return self.order.get(pk, ())


@dataclass(slots=True)
class _Table:
    spec: TableSpec
    main: _View
    views: dict[str, _View]
    late: deque[tuple[float, Item | None, _Key]] = field(default_factory=deque)

    def catch_up(self, now: float) -> None:
        """Show global indexes what is due by now, in the order of writing."""
        while self.late and self.late[0][0] <= now:
            _, item, key = self.late.popleft()
            for view in self.views.values():
                if view.spec.kind == "global":
                    view.put(item, key)


def _table(spec: TableSpec) -> _Table:
    views = {index.name: _View(index) for index in spec.indexes}
    return _Table(spec, _View(IndexSpec("", "local", "pk", "sk")), views)


class MemoryStore:
    """DynamoDB's behaviour over dicts.

    Args:
        tables: the declarations; others raise KeyError.
        contend: asked before each write; True makes it raise ContendedError with nothing written.
        lag_s: asked at each write; seconds until global indexes show it.
        page_items: most items of a query page where no limit is given.
    """

    def __init__(
        self,
        tables: Sequence[TableSpec] = TABLES,
        *,
        contend: Callable[[Sequence[Op]], bool] = lambda _ops: False,
        lag_s: Callable[[], float] = lambda: 0.0,
        page_items: int = PAGE_ITEMS,
    ) -> None:
        self._tables = {spec.name: _table(spec) for spec in tables}
        self._contend = contend
        self._lag_s = lag_s
        self._page_items = page_items
        self._tokens: dict[str, tuple[float, list[Op]]] = {}

    async def get(self, table: str, pk: str, sk: str = "-") -> Item | None:
        """One item, read consistently."""
        await asyncio.sleep(0)
        return self._shown(key_of(Delete(table, pk, sk)))

    async def get_many(self, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Item]:
        """Items by (table, pk, sk), read consistently; absent ones are missing from the answer."""
        await asyncio.sleep(0)
        found = {key: self._shown(key_of(Delete(*key))) for key in keys}
        return {key: item for key, item in found.items() if item is not None}

    async def query(
        self,
        table: str,
        pk: str,
        sk: ConditionBase | None = None,
        *,
        index: str | None = None,
        forward: bool = True,
        limit: int | None = None,
        start: Item | None = None,
    ) -> Page:
        """One page of a partition in key order; global indexes may lag."""
        await asyncio.sleep(0)
        held = self._tables[table]
        held.catch_up(_now())
        view = held.views[index] if index else held.main
        size = limit or self._page_items
        rows = islice(_chosen(view, pk, sk, start, forward=forward), size)
        items = [snapshot(view.items[row[1:]]) for row in rows]
        return Page(items, _resume(items[-1], view) if len(items) == size else None)

    async def write(self, op: Put | Update | Delete, *, old: bool = False) -> Item | None:
        """One lone write; answers the item after it, or before it with `old`."""
        check_op(op)
        frozen = _frozen(op)
        await asyncio.sleep(0)
        self._refuse_contended([frozen])
        before = self._held(key_of(frozen))
        self._require([frozen])
        after = self._after(frozen)
        self._store(key_of(frozen), after)
        shown: Item | None = snapshot(before if old else after)
        return shown

    async def transact(self, ops: Sequence[Op], token: str) -> None:
        """All or nothing; the same token within 10 minutes takes effect once."""
        check_transaction(ops, token)
        frozen = [_frozen(op) for op in ops]
        await asyncio.sleep(0)
        self._refuse_contended(frozen)
        if self._seen(frozen, token):
            return
        self._require(frozen)
        changes = [(key_of(op), self._after(op)) for op in frozen if not isinstance(op, Check)]
        for key, item in changes:
            self._store(key, item)
        self._tokens[token] = (_now() + TOKEN_S, frozen)

    async def scan(self, table: str, *, segment: int = 0, segments: int = 1) -> AsyncIterator[Item]:
        """All items of a table; a segment holds whole partitions."""
        await asyncio.sleep(0)
        main = self._tables[table].main
        for key in list(main.items):
            if zlib.crc32(key[0].encode()) % segments == segment and key in main.items:
                yield snapshot(main.items[key])

    def sweep(self, now_s: int) -> int:
        """Remove what TTL allows to go, as DynamoDB does some day after it; answers how many."""
        gone = 0
        for held in self._tables.values():
            for key, item in list(held.main.items.items()):
                expires = item.get(held.spec.ttl) if held.spec.ttl else None
                if isinstance(expires, int) and expires <= now_s:
                    self._store((held.spec.name, *key), None)
                    gone += 1
        return gone

    def _held(self, key: tuple[str, str, str]) -> Item | None:
        """The item itself: what is held is replaced, never changed, so that only callers need copies."""
        return self._tables[key[0]].main.items.get(key[1:])

    def _shown(self, key: tuple[str, str, str]) -> Item | None:
        shown: Item | None = snapshot(self._held(key))
        return shown

    def _refuse_contended(self, ops: Sequence[Op]) -> None:
        if self._contend(ops):
            raise ContendedError("transaction conflict")

    def _seen(self, ops: Sequence[Op], token: str) -> bool:
        while self._tokens and next(iter(self._tokens.values()))[0] <= _now():
            del self._tokens[next(iter(self._tokens))]
        if token not in self._tokens:
            return False
        if self._tokens[token][1] != ops:
            raise ValueError("token: used for another transaction; make one for each logical write")
        return True

    def _require(self, ops: Sequence[Op]) -> None:
        found = [self._held(key_of(op)) for op in ops]
        failed = [n for n, op in enumerate(ops) if not _permitted(op, found[n])]
        if failed:
            old = {n: snapshot(item) for n in failed if (item := found[n]) is not None}
            raise ConditionFailedError(failed, old)

    def _after(self, op: Op) -> Item | None:
        key = key_of(op)
        after = _applied(op, self._held(key))
        if after is not None:
            check_size(after)
            _check_index_keys(self._tables[key[0]].spec, after)
        return after

    def _store(self, key: tuple[str, str, str], item: Item | None) -> None:
        held = self._tables[key[0]]
        held.main.put(item, key[1:])
        for view in held.views.values():
            if view.spec.kind == "local":
                view.put(item, key[1:])
        if any(index.kind == "global" for index in held.spec.indexes):
            held.late.append((_now() + self._lag_s(), item, key[1:]))
            held.catch_up(_now())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _frozen(op: Op) -> Op:
    """The op with its values checked and copied, so that a caller's later change is not a write."""
    if isinstance(op, Put):
        return replace(op, item=copied(op.item))
    if isinstance(op, Update):
        return replace(op, set=copied(dict(op.set)), add=dict(op.add), set_once=copied(dict(op.set_once)))
    return op


def _permitted(op: Op, found: Item | None) -> bool:
    if isinstance(op, Put) and op.absent:
        return found is None
    return holds(op.condition, found or {})


def _applied(op: Op, found: Item | None) -> Item | None:
    if isinstance(op, Put):
        return dict(op.item)
    return updated(op, found or {"pk": op.pk, "sk": op.sk}) if isinstance(op, Update) else None


def _check_index_keys(spec: TableSpec, item: Item) -> None:
    for index in spec.indexes:
        for name in (index.pk, index.sk):
            if name in item and not (isinstance(item[name], str) and item[name]):
                raise ValueError(f"{name}: key of index {index.name}, a non-empty string or absent")


def _chosen(
    view: _View, pk: str, sk: ConditionBase | None, start: Item | None, *, forward: bool
) -> Iterator[_Row]:
    """Rows of a partition behind `start` that meet a key condition; those are always neighbours."""
    rows = view.rows(pk)
    low, high = _bounds(rows, sk)
    if start is not None:
        at = (start[view.spec.sk], start["pk"], start["sk"])
        low, high = (
            (max(low, bisect_right(rows, at)), high) if forward else (low, min(high, bisect_left(rows, at)))
        )
    places = range(low, high) if forward else range(high - 1, low - 1, -1)
    return (rows[place] for place in places)


def _bounds(rows: Sequence[_Row], sk: ConditionBase | None) -> tuple[int, int]:
    """Where in an ordered partition a key condition begins and ends to hold."""
    if sk is None:
        return 0, len(rows)
    expression = sk.get_expression()
    _, *values = expression["values"]
    first, behind = _RANGES[expression["operator"]](*values)
    low = bisect_left(rows, first, key=_sort_key)
    return low, max(low, bisect_left(rows, behind, key=_sort_key))


def _sort_key(row: _Row) -> str:
    return row[0]


_NEXT = "\0"  # a string followed by it is the very next one
_LAST = "\U0010ffff" * 2  # behind every key
# DynamoDB API reference, Query, KeyConditionExpression: first key that meets it, first key behind those.
_RANGES: Mapping[str, Callable[..., tuple[str, str]]] = {
    "=": lambda value: (value, value + _NEXT),
    "<": lambda value: ("", value),
    "<=": lambda value: ("", value + _NEXT),
    ">": lambda value: (value + _NEXT, _LAST),
    ">=": lambda value: (value, _LAST),
    "BETWEEN": lambda low, high: (low, high + _NEXT),
    "begins_with": lambda prefix: (prefix, prefix + _LAST),
}


def _resume(item: Item, view: _View) -> Item:
    names = ("pk", "sk", view.spec.pk, view.spec.sk)
    return {name: item[name] for name in names}
