"""The table of members: everything Meta and AWS document, and what of it this run saw come back typed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tests.conformance import documented, facts
from tests.conformance.judge import Row

_SHOWN = 6  # names of missing members a line


def everything() -> Mapping[str, Sequence[str]]:
    """Every documented member by section."""
    sections: dict[str, Any] = {
        "any message": documented.COMMON,
        "head": documented.HEAD,
        "contacts": documented.CONTACT,
    }
    sections |= {f"message {kind}": tree for kind, tree in documented.TYPES.items() if tree}
    sections |= documented.ROWS
    sections |= facts.FIELDS
    named = {section: documented.members(tree) for section, tree in sections.items()}
    named["history"].remove("threads[].messages[]")  # each is a message by itself
    return named


def missing(rows: Iterable[Row]) -> dict[str, list[str]]:
    """By section: the members no file of the run had, or none came back of."""
    seen = {member for row in rows for member in row.members}
    return {
        section: [name for name in names if f"{section}: {name}" not in seen]
        for section, names in everything().items()
    }


def table(rows: Sequence[Row]) -> Table:
    """A line a section: members documented, read back, and the names of the others."""
    shown = Table("documented in", "members", "read back", "not in these files", box=None, pad_edge=False)
    for section, left in missing(rows).items():
        names = everything()[section]
        told = ", ".join(left[:_SHOWN]) + (f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else "")
        shown.add_row(section, str(len(names)), str(len(names) - len(left)), Text(told, "yellow"))
    return shown


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Members documented, and read back."""
    whole = sum(map(len, everything().values()))
    return {"members": whole, "members read back": whole - sum(map(len, missing(rows).values()))}
