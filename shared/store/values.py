"""Plain values to DynamoDB's wire form and back.

boto3's own TypeSerializer answers Decimal for each number and Binary for each blob and makes a decimal
context for each; ours maps only what an Item may hold, straight to int and bytes. A property test holds the
two equal on what they share.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.store.checks import copied
from shared.store.conditions import kind

Wire = dict[str, Any]


def encode(value: Any) -> Wire:
    """`"a"` -> `{"S": "a"}`. Raises TypeError for floats and other types no table holds."""
    if type(value) is str:  # nearly all attributes
        return {"S": value}
    if type(value) is int:
        return {"N": str(copied(value))}
    letter = kind(value)
    if letter == "L":
        return {"L": [encode(each) for each in value]}
    if letter == "M":
        return {"M": encode_item(value)}
    return {letter: True if letter == "NULL" else value}


def encode_item(item: Mapping[str, Any]) -> dict[str, Wire]:
    """Each attribute of an item, encoded."""
    return {name: encode(value) for name, value in item.items()}


def decode(wire: Mapping[str, Any]) -> Any:
    """`{"N": "3"}` -> 3. Raises ValueError for what this product never writes: sets and fractions."""
    letter, value = next(iter(wire.items()))
    if letter in {"S", "BOOL", "B"}:
        return value
    if letter == "N":
        return _number(value)
    if letter == "L":
        return [decode(each) for each in value]
    if letter == "M":
        return decode_item(value)
    if letter == "NULL":
        return None
    raise ValueError(f"a table holds an attribute of type {letter}: only S, N, B, BOOL, NULL, L, M are read")


def decode_item(wire: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Each attribute of an item, decoded."""
    return {name: decode(value) for name, value in wire.items()}


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = Decimal(text)
        if number != number.to_integral_value():
            raise ValueError("a table holds a fraction: numbers are integers of a small unit") from None
        return int(number)
