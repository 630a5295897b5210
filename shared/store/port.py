"""What the product needs of DynamoDB, as five calls over plain items.

Items are dicts of str | int | bool | None | bytes | list | dict. Every table has the string keys `pk` and
`sk` (`-` where there is one item a partition). Conditions are boto3's own (`Attr("rev").eq(3)`), so that the
adapter and the fake read the same expression tree. Reads are consistent unless they go to a GSI.

A conditional write whose loss would be felt is a `transact` with a token made once per logical write: the
SDK retries by itself and would otherwise take its own lost answer for somebody else's write.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

__all__ = [
    "Attr",
    "Check",
    "ConditionFailedError",
    "ContendedError",
    "Delete",
    "Item",
    "Key",
    "Op",
    "Page",
    "Put",
    "Store",
    "StoreUnavailableError",
    "Update",
]

Item = dict[str, Any]
MAX_TRANSACT = 100  # DynamoDB: items a transaction


@dataclass(frozen=True, slots=True)
class Put:
    """Write the whole item. `absent` = only if no item with this key exists."""

    table: str
    item: Item
    condition: ConditionBase | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Change attributes of one item, creating it where there is none.

    Attributes:
        set: attribute -> value. add: attribute -> int. remove: attributes.
        set_once: attribute -> value, written only where the attribute does not exist yet.
    """

    table: str
    pk: str
    sk: str
    set: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: Sequence[str] = ()
    set_once: Mapping[str, Any] = field(default_factory=dict)
    condition: ConditionBase | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one item; removing nothing is no error."""

    table: str
    pk: str
    sk: str
    condition: ConditionBase | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Assert something of one item inside a transaction."""

    table: str
    pk: str
    sk: str
    condition: ConditionBase


Op = Put | Update | Delete | Check


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one query page; `next` is None at the end."""

    items: list[Item]
    next: Item | None


class ConditionFailedError(Exception):
    """A condition was false. `failed` holds the positions of the failing ops, `old` their items as found."""

    def __init__(self, failed: Sequence[int], old: Mapping[int, Item] | None = None) -> None:
        super().__init__(f"condition failed at {list(failed)}")
        self.failed = tuple(failed)
        self.old: Mapping[int, Item] = old or {}


class ContendedError(Exception):
    """TransactionConflict or throttling: nothing was written, try again with jitter."""


class StoreUnavailableError(Exception):
    """No answer or a server fault: nothing is known of the effect."""


class Store(Protocol):
    """The record's tables, by their topology names (the environment's prefix is the adapter's)."""

    async def get(self, table: str, pk: str, sk: str = "-") -> Item | None:
        """One item, read consistently."""
        ...

    async def get_many(self, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Item]:
        """Items by (table, pk, sk), read consistently; absent ones are missing from the answer."""
        ...

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
        """One page of a partition in key order; `sk` is a boto3 Key condition on the (index's) sort key."""
        ...

    async def write(self, op: Put | Update | Delete, *, old: bool = False) -> Item | None:
        """One lone write, tried once; answers the item after it, or before it with `old`.

        Raises ConditionFailedError, ContendedError, StoreUnavailableError (it may have taken effect).
        """
        ...

    async def transact(self, ops: Sequence[Op], token: str) -> None:
        """All or nothing, at most 100; the same token within 10 minutes takes effect once.

        Raises ConditionFailedError, ContendedError, StoreUnavailableError.
        """
        ...

    def scan(self, table: str, *, segment: int = 0, segments: int = 1) -> AsyncIterator[Item]:
        """All items of a table, page by page; for rebuilds and audits, never for a request."""
        ...
