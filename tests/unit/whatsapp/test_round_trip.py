"""`dump` gives back every leaf, for payloads made from the models' own members with unknown ones mixed in."""

import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.whatsapp import account, listed
from shared.whatsapp.calls import Call
from shared.whatsapp.messages import MESSAGE_TYPES, Message
from shared.whatsapp.parts import Contact, Head
from shared.whatsapp.statuses import Status
from shared.whatsapp.wire import Wire, dump, leaves, unsound, untyped_leaves
from shared.whatsapp.witness import Witness

MODELS: list[type[Wire]] = [
    *MESSAGE_TYPES.values(),
    *dict.fromkeys([*account.VALUES.values(), *listed.LISTS.values()]),
    Call,
    Contact,
    Head,
    Status,
    Witness,
]
_WORD = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=12
)
_NOVEL = st.dictionaries(
    st.sampled_from(["novelty", "x_y", "Zeta"]),
    st.one_of(
        st.none(), _WORD, st.lists(st.integers(-5, 5), max_size=2), st.fixed_dictionaries({"a": _WORD})
    ),
    max_size=2,
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _WORD,
    int: st.integers(-(1 << 53), 1 << 53),
    float: st.floats(-1e15, 1e15),
    bool: st.booleans(),
    type(None): st.none(),
    Any: _WORD,
}


def values(annotation: Any, depth: int) -> st.SearchStrategy[Any]:
    """JSON that a field of this type takes."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    arguments = typing.get_args(annotation)
    made = _GENERIC.get(typing.get_origin(annotation))
    if made:
        return made(arguments, depth)
    if annotation is Message:
        return st.sampled_from(sorted(MESSAGE_TYPES)).flatmap(
            lambda kind: payloads(MESSAGE_TYPES[kind], depth)
        )
    assert issubclass(annotation, BaseModel), annotation
    return payloads(annotation, depth)


def _union(arguments: tuple[Any, ...], depth: int) -> st.SearchStrategy[Any]:
    return st.one_of([values(argument, depth) for argument in arguments])


_GENERIC: dict[Any, Callable[[tuple[Any, ...], int], st.SearchStrategy[Any]]] = {
    Annotated: lambda arguments, depth: values(arguments[0], depth),
    Literal: lambda arguments, _: st.sampled_from(arguments),
    Union: _union,
    types.UnionType: _union,
    list: lambda arguments, depth: st.lists(values(arguments[0], depth), max_size=2),
    dict: lambda arguments, depth: st.dictionaries(_WORD, values(arguments[1], depth), max_size=2),
}


def payloads(model: type[BaseModel], depth: int) -> st.SearchStrategy[Any]:
    """Objects of a model's members, some left out, with unknown members beside them."""
    if depth == 0:
        required = {name: field for name, field in model.model_fields.items() if field.is_required()}
        return st.fixed_dictionaries({name: values(field.annotation, 0) for name, field in required.items()})
    members = {
        field.alias or name: (field, values(field.annotation, depth - 1))
        for name, field in model.model_fields.items()
    }
    return st.builds(
        lambda known, novel: {**known, **novel},
        st.fixed_dictionaries(
            {name: made for name, (field, made) in members.items() if field.is_required()},
            optional={name: made for name, (field, made) in members.items() if not field.is_required()},
        ),
        _NOVEL,
    )


def untyped_by_hand(payload: Any) -> int:
    """Leaves under the unknown members this module mixes in."""
    novel = ("novelty", "x_y", "Zeta")
    return sum(
        1 for path in leaves(payload) if any(step.partition("[")[0] in novel for step in path.split("."))
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_every_leaf_comes_back(model: type[Wire], data: st.DataObject) -> None:
    payload = data.draw(payloads(model, 3))
    assert unsound(payload) is None
    read = model.model_validate(payload)
    assert dump(read) == payload
    assert len(untyped_leaves(read)) == untyped_by_hand(payload)


def test_untyped_leaves_are_named_at_any_depth() -> None:
    message = MESSAGE_TYPES["contacts"].model_validate(
        {"id": "w", "type": "contacts", "contacts": [{"name": {"nick": "B"}, "tags": ["a", "b"]}], "mood": {}}
    )
    assert untyped_leaves(message) == [
        "contacts[0].name.nick",
        "contacts[0].tags[0]",
        "contacts[0].tags[1]",
        "mood",
    ]


def test_null_and_absent_stay_different() -> None:
    text = MESSAGE_TYPES["text"]
    assert dump(text.model_validate({"id": "w", "type": "text", "text": None})) == {
        "id": "w",
        "type": "text",
        "text": None,
    }
    assert dump(text.model_validate({"id": "w", "type": "text"})) == {"id": "w", "type": "text"}
