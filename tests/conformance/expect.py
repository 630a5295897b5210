"""What must become of a body, worked out from the payload alone: by code of its own, not by the product's parser.

A part is one thing the record must hold: a message, a status, a call, a fact - or a contact or shared member
that may only be set aside where it contradicts the documentation. Where a part does, the product may reject it,
keep it as unknown or keep it whole; it may never lose it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.conformance import documented, facts, shapes
from tests.conformance.leaves import Path, leaves
from tests.conformance.shapes import Sent

Kind = Literal["message", "status", "account", "connect", "witness", "unknown", "rejected"]
_EVENTS: dict[str, Kind] = {"aws.social-messaging": "witness", "aws.connect": "connect"}
_ASIDE: tuple[Kind, ...] = ("rejected", "unknown")
_MAX_DEPTH = 40  # documented payloads nest 12 deep
_MAX_ID = 128  # a BSUID has 3 + 128 characters, a wamid about 60
_ID = re.compile(r"(?:^|_)(?:id|from|to)$")
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Part:
    """One thing, where it stands and what may become of it, the best first.

    Attributes:
        path: as in `entry[0].changes[1].value.messages[0]`; a rejection names it.
        member: the list of the value it stands in; "" = it is the value itself, or nothing counts its leaves.
        row: the element of that list; of what nobody documents, the whole.
        webhook: field of the change.
        leaves: counted ones: path from the value down -> leaf, and whether the documentation names it.
        front: where the row stands in the change's value.
        around: of a message in a synchronized history, the chunk it stands in.
    """

    path: str
    kinds: tuple[Kind, ...]
    member: str = ""
    n: int = 0
    row: Any = None
    webhook: str = ""
    leaves: Mapping[Path, tuple[Any, bool]] = field(default_factory=dict)
    front: Path = ()
    around: Any = None

    def documented(self, path: Path) -> str | None:
        """The documented member a counted leaf belongs to, `<section>: <member>`; None where nobody names it."""
        own = path[len(self.front) :] if path[: len(self.front)] == self.front else None
        if own is None:  # of the chunk or thread around a message
            told = documented.member(self.around, documented.ROWS["history"], path[2:])
            return f"history: {told}" if told else None
        if self.message:
            told = documented.member(self.row, documented.message(self.row), own)
            common = told is None or told.partition(".")[0].removesuffix("[]") in documented.COMMON
            section = "any message" if common else f"message {self.row['type']}"
        elif self.member == "contacts":
            section, told = "contacts", documented.member(self.row, documented.CONTACT, own)
        elif self.webhook and not self.member:
            section, told = self.webhook, documented.member(self.row, facts.FIELDS[self.webhook], own)
        elif self.member in documented.ROWS:
            section, told = self.member, documented.member(self.row, documented.ROWS[self.member], own)
        else:
            section, told = "head", documented.member({self.member: self.row}, documented.HEAD, path)
        return f"{section}: {told}" if told else None

    @property
    def message(self) -> bool:
        """Whether it is a message, wherever it stands."""
        return self.member in documented.MESSAGE_LISTS or self.around is not None

    @property
    def wamid(self) -> str | None:
        """Id of the message, status or call."""
        found = self.row.get("id") if isinstance(self.row, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Change:
    """A change's parts, and what they share: contacts and the members of the head, by the same rules."""

    parts: tuple[Part, ...]
    shared: tuple[Part, ...] = ()


def expected(sent: Sent) -> list[Change]:
    """What must become of one body."""
    value = shapes.parsed(sent.body)
    shape = shapes.told(value)
    if shape == "envelope":
        return _entry(_inner(value["whatsAppWebhookEntry"]))
    if shape == "event":
        return [_whole(_event_kinds(value), value)]
    if shape == "chat":
        return [_whole(("connect", *_ASIDE) if _odd(value, facts.CHAT) else ("connect",))]
    # The documented samples of contact events hold commas before closing brackets: no JSON, yet events.
    return [_whole(("connect", *_ASIDE) if sent.road == "connect" else _ASIDE, value)]


def _inner(entry: Any) -> Any:
    return shapes.parsed(entry) if isinstance(entry, str) else entry


def _whole(kinds: tuple[Kind, ...], row: Any = None) -> Change:
    return Change((Part("", kinds, row=row),))


def _event_kinds(value: Mapping[str, Any]) -> tuple[Kind, ...]:
    source = value["source"]
    if not isinstance(source, str) or source not in _EVENTS:
        return _ASIDE
    detail = value.get("detail")
    named = detail.items() if isinstance(detail, dict) else ()
    small = {name[:1].lower() + name[1:]: each for name, each in named}
    odd = _odd(value, facts.EVENT) or documented.contradicts(small, facts.EVENTS[source])
    return (_EVENTS[source], *_ASIDE) if odd else (_EVENTS[source],)


def _entry(entry: Any) -> list[Change]:
    """Changes of the one entry of an envelope."""
    changes = entry.get("changes") if isinstance(entry, dict) else None
    if not isinstance(changes, list) or not changes:
        return [_whole(_ASIDE)]
    return [_change(change, f"entry[0].changes[{n}]") for n, change in enumerate(changes)]


def _change(change: Any, path: str) -> Change:
    value = change.get("value") if isinstance(change, dict) else None
    name = change.get("field", "") if isinstance(change, dict) else None
    if not isinstance(value, dict) or not isinstance(name, str):
        return Change((Part(path, _ASIDE),))
    where = f"{path}.value"
    lists = [member for member in documented.LISTS if _rows(value, member)]
    parts = [part for member in lists for part in _listed(value, member, name, where)]
    rest = {member: each for member, each in value.items() if member not in lists}
    if not lists and name in facts.FIELDS:
        own = {m: each for m, each in rest.items() if m not in documented.HEAD and not _contacts(m, each)}
        parts = [_fact(own, name, where)]
        rest = {m: each for m, each in rest.items() if m not in own}
    elif not lists and _rows(value, "errors"):
        parts = [Part(where, ("account",), webhook=name)]
    if not parts:
        return Change((Part(where, _ASIDE if _hopeless(value) else ("unknown",), row=value, webhook=name),))
    return Change(tuple(parts), tuple(_shared(rest, where)))


def _rows(value: Mapping[str, Any], member: str) -> list[Any]:
    rows = value.get(member)
    return rows if isinstance(rows, list) else []


def _contacts(member: str, value: Any) -> bool:
    return member == "contacts" and isinstance(value, list) and bool(value)


def _listed(value: Mapping[str, Any], member: str, name: str, where: str) -> Iterator[Part]:
    for n, row in enumerate(value[member]):
        said = list(_past(row)) if member == "history" else []
        if said:
            yield from (_of_history(row, n, place, name, where) for place in said)
            continue
        kinds, counted = _kinds(row, member, name), {}
        if kinds[0] != "unknown":
            counted = _counted(row, _tree(row, member), (member, n))
        yield Part(f"{where}.{member}[{n}]", kinds, member, n, row, name, counted, (member, n))


def _past(chunk: Any) -> Iterator[tuple[int, int]]:
    """Thread and position of every message in a chunk of history."""
    threads = _rows(chunk, "threads") if isinstance(chunk, dict) else []
    for i, thread in enumerate(threads):
        yield from (
            (i, k) for k, _ in enumerate(_rows(thread, "messages") if isinstance(thread, dict) else [])
        )


def _of_history(chunk: Any, n: int, place: tuple[int, int], name: str, where: str) -> Part:
    """A message of a synchronized history: its own leaves, and those of the chunk and thread around it."""
    i, k = place
    row, front = chunk["threads"][i]["messages"][k], ("history", n, "threads", i, "messages", k)
    kinds = _message_kinds(row)
    around = {
        ("history", n, *path): (leaf, documented.named(chunk, documented.ROWS["history"], path))
        for path, leaf in leaves(chunk)
        if path[0] != "threads" or (path[1] == i and path[2] != "messages")
    }
    counted = {**around, **_counted(row, documented.message(row), front)} if kinds[0] != "unknown" else {}
    path = f"{where}.history[{n}].threads[{i}].messages[{k}]"
    return Part(path, kinds, "history", n, row, name, counted, front, chunk)


def _kinds(row: Any, member: str, name: str) -> tuple[Kind, ...]:
    """Kinds a row may end as, the best first."""
    if member in documented.MESSAGE_LISTS:
        return _message_kinds(row)
    kind: Kind = "status" if member == "statuses" and name != "calls" else "account"
    if member == "calls" and isinstance(row, dict) and isinstance(row.get("id"), str):
        kind = "message"
    nameless = kind == "status" and not _status_is_named(row)
    return (kind, *_ASIDE) if nameless or _odd(row, documented.ROWS[member]) else (kind,)


def _message_kinds(row: Any) -> tuple[Kind, ...]:
    if not isinstance(row, dict):
        return _ASIDE
    told = row.get("type")
    kind: Kind = "message" if isinstance(told, str) and told in documented.TYPES else "unknown"
    odd = _odd(row, documented.message(row)) or not isinstance(row.get("id"), str)
    return (kind, *_ASIDE) if odd else (kind,)


def _status_is_named(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("status"), str):
        return False
    return any(isinstance(row.get(name), str) for name in ("id", "biz_opaque_callback_data"))


def _fact(own: dict[str, Any], name: str, where: str) -> Part:
    kinds: tuple[Kind, ...] = ("account",)
    if _odd(own, facts.FIELDS[name]):
        kinds = ("account", *_ASIDE)
    return Part(where, kinds, row=own, webhook=name, leaves=_counted(own, facts.FIELDS[name], ()))


def _tree(row: Any, member: str) -> dict[str, Any]:
    return documented.message(row) if member in documented.MESSAGE_LISTS else documented.ROWS[member]


def _counted(row: Any, tree: Any, front: Path) -> dict[Path, tuple[Any, bool]]:
    found = {path: (leaf, documented.named(row, tree, path)) for path, leaf in leaves(row)}
    return {(*front, *path): each for path, each in found.items() if front or path}


def _shared(rest: Mapping[str, Any], where: str) -> Iterator[Part]:
    """Contacts one by one, other members one by one; their first kind is that of whatever they stand beside."""
    for member, each in rest.items():
        if _contacts(member, each):
            for n, row in enumerate(each):
                odd, counted = _odd(row, documented.CONTACT), _counted(row, documented.CONTACT, (member, n))
                path, kinds = f"{where}.{member}[{n}]", _beside(odd=odd)
                yield Part(path, kinds, member, n, row, leaves=counted, front=(member, n))
        else:
            tree = documented.HEAD.get(member, [None] if member == "contacts" else None)
            odd = _hopeless({member: each}) or (tree is not None and documented.contradicts(each, tree))
            counted = _counted(each, tree, (member,))
            yield Part(f"{where}.{member}", _beside(odd=odd), member, row=each, leaves=counted)


def _beside(*, odd: bool) -> tuple[Kind, ...]:
    return ("message", *_ASIDE) if odd else ("message",)


def _odd(row: Any, tree: Mapping[str, Any]) -> bool:
    """Whether a row contradicts what is documented, or cannot be carried by JSON everywhere."""
    return not isinstance(row, dict) or _hopeless(row) or documented.contradicts(row, dict(tree))


def _hopeless(value: Any) -> bool:
    return any(_bad_path(path) or _bad_leaf(path, leaf) for path, leaf in leaves(value))


def _bad_path(path: Path) -> bool:
    return len(path) > _MAX_DEPTH or not all(_unicode(step) for step in path if isinstance(step, str))


def _bad_leaf(path: Path, leaf: Any) -> bool:
    if isinstance(leaf, str):
        named = next((step for step in reversed(path) if isinstance(step, str)), "")
        return not _unicode(leaf) or (bool(_ID.search(named)) and not 0 < len(leaf) <= _MAX_ID)
    return isinstance(leaf, int | float) and abs(leaf) >= _INT64


def _unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
