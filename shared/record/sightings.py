"""What is known of a person, and through which of their contacts it was seen; pure.

A merged person's details stand on the surviving contact, each once for every contact it was seen through, so that an
un-merge can give each their own back. Sealed as {name: [[value, arrival ns, contact_id], ...]}.
"""

from collections.abc import Collection, Mapping
from typing import Any

FRESH_NS = 3600 * 10**9  # a detail seen again is stamped anew once an hour, not with each message
Sighting = tuple[Any, int]
Sightings = dict[str, dict[str, Sighting]]  # name -> contact_id -> value and arrival ns


def read(opened: Mapping[str, Any], contact_id: str) -> Sightings:
    """Sightings as sealed; one that does not say through whom is the contact's own."""
    found: Sightings = {}
    for name, rows in opened.items():
        listed = rows if rows and isinstance(rows[0], list) else [rows]
        found[name] = {(row[2] if len(row) > 2 else contact_id): (row[0], row[1]) for row in listed}  # noqa: PLR2004 - value, time, contact
    return found


def written(sightings: Sightings) -> dict[str, list[list[Any]]]:
    """Sightings to be sealed."""
    return {
        name: [[value, at, via] for via, (value, at) in sorted(seen.items())]
        for name, seen in sightings.items()
        if seen
    }


def newest(sightings: Sightings) -> dict[str, Any]:
    """What is known now: of each detail its latest sighting."""
    return {
        name: max(seen.items(), key=lambda each: (each[1][1], each[0]))[1][0]
        for name, seen in sightings.items()
        if seen
    }


def newer(before: Sightings, seen: Mapping[str, Any], at_ns: int, via: str) -> Sightings:
    """Details by name, the later sighting winning, whatever order the sightings are handled in."""
    after = {name: dict(each) for name, each in before.items()}
    for name, value in seen.items():
        known = before.get(name, {}).get(via)
        if known is None or (at_ns > known[1] and (value != known[0] or at_ns > known[1] + FRESH_NS)):
            after.setdefault(name, {})[via] = (value, at_ns)
    return after


def joined(one: Sightings, other: Sightings) -> Sightings:
    """Both; of two sightings through one contact the later."""
    after = {name: dict(each) for name, each in one.items()}
    for name, seen in other.items():
        for via, sighting in seen.items():
            mine = after.setdefault(name, {})
            mine[via] = max(mine.get(via, sighting), sighting, key=lambda each: each[1])
    return after


def split(sightings: Sightings, vias: Collection[str]) -> tuple[Sightings, Sightings]:
    """What was seen through these contacts, and the rest."""
    theirs = {
        name: {via: each for via, each in seen.items() if via in vias} for name, seen in sightings.items()
    }
    others = {
        name: {via: each for via, each in seen.items() if via not in vias} for name, seen in sightings.items()
    }
    return _filled(theirs), _filled(others)


def _filled(sightings: Sightings) -> Sightings:
    return {name: seen for name, seen in sightings.items() if seen}
