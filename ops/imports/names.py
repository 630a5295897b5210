"""Who is who in an exported chat: its printed names, what the person who imports says of them, and which are ours.

WhatsApp prints the names of the phone's address book, and numbers only for people who are not in it. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.imports.plain import name
from ops.imports.reasons import BadFileError
from shared.record.inbound import Direction

OURS = "yo"
_PHONE = re.compile(r"\+?[\d\s().\-\u2011]{7,24}")
_FEWEST, _MOST = 8, 15  # digits of an international number: ITU-T E.164 s.6.2.1, and the shortest in use


class MapError(ValueError):
    """A mapping cannot be read; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is said of printed names.

    Attributes:
        phones: name -> digits. ours: names of ours. same: name -> the name it stands for.
    """

    phones: Mapping[str, str] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)

    def known_as(self, printed: str) -> str:
        """The name that tells people apart."""
        return self.same.get(printed, printed)

    def phone(self, printed: str) -> str | None:
        """Digits of a person's number: mapped, or printed in place of a name."""
        known = self.known_as(printed)
        return self.phones.get(known) or digits(known)

    def is_ours(self, printed: str) -> bool:
        """Whether the newsroom wrote under this name."""
        return self.known_as(printed) in self.ours


def digits(text: str) -> str | None:
    """The digits of a printed number; None for anything else."""
    if not _PHONE.fullmatch(text):
        return None
    found = re.sub(r"\D", "", text)
    return found if _FEWEST <= len(found) <= _MOST else None


def read_names(entries: Iterable[str], me: Iterable[str] = ()) -> Names:
    """Names from `Nombre=+52...`, `Nombre=yo` and `Nombre=Otro nombre`. Raises MapError."""
    phones: dict[str, str] = {}
    same: dict[str, str] = {}
    ours = {name(one) for one in me}
    for entry in entries:
        left, equals, right = entry.rpartition("=")
        printed, value = name(left), name(right)
        if not (equals and printed and value):
            raise MapError(f"«{entry}» no se entiende: escriba Nombre=+52..., Nombre=yo o Nombre=Otro nombre")
        if value.casefold() == OURS:
            ours.add(printed)
        elif value.startswith("+"):
            phones[printed] = _digits(entry, value)
        else:
            same[printed] = value
    return Names(phones, frozenset(ours), same)


def _digits(entry: str, value: str) -> str:
    found = digits(value)
    if found is None:
        raise MapError(f"«{entry}»: el número va con + y lada internacional, de {_FEWEST} a {_MOST} dígitos")
    return found


def read_map_file(path: Path) -> list[str]:
    """Entries of a file, one a line; `#` begins a comment. Raises MapError."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MapError(f"--map-file {path.name}: no se puede leer como UTF-8") from error
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a chat.

    Attributes:
        group: whether it is a group; title: its name, or the other person's.
        mine: printed names under which the newsroom wrote.
    """

    group: bool
    title: str
    mine: frozenset[str]

    def direction(self, sender: str | None, mine: bool | None) -> Direction:  # noqa: FBT001 - as the source says it
        """`in` or `out`; a notice of WhatsApp's came in."""
        ours = mine if mine is not None else sender in self.mine
        return "out" if ours else "in"

    def told_apart(self, sender: str | None, mine: bool | None, names: Names) -> str:  # noqa: FBT001 - the same
        """What a message's id knows of its sender: in a chat of two the side, for names differ by phone."""
        if sender is None:
            return ""
        direction = self.direction(sender, mine)
        return names.known_as(sender) if self.group and direction == "in" else direction


def cast(title: str, senders: Iterable[str], names: Names, *, group: bool | None, known: bool) -> Cast:
    """Who is who.

    Args:
        title: whom the chat is with, as far as its file says.
        senders: printed names.
        names: what is said of them.
        group: whether it is a group, where the source or the person who imports knows.
        known: the source knows by itself which messages are ours.

    Raises BadFileError where only a person can tell.
    """
    printed = list(dict.fromkeys(senders))
    mine = frozenset(one for one in printed if names.is_ours(one))
    others = [one for one in printed if one not in mine]
    told = known or bool(names.ours)
    if group if group is not None else len({names.known_as(one) for one in others}) > (1 if told else 2):
        if not told:
            raise BadFileError(
                f"es un grupo: diga --me «NOMBRE» con el nombre de la redacción en él ({_some(others)})"
            )
        return Cast(True, _titled(title, "el grupo"), mine)
    if told:
        return Cast(False, others[0] if others else _titled(title, "la otra persona"), mine)
    if title not in others:
        raise BadFileError(
            f"no se sabe quién es la redacción: diga --me «NOMBRE», uno de: {_some(others) or title}"
        )
    return Cast(False, title, frozenset(one for one in others if one != title))


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + ("…" if len(names) > 12 else "")  # noqa: PLR2004 - as many as fit a line


def _titled(title: str, whom: str) -> str:
    if not title:
        raise BadFileError(
            f"el nombre del archivo no dice cómo se llama {whom}: llámelo «Chat de WhatsApp con NOMBRE» o diga --title"
        )
    return title
