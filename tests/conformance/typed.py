"""Reads what the record holds through the product's typed models, and says of each leaf whether a model names it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from shared.whatsapp.envelope import parse
from shared.whatsapp.item import AnyItem, HistoryItem, MessageItem, MetaItem, UnknownItem
from shared.whatsapp.items import items
from shared.whatsapp.messages import UnknownMessage
from shared.whatsapp.wire import dump
from tests.conformance.leaves import Path, leaves

Leaf = tuple[Any, bool]  # the leaf, and whether a declared field holds it


def item_of(value: Mapping[str, Any], webhook: str) -> AnyItem | None:
    """The one item of a change's value as the record keeps it; None where it holds none or several."""
    entry = {"changes": [{"field": webhook, "value": value}]}
    found = items(parse(orjson.dumps(entry).decode()))
    return found[0] if len(found) == 1 else None


def is_known(item: AnyItem | None) -> bool:
    """Whether the product has a type for it."""
    if isinstance(item, MessageItem):
        return not isinstance(item.message, UnknownMessage)
    return item is not None and not isinstance(item, UnknownItem)


def leaves_of(item: AnyItem | None) -> dict[Path, Leaf]:
    """Leaves of an item from the value down, its row and its contacts numbered from 0."""
    if not isinstance(item, MetaItem):
        return {}
    found = dict(_walk(item.head, (), typed=True))
    people = [one for one in (item.contact, *item.others) if one is not None]
    for n, contact in enumerate(people):
        found |= dict(_walk(contact, ("contacts", n), typed=True))
    front: Path = (item.member, 0) if item.member else ()
    if isinstance(item, HistoryItem):
        found |= dict(_walk(item.chunk, front, typed=True)) if dump(item.chunk) else {}
        front = (*front, "threads", 0)
        found |= dict(_walk(item.thread, front, typed=True)) if dump(item.thread) else {}
        front = (*front, "messages", 0)
    return found | dict(_walk(item.part, front, typed=True))


def _walk(value: Any, path: Path, *, typed: bool) -> Iterator[tuple[Path, Leaf]]:
    if isinstance(value, BaseModel):
        yield from _members(value, path)
    elif isinstance(value, list) and value:
        for n, each in enumerate(value):
            yield from _walk(each, (*path, n), typed=typed)
    else:
        for where, leaf in leaves(value, path):
            yield where, (leaf, typed)


def _members(model: BaseModel, path: Path) -> Iterator[tuple[Path, Leaf]]:
    fields, extras = type(model).model_fields, model.model_extra or {}
    given = [name for name in fields if name in model.model_fields_set]
    if not given and not extras and path:
        yield path, ({}, True)
    for name in given:
        wire = fields[name].alias or name
        yield from _walk(getattr(model, name), (*path, wire), typed=True)
    for name, each in extras.items():
        yield from _walk(each, (*path, name), typed=False)
