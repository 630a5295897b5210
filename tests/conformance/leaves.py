"""Leaves of a JSON value: every scalar, every empty object and every empty list, with where it stands."""

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """(path, leaf) of everything in a value, in its order. Iterative: the input chooses the depth."""
    pending: list[tuple[Path, Any]] = [(path, value)]
    while pending:
        where, current = pending.pop()
        if isinstance(current, dict) and current:
            pending.extend(((*where, name), each) for name, each in reversed(current.items()))
        elif isinstance(current, list) and current:
            pending.extend(((*where, n), member) for n, member in reversed(list(enumerate(current))))
        else:
            yield where, current


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0, true and "1" are four different leaves."""
    return type(one) is type(other) and bool(one == other)


def pattern(path: Path) -> str:
    """A path without its positions, e.g. `messages[].contacts[].phones[].wa_id`."""
    text = ""
    for step in path:
        text += "[]" if isinstance(step, int) else f".{step}" if text else step
    return text


def without(value: Any, path: Path) -> Any:
    """The same value less one leaf."""
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        kept = [without(each, rest) if n == step and rest else each for n, each in enumerate(value)]
        return kept if rest else [each for n, each in enumerate(value) if n != step]
    if not rest:
        return {name: each for name, each in value.items() if name != step}
    return {name: without(each, rest) if name == step else each for name, each in value.items()}
