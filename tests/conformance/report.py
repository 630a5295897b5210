"""Shows the verdicts: a row a file with rich, or a JSON object a line; the last line says it all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.conformance import members
from tests.conformance.judge import Row

WIDTH = 160


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Counts over all files."""
    kinds: dict[str, int] = {}
    for row in rows:
        for kind, count in row.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return {
        "files": len(rows),
        "kept": sum(row.kept for row in rows),
        "leaves": sum(row.leaves for row in rows),
        "read": sum(row.read for row in rows),
        "untyped": sum(row.untyped for row in rows),
        "kinds": dict(sorted(kinds.items())),
        **members.counts(rows),
    }


def show(rows: Sequence[Row], facts: Mapping[str, Any], console: Console, *, as_json: bool) -> None:
    """Print the rows, then what the run was and counted."""
    if as_json:
        for row in rows:
            print(json.dumps(_plain(row), ensure_ascii=False))
        left = {section: names for section, names in members.missing(rows).items() if names}
        print(json.dumps({**facts, **summary(rows), "missing": left}, ensure_ascii=False))
        return
    table = Table("file", "shape", "recorded as", "leaves", "verdict", box=None, pad_edge=False)
    for row in rows:
        table.add_row(Text(row.name), row.shape, _kinds(row), f"{row.read} of {row.leaves}", _verdict(row))
    console.print(table)
    console.print(members.table(rows))
    counts = summary(rows)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), highlight=False)
    console.print(f"kinds: {_listed(counts['kinds'])}", highlight=False)
    console.print(
        f"leaves {counts['read']} of {counts['leaves']}, {counts['untyped']} of them in members nobody documents",
        highlight=False,
    )
    console.print(
        f"members {counts['members read back']} of {counts['members']} documented ones read back by a typed field",
        highlight=False,
    )


def last_line(rows: Sequence[Row]) -> str:
    """`N of N kept`."""
    return f"{sum(row.kept for row in rows)} of {len(rows)} kept"


def _plain(row: Row) -> dict[str, Any]:
    return {
        "file": row.name,
        "shape": row.shape,
        "kinds": dict(row.kinds),
        "read": row.read,
        "leaves": row.leaves,
        "untyped": row.untyped,
        "kept": row.kept,
        "wrong": row.wrong,
    }


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _kinds(row: Row) -> str:
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in row.kinds.items()) or "-"


def _verdict(row: Row) -> Text:
    return Text("kept", "green") if row.kept else Text("; ".join(row.wrong), "red")
