"""Keeps docs/performance.md: words by hand, the measured part between two marks written anew from kept rows."""

from collections.abc import Sequence
from pathlib import Path

from bench import plot
from bench.figures import Row, verdict
from bench.report import Meta, markdown
from local.paths import ROOT

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "img" / "bench-rows.png"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def update(rows: Sequence[tuple[Row, Meta]], page: Path = PAGE, picture: Path = PICTURE) -> None:
    """Put the rows into the page and draw them. Raises ValueError where the page lacks the marks."""
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page.name}: put {BEGIN} and {END} where the tables belong")
    plot.draw([row for row, _ in rows], picture)
    page.write_text(f"{before}{BEGIN}\n{measured(rows, picture.name)}{END}{after}", "utf-8")


def measured(rows: Sequence[tuple[Row, Meta]], picture: str) -> str:
    """The measured part."""
    sections = [markdown(row, meta) for row, meta in rows]
    line, _ = verdict([row for row, _ in rows])
    return "\n".join(["", f"![the measured rows](img/{picture})", "", *sections, f"`{line}`", ""])
