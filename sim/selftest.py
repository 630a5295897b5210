"""`python -m sim.selftest`: bugs are planted in the product, one at a time, and the simulation must find each.

A bug counts as found by a seed whose world is violated with the bug and sound without it. A simulation that
finds less than all of them, or finds the one that changes nothing, counts for nothing.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat

from rich.console import Console
from rich.table import Table

from sim import scope
from sim.bugs import BUGS, NOTHING, Bug
from sim.bugs.plant import planted
from sim.campaign import hunted
from sim.scenario import Outcome, Size, play

MOST_WORLDS = 150
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Hunt:
    """What became of one bug.

    Attributes:
        seed: that found it, None where none did. named: what was violated, in the audit's words.
        worlds: played with the bug. calls: of the broken code in the last of them. clumsy: the bug's own faults.
    """

    bug: str
    what: str
    seed: int | None
    named: str
    worlds: int
    calls: int
    clumsy: str = ""

    @property
    def found(self) -> bool:
        """Whether a world was violated by the bug, and not by how it was planted."""
        return self.seed is not None and not self.clumsy


def main() -> int:
    """Exit 0 when every bug was found and there was one to be found; 1 otherwise."""
    options = _options()
    bugs = _chosen(options)
    console = Console(stderr=True)
    hunts = []
    for hunt in hunts_of(bugs, options.first, options.seeds):
        hunts.append(hunt)
        _told(console, hunt)
    if options.json:
        print(json.dumps([asdict(hunt) for hunt in hunts]))
    else:
        _table(console, hunts)
    print(verdict(hunts, options.first))
    return 0 if hunts and all(hunt.found for hunt in hunts) else 1


def hunts_of(bugs: Sequence[Bug], first: int, seeds: int) -> Iterator[Hunt]:
    """Hunt each bug in a process of its own, two at a time, in the order given."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sim.campaign", "sim.bugs"])
    names = [bug.name for bug in bugs]
    with ProcessPoolExecutor(WORKERS, context, max_tasks_per_child=1) as pool:
        yield from pool.map(_hunt_named, names, repeat(first), repeat(seeds))


def hunt(bug: Bug, first: int, seeds: int) -> Hunt:
    """Play worlds with a bug until one is violated that is sound without it."""
    worlds = calls = 0
    clumsy: list[str] = []
    for seed in range(first, first + seeds):
        with planted(bug) as done:
            outcome = played(bug, seed)
        worlds, calls, clumsy = worlds + 1, done.calls, done.clumsy
        if clumsy:
            break
        if not outcome.sound and played(bug, seed).sound:
            return Hunt(bug.name, bug.what, seed, _named(outcome), worlds, calls)
    return Hunt(bug.name, bug.what, None, "", worlds, calls, "; ".join(clumsy[:1]))


def played(bug: Bug, seed: int) -> Outcome:
    """A campaign's world of that seed with the bug's scenes and failing files."""
    return play(seed, Size(), hunted(bug, seed), scope.by_file())


def verdict(hunts: Sequence[Hunt], first: int) -> str:
    """The last line."""
    found = sum(hunt.found for hunt in hunts)
    worlds = sum(hunt.worlds for hunt in hunts)
    missed = [hunt.bug for hunt in hunts if not hunt.found]
    line = (
        f"sim-selftest: {found} of {len(hunts)} bugs found, commit {_commit()}, seeds from {first}, "
        f"{worlds} worlds"
    )
    return line + (f"; not found: {', '.join(missed)}" if missed else "")


def _hunt_named(name: str, first: int, seeds: int) -> Hunt:
    return hunt(next(bug for bug in (*BUGS, NOTHING) if bug.name == name), first, seeds)


def _named(outcome: Outcome) -> str:
    if outcome.verdict is None or not outcome.verdict.faults:
        return outcome.problem or "nobody wrote anything"
    first = outcome.verdict.faults[0]
    return f"({first.invariant}) {first.fault}: {first.subject} {first.detail}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim.selftest", description=__doc__)
    parser.add_argument("--bugs", help="names, separated by commas; default: all")
    parser.add_argument("--seeds", type=int, default=MOST_WORLDS, help="most worlds a bug")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--plant-nothing", action="store_true", help="a bug that changes nothing: must fail")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Bug]:
    if options.plant_nothing:
        return [NOTHING]
    if not options.bugs:
        return list(BUGS)
    wanted = options.bugs.split(",")
    unknown = sorted(set(wanted) - {bug.name for bug in BUGS})
    if unknown:
        names = ", ".join(bug.name for bug in BUGS)
        raise SystemExit(f"--bugs: there is no {', '.join(unknown)}; choose of {names}")
    return [bug for bug in BUGS if bug.name in wanted]


def _told(console: Console, hunt: Hunt) -> None:
    where = f"seed {hunt.seed}: {hunt.named}" if hunt.found else hunt.clumsy or "not found"
    console.print(f"{hunt.bug}: {hunt.worlds} worlds, {where}", markup=False, highlight=False, soft_wrap=True)


def _table(console: Console, hunts: Sequence[Hunt]) -> None:
    table = Table("bug", "seed", "worlds", "calls", "violated", title="planted bugs")
    for hunt in hunts:
        seed = str(hunt.seed) if hunt.found else "-"
        table.add_row(
            hunt.bug, seed, str(hunt.worlds), str(hunt.calls), hunt.named or hunt.clumsy or "nothing"
        )
    console.print(table)


def _commit() -> str:
    git = ["git", "-C", str(scope.ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"  # noqa: S603 - our own fixed command


if __name__ == "__main__":
    sys.exit(main())
