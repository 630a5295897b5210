"""No input makes a parser raise anything but Poison, or keep a message otherwise than it came."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance import fuzz

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def test_damaged_payloads_give_poison_or_items_and_nothing_else() -> None:
    met: Counter[str] = sum(fuzz.run(3000, seed=7), Counter())
    assert min(met[kind] for kind in ("message", "status", "account", "rejected", "unknown")) > 20
    assert met["poison:not_json"] > 0
    assert met["out:sent"] > 0


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text(body: str) -> None:
    fuzz.check(body)


@given(
    st.lists(
        st.fixed_dictionaries({"id": _JSON, "timestamp": _JSON, "type": _JSON, "text": _JSON}), max_size=3
    ),
    _JSON,
)
@settings(max_examples=200, deadline=None)
def test_any_json_where_messages_stand(rows: list[object], metadata: object) -> None:
    value = {"messages": rows, "metadata": metadata}
    fuzz.check(json.dumps({"id": "1", "changes": [{"field": "messages", "value": value}]}))


def test_the_fuzzer_reports_what_must_not_happen() -> None:
    def broken(body: str) -> Counter[str]:
        raise KeyError(body[:1])

    with pytest.raises(fuzz.FindingError, match="seed 3 input 0"):
        list(fuzz.run(1, seed=3, checker=broken))


def test_an_input_is_a_function_of_seed_and_number() -> None:
    bodies = fuzz.corpus()
    assert fuzz.make(5, 17, bodies) == fuzz.make(5, 17, bodies)
    assert len({fuzz.make(5, number, bodies) for number in range(50)}) > 40
