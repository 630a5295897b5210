"""Who is erased, and by what their traces are known; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.erasure_past import NAMED, Past

_LEAST = 8  # characters: what is shorter stands in many places by chance
_HIDDEN_EVERY = 5  # as Newsroom hides numbers


@dataclass(frozen=True, slots=True)
class Person:
    """What is looked for.

    Attributes:
        number: as WhatsApp knows them. needles: kind -> texts. files: hashes of files only they sent.
    """

    number: str
    needles: dict[str, frozenset[str]]
    files: frozenset[str]


def chosen(rows: Sequence[dict[str, Any]], people: Sequence[str]) -> str:
    """Whoever wrote most, of those who show their number and sent a file that nobody else did."""
    shown = {number for n, number in enumerate(people) if n % _HIDDEN_EVERY != _HIDDEN_EVERY - 1}
    wrote = Counter(str(row["wa_id"]) for row in rows if row["kind"] == "written" and row["wa_id"] in shown)
    return next(number for number, _ in wrote.most_common() if files_of(rows, number))


def told_apart(
    number: str, rows: Sequence[dict[str, Any]], people: Sequence[dict[str, Any]], past: Past
) -> Person:
    """The person with all their traces, of this morning and of long ago."""
    mine = [row for row in rows if row["wa_id"] == number]
    about = next(each for each in people if each["wa_id"] == number)
    needles = {
        "nonce": distinct(row["nonce"] for row in mine),
        "number": distinct([number[-10:]]),
        "name": distinct([about["name"], about["username"], NAMED]),
        "user id": distinct(row["user_id"] for row in mine),
        "wamid": distinct(row["wamid"] for row in mine),
        "imported": distinct(past.nonces),
    }
    files = files_of(rows, number) | {past.sha256}
    return Person(number, {kind: found for kind, found in needles.items() if found}, files)


def files_of(rows: Sequence[dict[str, Any]], number: str) -> frozenset[str]:
    """Hashes of files that only one person sent."""
    mine = {sha for row in rows if row["wa_id"] == number for sha in row["media_sha256"]}
    return frozenset(mine - {sha for row in rows if row["wa_id"] != number for sha in row["media_sha256"]})


def addresses(shown: Any) -> Iterator[str]:
    """Every `url` in what the API answered."""
    if isinstance(shown, list):
        for each in shown:
            yield from addresses(each)
    elif isinstance(shown, dict):
        for name, value in shown.items():
            if name == "url" and isinstance(value, str):
                yield value
            else:
                yield from addresses(value)


def distinct(texts: Iterable[str]) -> frozenset[str]:
    """Those that stand nowhere by chance."""
    return frozenset(text for text in texts if text and len(text) >= _LEAST)
