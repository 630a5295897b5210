"""An archived envelope without some of its parts; pure. What stays, stays as it was received.

EUM Social puts several people into one envelope, so a person's part must come out of it without the others'.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.whatsapp import identity
from shared.whatsapp.envelope import Envelope
from shared.whatsapp.item import AnyItem, MetaItem
from shared.whatsapp.items import items
from shared.whatsapp.parts import Contact

_PATH = re.compile(r"entry\[(\d+)\](?:\.changes\[(\d+)\](?:\.value(?:\.(\w+)\[(\d+)\])?)?)?")
_LAYERS = ("Message", "whatsAppWebhookEntry")  # SNS's own envelope, then EUM Social's: JSON inside a string
_Place = tuple[
    int, int | None, str, int
]  # entry, change (None = the whole entry), member ("" = whole), index


def without(body: str, envelope: Envelope | None, gone: Collection[int]) -> str | None:
    """The envelope without the items at these positions; None where nothing of it is left.

    Args:
        body: as archived.
        envelope: what it says; None = it cannot be read, so it goes whole.
        gone: positions of `items(envelope)`.
    """
    if envelope is None or envelope.kind != "whatsapp":
        return None if gone or envelope is None else body
    found = items(envelope)
    chosen = [item for item in found if item.position in gone]
    if not chosen:
        return body
    places = {place for item in chosen if (place := _place(item)) is not None}
    places |= _contacts(chosen, [item for item in found if item.position not in gone], envelope)
    return _rewritten(body, places)


def part(envelope: Envelope, item: AnyItem) -> Any:
    """What stood where an item stood, as it came; the nearest thing around it where that cannot be told."""
    place = _place(item)
    if place is None:
        return envelope.body
    entry, change, member, index = place
    found: Any = envelope.entries[entry]
    for step in ("changes", change, "value", member, index) if change is not None else ():
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            break
    return found


def _place(item: AnyItem) -> _Place | None:
    """Where an item stands; a part that is the value itself takes its change with it."""
    found = _PATH.match(item.path)
    if found is None:
        return None
    entry, change, member, index = found.groups()
    return int(entry), None if change is None else int(change), member or "", int(index or 0)


def _contacts(gone: Iterable[AnyItem], left: Iterable[AnyItem], envelope: Envelope) -> set[_Place]:
    """The `contacts` entries of people who have nothing left in their change."""
    theirs, others = _people(gone), _people(left)
    found: set[_Place] = set()
    for (entry, change), names in theirs.items():
        alone = names - others.get((entry, change), set())
        rows = _value(envelope, entry, change).get("contacts")
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            if _names([row]) & alone:
                found.add((entry, change, "contacts", index))
    return found


def _people(chosen: Iterable[AnyItem]) -> dict[tuple[int, int], set[str]]:
    """By change: the aliases of everybody some items are about."""
    found: dict[tuple[int, int], set[str]] = {}
    for item in chosen:
        place = _place(item)
        if isinstance(item, MetaItem) and place is not None and place[1] is not None:
            named = {f"{alias.kind} {alias.value}" for alias in identity.aliases(item.people(), "")}
            found.setdefault((place[0], place[1]), set()).update(named)
    return found


def _names(rows: Sequence[Any]) -> set[str]:
    people = [identity.of_contact(Contact.model_validate(row)) for row in rows if isinstance(row, dict)]
    return {f"{alias.kind} {alias.value}" for alias in identity.aliases(people, "")}


def _value(envelope: Envelope, entry: int, change: int) -> dict[str, Any]:
    value: dict[str, Any] = envelope.entries[entry]["changes"][change]["value"]
    return value


def _rewritten(text: str, places: Collection[_Place]) -> str | None:
    """Each layer opened, the parts taken out, and closed again."""
    value = json.loads(text)
    for name in _LAYERS:
        if isinstance(value.get(name), str):
            inner = _rewritten(value[name], places)
            return None if inner is None else _dumps({**value, name: inner})
    if isinstance(value.get("whatsAppWebhookEntry"), dict):
        inner_value = _thinned(value["whatsAppWebhookEntry"], places)
        return None if inner_value is None else _dumps({**value, "whatsAppWebhookEntry": inner_value})
    thin = _thinned(value, places)
    return None if thin is None else _dumps(thin)


def _thinned(webhook: dict[str, Any], places: Collection[_Place]) -> dict[str, Any] | None:
    """One entry, or a webhook of several, with what is left of it."""
    if isinstance(webhook.get("changes"), list):
        return _entry(webhook, 0, places)
    kept = [_entry(entry, n, places) for n, entry in enumerate(webhook["entry"])]
    left = [entry for entry in kept if entry is not None]
    return {**webhook, "entry": left} if left else None


def _entry(entry: Any, n: int, places: Collection[_Place]) -> Any | None:
    if any(place[0] == n and place[1] is None for place in places):
        return None
    mine = [place for place in places if place[0] == n]
    if not mine:
        return entry
    kept = [_change(each, m, mine) for m, each in enumerate(entry["changes"])]
    left = [each for each in kept if each is not None]
    return {**entry, "changes": left} if left else None


def _change(change: Any, m: int, places: Collection[_Place]) -> Any | None:
    mine = [place for place in places if place[1] == m]
    if any(member == "" for _, _, member, _ in mine):
        return None
    touched = {member for _, _, member, _ in mine}
    if not touched:
        return change
    value = dict(change["value"])
    for member in sorted(touched):
        out = {index for _, _, name, index in mine if name == member}
        value[member] = [each for index, each in enumerate(value[member]) if index not in out]
    empty = [name for name in touched if not value[name]]
    rest = {name: each for name, each in value.items() if name not in empty}
    parts = touched - {"contacts"}
    return None if parts and not any(_list(rest, name) for name in rest) else {**change, "value": rest}


def _list(value: dict[str, Any], name: str) -> bool:
    return name != "contacts" and isinstance(value[name], list) and bool(value[name])


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
