import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.store import expressions
from shared.store.port import Attr, Check, Delete, Key, Put, Update


def test_a_put_that_must_be_the_first() -> None:
    assert expressions.put(Put("ids", {"pk": "p", "sk": "-", "n": 1}, absent=True), "dev-ids") == {
        "TableName": "dev-ids",
        "Item": {"pk": {"S": "p"}, "sk": {"S": "-"}, "n": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(#n0)",
        "ExpressionAttributeNames": {"#n0": "pk"},
    }


def test_a_plain_put_has_no_condition() -> None:
    assert expressions.put(Put("ids", {"pk": "p", "sk": "-"}), "t").keys() == {"TableName", "Item"}


def test_an_update_names_each_attribute_once() -> None:
    op = Update(
        "t",
        "p",
        "-",
        set={"state": "open", "name": None},
        add={"rev": 1},
        remove=["owed"],
        set_once={"kept_at": 5},
        condition=Attr("rev").eq(3) & Attr("state").exists(),
    )
    assert expressions.update(op, "t") == {
        "TableName": "t",
        "Key": {"pk": {"S": "p"}, "sk": {"S": "-"}},
        "UpdateExpression": "SET #u0 = :u0, #u1 = :u1, #u2 = if_not_exists(#u2, :u2) ADD #u3 :u3 REMOVE #u4",
        "ConditionExpression": "(#n0 = :v0 AND attribute_exists(#n1))",
        "ExpressionAttributeNames": {
            "#u0": "state",
            "#u1": "name",
            "#u2": "kept_at",
            "#u3": "rev",
            "#u4": "owed",
            "#n0": "rev",
            "#n1": "state",
        },
        "ExpressionAttributeValues": {
            ":u0": {"S": "open"},
            ":u1": {"NULL": True},
            ":u2": {"N": "5"},
            ":u3": {"N": "1"},
            ":v0": {"N": "3"},
        },
    }


def test_a_removal_alone_has_no_values() -> None:
    assert "ExpressionAttributeValues" not in expressions.update(Update("t", "p", "-", remove=["owed"]), "t")


def test_a_query_joins_partition_and_sort_key() -> None:
    assert expressions.key_condition("inbox", "d", Key("last_order_key").between("1", "2")) == {
        "KeyConditionExpression": "(#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2)",
        "ExpressionAttributeNames": {"#n0": "inbox", "#n1": "last_order_key"},
        "ExpressionAttributeValues": {":v0": {"S": "d"}, ":v1": {"S": "1"}, ":v2": {"S": "2"}},
    }


def test_a_condition_on_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        expressions.delete(Check("t", "p", "-", Attr("n").eq(0.5)), "t")


names = st.sampled_from(["status", "n", "Text", "ñ", "a-b", "size"])
conditions = st.builds(
    lambda name, value, other: (
        Attr(name).eq(value) | ~Attr(other).begins_with("x") & Attr(name).is_in([value, 2])
    ),
    names,
    st.integers(),
    names,
)
updates = st.builds(
    lambda sets, adds, removes, once, condition: Update(
        "t", "p", "-", set=sets, add=adds, remove=removes, set_once=once, condition=condition
    ),
    st.dictionaries(names, st.text(max_size=2), min_size=1),
    st.dictionaries(names, st.integers()),
    st.lists(names, unique=True),
    st.dictionaries(names, st.booleans()),
    st.none() | conditions,
)


def placeholders(params: dict[str, Any]) -> tuple[set[str], set[str]]:
    """(used in the expressions, defined)."""
    text = " ".join(str(value) for name, value in params.items() if name.endswith("Expression"))
    defined = {*params.get("ExpressionAttributeNames", {}), *params.get("ExpressionAttributeValues", {})}
    return set(re.findall(r"[#:][a-z]\d+", text)), defined


@given(op=updates)
def test_placeholders_used_are_those_defined(op: Update) -> None:
    params = expressions.update(op, "t")
    used, defined = placeholders(params)
    assert used == defined
    attributes = sorted(
        name for key, name in params["ExpressionAttributeNames"].items() if key.startswith("#u")
    )
    assert attributes == sorted([*op.set, *op.add, *op.remove, *op.set_once])


@given(condition=conditions)
def test_a_deletes_condition_defines_what_it_uses(condition: Any) -> None:
    used, defined = placeholders(expressions.delete(Delete("t", "p", "-", condition), "t"))
    assert used == defined
