"""The table people see, the JSON machines read, and the tables of docs/performance.md: all from the same rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.table import Table

from bench.figures import Figure, Points, Row

Meta = Mapping[str, Any]
_ROUND = 1000  # from here on nobody needs decimals


def table(rows: Sequence[Row]) -> Group:
    """Every figure with its bar."""
    shown = Table("row", "figure", "value", "bar", "", "note", title="make bench")
    for row in rows:
        for figure in row.figures:
            shown.add_row(row.name, figure.name, _value(figure), _bar(figure), _mark(figure), figure.note)
        shown.add_section()
    return Group(shown, *(closing(row) for row in rows))


def closing(row: Row) -> str:
    """What was exercised and how the row ended."""
    counts = ", ".join(f"{name} {count}" for name, count in row.counts.items())
    void = f" · VOID: {'; '.join(row.problems())}" if row.problems() else ""
    load = f"load average {row.load[0]:.1f} to {row.load[1]:.1f}"
    return f"{row.name}: {counts} · {row.seconds:.0f} s · {load} · {row.audit}{void}"


def to_json(row: Row, meta: Meta) -> str:
    """One row with what it was measured on."""
    return json.dumps({"meta": dict(meta), "row": asdict(row)}, ensure_ascii=False, indent=1) + "\n"


def from_json(text: str) -> tuple[Row, Meta]:
    """The inverse."""
    found = json.loads(text)
    plain = found["row"]
    figures = [Figure(**each) for each in plain.pop("figures")]
    load = tuple(plain.pop("load"))
    series: dict[str, Points] = {
        name: [(x, y) for x, y in points] for name, points in plain.pop("series").items()
    }
    return Row(**plain, figures=figures, load=load, series=series), found["meta"]


def markdown(row: Row, meta: Meta) -> str:
    """One row as a section: figures, counts, how it ended, what it was measured on."""
    taken = (
        f"Measured {meta['date']} at commit {meta['commit']}, seed {meta['seed']}, {meta['cores']} cores, "
    )
    taken += f"{meta['memory_gb']} GB, load average {row.load[0]:.1f} before and {row.load[1]:.1f} after."
    lines = [
        f"### {row.name}",
        "",
        taken,
        "",
        "| figure | value | bar | | note |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {figure.name} | {_value(figure)} | {_bar(figure)} | {_mark(figure)} | {figure.note} |"
        for figure in row.figures
    ]
    return "\n".join([*lines, "", closing(row), ""])


def _value(figure: Figure) -> str:
    return (
        f"{figure.value:,.2f} {figure.unit}"
        if abs(figure.value) < _ROUND
        else f"{figure.value:,.0f} {figure.unit}"
    )


def _bar(figure: Figure) -> str:
    return "" if figure.limit is None else f"<= {figure.limit:g}"


def _mark(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    return "MISSED" if figure.missed else "met"
