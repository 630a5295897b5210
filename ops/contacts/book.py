"""An address book file, whatever wrote it: entries with a name and numbers, and what could not be read; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ops.contacts.numbers import number

NO_NAME = "sin nombre"
NO_NUMBER = "sin número"
BAD_NUMBER = "el número no se entiende: le falta la clave de país o le sobran cifras"
TWICE = "el mismo número está antes con otro nombre"
UNREADABLE = "la tarjeta no se puede leer"
MAX_NAME = 200  # characters; ours: a name, not a text


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of the file; `line` is where it begins, counted from 1."""

    line: int
    name: str
    numbers: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """One number and what it is called."""

    line: int
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Reject:
    """What is left out: where and why, never what it says."""

    line: int
    reason: str


@dataclass(slots=True)
class Book:
    """What a file holds: each number once, in the file's order. `quiet` counts entries that name no number at all."""

    named: list[Named] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    quiet: int = 0


def book(entries: Iterable[Entry], home: str) -> Book:
    """Every number by itself: two numbers of one entry may be two phones of a person, or a desk of several."""
    found = Book()
    names: dict[str, str] = {}
    for entry in entries:
        if entry.fault:
            found.rejects.append(Reject(entry.line, entry.fault))
        elif not any(written.strip() for written in entry.numbers):
            found.quiet += 1
        elif not entry.name:
            found.rejects.append(Reject(entry.line, NO_NAME))
        else:
            for each in _numbers(entry, home):
                _add(found, names, each)
    return found


def _numbers(entry: Entry, home: str) -> Iterator[Named | Reject]:
    written = [each for each in entry.numbers if each.strip()]
    read = dict.fromkeys(number(each, home) for each in written)
    for each in read:
        yield Named(entry.line, entry.name, each) if each else Reject(entry.line, BAD_NUMBER)


def _add(found: Book, names: dict[str, str], each: Named | Reject) -> None:
    if isinstance(each, Reject):
        found.rejects.append(each)
    elif each.number not in names:
        names[each.number] = each.name
        found.named.append(each)
    elif names[each.number] != each.name:
        found.rejects.append(Reject(each.line, TWICE))


def tidy(name: str) -> str:
    """A name on one line, without what nobody sees."""
    shown = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(shown.split())[:MAX_NAME]
