"""`python -m bench`: measures the rows asked for, prints one table, keeps JSON and a picture, says one verdict.

Exit: 0 = every bar met, 2 = measured and a bar missed, 1 = void (something lost, nothing measured, no audit).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import document, measure, plot, report
from bench.figures import Row, verdict
from bench.rows import ingest, memory, pipeline, queue
from local.install import Say
from local.paths import ROOT, STATE
from local.trouble import Trouble

ROWS = ("queue", "ingest", "pipeline", "memory")
SEED = 0  # the twin's: TWIN_SEED, its default
# What a row's figures depend on; the page that they are written into is none of it.
MEASURED = ("bench", "local", "services", "shared", "twin", "requirements", "pyproject.toml")
_MEASURERS: Mapping[str, Callable[[argparse.Namespace, Say], Row]] = {
    "queue": lambda o, say: queue.run(o.messages or 20_000, o.repetitions, say),
    "ingest": lambda o, say: asyncio.run(ingest.run(o.messages or 1_000, o.rate, say)),
    "pipeline": lambda o, say: asyncio.run(
        pipeline.run(o.messages / o.rate if o.messages else 60.0, o.rate, o.top_rate, say)
    ),
    "memory": lambda o, say: asyncio.run(memory.run(o.messages or _flood(o.rows), o.limit, say)),
}


def main() -> int:
    """Measure, tell, keep."""
    options, console, commit = _options(), Console(), _commit()
    kept = Path(options.out)
    if not options.only_docs:
        rows = [_measured(name, options, console, kept, commit) for name in _asked(options.rows)]
        _tell(rows, options, console, kept, commit)
    else:
        rows = [row for row, _ in _kept(kept)]
    if options.docs or options.only_docs:
        document.update(_kept(kept))
    line, code = verdict(rows)
    print(f"commit {commit}, seed {SEED} · {line}")
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--rows", default=os.environ.get("ROWS", ",".join(ROWS)), help="of " + ",".join(ROWS))
    add("--messages", type=int, default=0, help="messages a row; 0 = each row's own full count")
    add("--repetitions", type=int, default=2, help="of each drain of the queue row")
    add("--rate", type=float, default=10.0, help="messages a second of ingest and pipeline")
    add("--top-rate", type=float, default=200.0, help="where the pipeline's ramp ends at the latest")
    add("--limit", type=float, default=2400.0, help="seconds the memory row may write")
    add("--out", default=str(STATE / "bench"), help="folder of <row>.json and bench.png")
    add("--json", action="store_true", help="print the rows as JSON instead of the table")
    add("--docs", action="store_true", help="also write the kept rows into docs/performance.md")
    add("--only-docs", action="store_true", help="measure nothing, write the kept rows into the docs")
    return parser.parse_args()


def _flood(rows: str) -> int:
    """Messages of the memory row: all that its bar speaks of where it runs alone, a quarter of an hour on two cores."""
    return memory.FULL if _asked(rows) == ["memory"] else memory.SHORT


def _asked(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise SystemExit(f"rows: {', '.join(unknown) or 'none'} unknown; give some of {','.join(ROWS)}")
    return names


def _measured(name: str, options: argparse.Namespace, console: Console, kept: Path, commit: str) -> Row:
    """One row, kept as JSON; what stops it voids it, so that the other rows are still measured."""

    def say(line: str) -> None:
        console.print(f"[dim]{name}[/] {line}", highlight=False)

    try:
        row = _MEASURERS[name](options, say)
    except (Trouble, RuntimeError, OSError) as error:
        row = Row(name, counts={"figures": 0}, voids=[f"{type(error).__name__}: {error}"])
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{name}.json").write_text(report.to_json(row, _meta(commit)), "utf-8")
    return row


def _tell(rows: list[Row], options: argparse.Namespace, console: Console, kept: Path, commit: str) -> None:
    plot.draw(rows, kept / "bench.png")
    if options.json:
        told = [json.loads(report.to_json(row, _meta(commit))) for row in rows]
        print(json.dumps(told, ensure_ascii=False))
    else:
        console.print(report.table(rows))


def _kept(folder: Path) -> list[tuple[Row, report.Meta]]:
    """The rows kept by this and earlier runs, in the table's order."""
    files = [folder / f"{name}.json" for name in ROWS]
    return [report.from_json(file.read_text("utf-8")) for file in files if file.exists()]


def _meta(commit: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"date": f"{now:%Y-%m-%d %H:%M} UTC", "commit": commit, "seed": SEED, **measure.machine()}


def _commit() -> str:
    """The checkout's commit, marked where a measured file differs from it."""
    named = _git("rev-parse", "--short=10", "HEAD").stdout.strip()
    changed = named and _git("diff", "--quiet", "HEAD", "--", *MEASURED).returncode
    return f"{named or 'unknown'}{'-dirty' if changed else ''}"


def _git(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own words
        ["git", *words],  # noqa: S607 - git as found
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
