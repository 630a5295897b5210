import math
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from shared.store.conditions import kind, same
from shared.store.values import decode, decode_item, encode, encode_item

scalars = st.one_of(
    st.text(max_size=8), st.integers(-(10**37), 10**37), st.booleans(), st.none(), st.binary(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
items = st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=5)


@given(item=items)
def test_a_round_trip_keeps_values_and_types(item: dict[str, Any]) -> None:
    assert same(decode_item(encode_item(item)), item)


@given(value=values)
def test_the_wire_form_is_boto3s(value: Any) -> None:
    assert encode(value) == TypeSerializer().serialize(value)
    wire: Any = encode(value)
    theirs = TypeDeserializer().deserialize(wire)
    if not isinstance(value, bytes):
        assert theirs == value


@pytest.mark.parametrize("bad", [1.0, math.nan, {1}, {"a"}, object(), (1,), bytearray(b"a")])
def test_what_no_table_holds_is_refused_at_any_depth(bad: object) -> None:
    for value in (bad, [bad], {"a": {"b": bad}}):
        with pytest.raises(TypeError, match=type(bad).__name__):
            encode(value)


def test_a_float_is_refused_with_its_remedy() -> None:
    with pytest.raises(TypeError, match="smaller unit"):
        encode(0.5)


@pytest.mark.parametrize("number", [10**38 + 1, -(10**40) - 1])
def test_a_number_of_39_digits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="38 digits"):
        encode(number)


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("1E+2", 100), ("-3.0", -3)])
def test_numbers_come_back_as_ints(text: str, number: int) -> None:
    found = decode({"N": text})
    assert (found, kind(found)) == (number, "N")


@pytest.mark.parametrize("foreign", [{"N": "0.5"}, {"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b"a"]}])
def test_what_others_wrote_and_we_never_do_is_refused(foreign: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a table holds"):
        decode(foreign)
