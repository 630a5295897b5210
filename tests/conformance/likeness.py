"""Which of several things read back is the one a part became, and where its leaves stand in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance import typed
from tests.conformance.expect import Part
from tests.conformance.leaves import Path, same
from tests.conformance.seen import Held


def in_item(path: Path, part: Part) -> Path:
    """A leaf's path in the change -> in the value the record holds, where the row is the only one."""
    steps = _along(path, part.front)
    return (*(0 if isinstance(step, int) else step for step in path[:steps]), *path[steps:])


def in_change(path: Path, part: Part) -> Path:
    """The way back; what belongs to no row (head, contacts) stays where it is."""
    steps = _along(path, (*(0 if isinstance(step, int) else step for step in part.front),))
    return (*part.front[:steps], *path[steps:])


def _along(path: Path, front: Path) -> int:
    """How many steps a path goes along with a row's own."""
    return next(
        (n for n, (one, other) in enumerate(zip(path, front, strict=False)) if one != other),
        min(len(path), len(front)),
    )


def rows(held: Held, member: str) -> list[Any]:
    """The list of that name in what is held; empty where there is none."""
    found = held.value.get(member, []) if isinstance(held.value, dict) else []
    return found if isinstance(found, list) else []


def likeness(part: Part, value: Any, webhook: str) -> int:
    """How many counted leaves of a part a value holds; the whole of what nobody documents counts as one."""
    if not part.leaves:
        return int(part.row == value)
    found = typed.leaves_of(typed.item_of(value, webhook)) if isinstance(value, dict) else {}
    back = ((leaf, found.get(in_item(path, part))) for path, (leaf, _) in part.leaves.items())
    return sum(each is not None and same(leaf, each[0]) for leaf, each in back)


def likest(part: Part, candidates: Sequence[Held]) -> Held:
    """The one that holds most of a part."""
    return max(candidates, key=lambda held: likeness(part, held.value, held.webhook))


def best(part: Part, known: Sequence[Mapping[Path, typed.Leaf]]) -> Mapping[Path, typed.Leaf]:
    """A shared member as it came back: the worst of all copies; a contact as the best of those it may be."""
    copies = [_as_contact(found, part, n) for found in known for n in _contacts(found)]
    if part.member == "contacts" and copies:
        return max(copies, key=lambda found: _hits(part, found))
    return min(known, key=lambda found: _hits(part, found))


def _hits(part: Part, found: Mapping[Path, typed.Leaf]) -> int:
    return sum(path in found and same(leaf, found[path][0]) for path, (leaf, _) in part.leaves.items())


def _contacts(found: Mapping[Path, typed.Leaf]) -> Iterator[int]:
    numbers = (path[1] for path in found if path[0] == "contacts" and len(path) > 1)
    yield from dict.fromkeys(n for n in numbers if isinstance(n, int))


def _as_contact(found: Mapping[Path, typed.Leaf], part: Part, n: int) -> dict[Path, typed.Leaf]:
    return {
        ("contacts", part.n, *path[2:]): leaf for path, leaf in found.items() if path[:2] == ("contacts", n)
    }
