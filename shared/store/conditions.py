"""Evaluates boto3's condition trees on plain items: what DynamoDB does on its side, for the fake.

Semantics (missing attributes, unlike types) follow the DynamoDB developer guide, "Condition and filter
expressions, operators, and functions"; where it is silent, DynamoDB Local, AWS's own engine, decided
(tests/contract/test_store_agreement.py).
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from boto3.dynamodb.conditions import AttributeBase, ConditionBase, Size

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class _Missing:
    """Stands for an attribute that an item does not have."""


MISSING: Final = _Missing()


def kind(value: Any) -> str:
    """DynamoDB's type letters of a plain value: S, N, B, BOOL, NULL, L or M.

    Raises TypeError for what a table cannot hold; floats above all, for DynamoDB's numbers are decimal.
    """
    letters = _KINDS.get(type(value))
    if letters is None:
        remedy = "store an int of a smaller unit" if isinstance(value, float) else "convert it first"
        raise TypeError(f"a table cannot hold a value of type {type(value).__name__}: {remedy}")
    return letters


_KINDS: Final[Mapping[type, str]] = {
    str: "S",
    int: "N",
    bool: "BOOL",
    type(None): "NULL",
    bytes: "B",
    list: "L",
    dict: "M",
}


def resolve(item: Mapping[str, Any], path: str) -> Any:
    """The value under an attribute path (`a`, `a.b`, `a[0].b`), or MISSING."""
    found: Any = item
    for index, name in _STEP.findall(path):
        if index:
            present = isinstance(found, list) and int(index) < len(found)
            found = found[int(index)] if present else MISSING
        else:
            found = found.get(name, MISSING) if isinstance(found, dict) else MISSING
    return found


def holds(condition: ConditionBase | None, item: Mapping[str, Any]) -> bool:
    """Whether the item (empty where there is none) meets the condition; no condition is always met."""
    if condition is None:
        return True
    expression = condition.get_expression()
    name, values = expression["operator"], expression["values"]
    if name == "AND":
        return holds(values[0], item) and holds(values[1], item)
    if name == "OR":
        return holds(values[0], item) or holds(values[1], item)
    if name == "NOT":
        return not holds(values[0], item)
    return _PREDICATES[name]([_operand(value, item) for value in values])


def _operand(value: Any, item: Mapping[str, Any]) -> Any:
    if isinstance(value, Size):
        return _size(resolve(item, value.name))
    return resolve(item, value.name) if isinstance(value, AttributeBase) else value


def _size(value: Any) -> Any:
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes | list | dict) else MISSING


def same(left: Any, right: Any) -> bool:
    """Equality of values as DynamoDB sees it: types first, so True is not 1."""
    if left is MISSING or right is MISSING or kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Any]], bool]:
    def predicate(values: Sequence[Any]) -> bool:
        left, right = values
        comparable = left is not MISSING and kind(left) in {"S", "N", "B"} and kind(left) == kind(right)
        return comparable and compare(left, right)

    return predicate


def _between(values: Sequence[Any]) -> bool:
    value, low, high = values
    return _PREDICATES[">="]([value, low]) and _PREDICATES["<="]([value, high])


def _begins_with(values: Sequence[Any]) -> bool:
    value, prefix = values
    return _alike(value, prefix) and bool(value.startswith(prefix))


def _contains(values: Sequence[Any]) -> bool:
    value, member = values
    if isinstance(value, list):
        return any(same(each, member) for each in value)
    return _alike(value, member) and member in value


def _alike(value: Any, part: Any) -> bool:
    return isinstance(value, str | bytes) and type(value) is type(part)


_PREDICATES: Final[Mapping[str, Callable[[Sequence[Any]], bool]]] = {
    "=": lambda values: same(values[0], values[1]),
    "<>": lambda values: not same(values[0], values[1]),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "IN": lambda values: any(same(values[0], each) for each in values[1]),
    "BETWEEN": _between,
    "begins_with": _begins_with,
    "contains": _contains,
    "attribute_exists": lambda values: values[0] is not MISSING,
    "attribute_not_exists": lambda values: values[0] is MISSING,
    "attribute_type": lambda values: values[0] is not MISSING and kind(values[0]) == values[1],
}
