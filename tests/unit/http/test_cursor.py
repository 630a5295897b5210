"""A cursor comes back as it went, in its own list only."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.http.cursor import _mark, decode, encode
from shared.http.problems import Problem


class Position(BaseModel):
    key: str
    rev: int


@given(st.text(), st.integers(), st.text())
def test_round_trip(key: str, rev: int, scope: str) -> None:
    assert decode(encode(Position(key=key, rev=rev), scope), Position, scope) == Position(key=key, rev=rev)


def test_no_cursor_is_the_beginning() -> None:
    assert decode(None, Position, "list") is None


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Problem):
        decode(encode(Position(key="a", rev=1), "conversations/c_1"), Position, "conversations/c_2")


@given(
    st.text(max_size=300)
    | st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(_mark("list") + raw).decode())
)
def test_anything_else_is_at_worst_a_problem(text: str) -> None:
    with contextlib.suppress(Problem):
        decode(text, Position, "list")


def test_wrong_types_are_not_coerced() -> None:
    forged = base64.urlsafe_b64encode(_mark("list") + b'{"key":"a","rev":"1"}').decode().rstrip("=")
    with pytest.raises(Problem):
        decode(forged, Position, "list")


def test_a_long_cursor_is_not_even_decoded() -> None:
    with pytest.raises(Problem):
        decode("A" * 2049, Position, "list")
