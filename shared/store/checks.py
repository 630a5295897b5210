"""What DynamoDB refuses, decided before a call: both the adapter and the fake ask here.

Limits: AWS, "Quotas and limits in Amazon DynamoDB" (items 400 KB, keys 2048 and 1024 bytes, 38 digits, 100 actions a
transaction, tokens of 1 to 36 characters).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.store.conditions import kind
from shared.store.port import MAX_TRANSACT, Op, Put, Update

MAX_PK = 2048
MAX_SK = 1024
MAX_DIGITS = 38
MAX_TOKEN = 36
MAX_ITEM = 400 * 1024  # bytes


def key_of(op: Op) -> tuple[str, str, str]:
    """(table, pk, sk) of an op. Raises ValueError for a key DynamoDB cannot hold."""
    pk, sk = (op.item.get("pk"), op.item.get("sk")) if isinstance(op, Put) else (op.pk, op.sk)
    return op.table, _key_part("pk", pk, MAX_PK), _key_part("sk", sk, MAX_SK)


def _key_part(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str) or not value or len(value.encode()) > limit:
        raise ValueError(f"{name}: must be a string of 1 to {limit} bytes")
    return value


def copied(value: Any) -> Any:
    """A deep copy of a plain value. Raises TypeError or ValueError for what a table cannot hold."""
    letter = kind(value)
    if letter == "L":
        return [copied(each) for each in value]
    if letter == "M":
        return {_attribute(name): copied(each) for name, each in value.items()}
    if letter == "N" and len(str(abs(value)).rstrip("0")) > MAX_DIGITS:
        raise ValueError(f"a number may have {MAX_DIGITS} digits: store it as text")
    return value


def snapshot(value: Any) -> Any:
    """A deep copy of what `copied` let through before, without asking again."""
    if type(value) is dict:
        return {name: snapshot(each) if type(each) in _NESTED else each for name, each in value.items()}
    return [snapshot(each) for each in value] if type(value) is list else value


_NESTED = frozenset({dict, list})


def _attribute(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError("attribute names are non-empty strings")
    return name


def check_size(item: Mapping[str, Any]) -> None:
    """Raises ValueError for an item of more than 400 KB; sized as AWS's page on "item sizes and formats" says."""
    if _size(item) - 3 > MAX_ITEM:
        raise ValueError(f"an item may have {MAX_ITEM} bytes: keep the content in S3 and point to it")


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return 3 + sum(1 + _size(each) for each in value)
    if isinstance(value, dict):
        return 3 + sum(_size(name) + _size(each) for name, each in value.items())
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return len(str(abs(value))) // 2 + 2 if is_number else 1


def check_update(op: Update) -> None:
    """Raises ValueError where an update names an attribute twice, a key, a path or nothing at all."""
    names = [*op.set, *op.add, *op.remove, *op.set_once]
    if not names:
        raise ValueError("update: name at least one attribute to set, add or remove")
    if len(names) != len(set(names)):
        raise ValueError("update: an attribute may stand in one of set, add, remove, set_once only")
    for name in names:
        if name in {"pk", "sk"} or "." in _attribute(name) or "[" in name:
            raise ValueError(f"update {name}: only whole attributes outside the key can be changed")


def check_transaction(ops: Sequence[Op], token: str) -> None:
    """Raises ValueError for a transaction that DynamoDB would refuse whatever the tables hold."""
    if not 1 <= len(ops) <= MAX_TRANSACT:
        raise ValueError(f"ops: a transaction has 1 to {MAX_TRANSACT}, not {len(ops)}")
    if not 1 <= len(token) <= MAX_TOKEN:
        raise ValueError(f"token: 1 to {MAX_TOKEN} characters")
    keys = [key_of(op) for op in ops]
    if len(keys) != len(set(keys)):
        raise ValueError("ops: a transaction may touch an item once; join the two changes")
    for op in ops:
        check_op(op)


def check_op(op: Op) -> None:
    """Raises ValueError for an op that DynamoDB would refuse whatever its item holds."""
    key_of(op)
    if isinstance(op, Update):
        check_update(op)
    if isinstance(op, Put) and op.absent and op.condition is not None:
        raise ValueError("put: `absent` is its whole condition; leave the other out")
