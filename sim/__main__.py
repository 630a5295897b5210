"""`python -m sim --seeds N --first K`: play worlds, fill the matrix, and shrink what is violated."""

import argparse
import json
import subprocess
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim import scope
from sim.bugs import BUGS
from sim.campaign import Report, Tally, campaign, world
from sim.shrink import shrink

SHOWN = 3  # violations that are shrunk and shown; each is one integer to replay


def main() -> int:
    """Exit 0 when every world is sound and every cell was visited; 1 otherwise."""
    options = _options()
    if options.replay is not None:
        return _replay(options)
    console = Console(stderr=True)
    tally = Tally()
    with Progress(
        TextColumn("mundos / worlds"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("", total=options.seeds)
        for report in campaign(options.first, options.seeds, bug=options.bug):
            tally.add(report)
            if not report.sound:  # at once: to shrink three of them takes minutes
                bar.console.print(
                    f"violated: seed {report.seed}, {report.line}", markup=False, highlight=False
                )
            bar.advance(task)
    return _tell(tally, options, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--replay", type=int, help="play one seed again and show what happened in it")
    parser.add_argument("--shrink", action="store_true", help="with --replay: only the faults that it needs")
    parser.add_argument(
        "--bug",
        default="",
        choices=[bug.name for bug in BUGS],
        metavar="NAME",
        help="plant one of sim/bugs first",
    )
    parser.add_argument("--some-cells", action="store_true", help="few seeds: cells need not all be visited")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    return parser.parse_args()


def _tell(tally: Tally, options: argparse.Namespace, console: Console) -> int:
    matrix = [(site.path, site.line, str(fault)) for site, fault in scope.cells()]
    missing = [cell for cell in matrix if not tally.cells[cell]]
    visited = len(matrix) - len(missing)
    shrunk = [shrink(report.seed, options.bug)[0] for report in tally.violations[:SHOWN]]
    good = not tally.violations and tally.messages > 0 and (options.some_cells or not missing)
    if options.json:
        print(json.dumps(_summary(tally, options, visited, len(matrix))))
    else:
        _table(console, missing)
        for whole, report in zip(tally.violations, shrunk, strict=False):
            _violation(whole, report, options.bug)
    print(
        f"sim: {'ok' if good else 'FAILED'}, commit {_commit()}, seeds {options.first}.."
        f"{options.first + tally.worlds - 1}, {tally.worlds} worlds, {tally.messages} messages, "
        f"{tally.seconds / 3600:.1f} h simulated, cells {visited} of {len(matrix)} "
        f"({100 * visited // max(1, len(matrix))} %, {scope.left_out()} of files not composed yet left out), "
        f"{len(tally.violations)} violations" + (f", with bug {options.bug} planted" if options.bug else "")
    )
    return 0 if good else 1


def _summary(tally: Tally, options: argparse.Namespace, visited: int, cells: int) -> dict[str, object]:
    return {
        "commit": _commit(),
        "first": options.first,
        "worlds": tally.worlds,
        "messages": tally.messages,
        "hours": tally.seconds / 3600,
        "steps": tally.steps,
        "cells_visited": visited,
        "cells": cells,
        "violations": [report.seed for report in tally.violations],
    }


def _table(console: Console, missing: list[tuple[str, int, str]]) -> None:
    if missing:
        table = Table("site", "fault", title="cells not visited")
        for path, line, fault in missing[:40]:
            table.add_row(f"{path}:{line}", fault)
        console.print(table)


def _violation(whole: Report, shrunk: Report, bug: str) -> None:
    """A violation, the one integer that plays it again, and the world with only the faults it needs."""
    again = f"python -m sim --replay {whole.seed}" + (f" --bug {bug}" if bug else "")
    print(f"violation: seed {whole.seed}, {whole.line}; again with: {again}")
    print(f"  shrunk to {len(shrunk.struck)} of {len(whole.struck)} faults ({again} --shrink): {shrunk.line}")
    _show(shrunk)


def _show(report: Report) -> None:
    for number, where, fault in report.struck:
        print(f"  call {number:6d}  {fault:18s} {where}")
    for fault_line in report.faults:
        print(f"  {fault_line}")


def _replay(options: argparse.Namespace) -> int:
    seed, bug = options.replay, options.bug
    report = shrink(seed, bug)[0] if options.shrink else world(seed, bug=bug)
    _show(report)
    print(f"sim: seed {seed}, {'ok' if report.sound else 'FAILED'}, digest {report.digest}, {report.line}")
    return 0 if report.sound else 1


def _commit() -> str:
    git = ["git", "-C", str(scope.ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"  # noqa: S603 - our own fixed command


if __name__ == "__main__":
    sys.exit(main())
