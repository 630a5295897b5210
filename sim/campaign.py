"""Many worlds: which faults each seed is to visit, over the machine's cores, and what came of it."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from math import gcd

from sim import scope
from sim.bugs import BUGS, Bug
from sim.bugs.plant import planted
from sim.cells import Fault, Site
from sim.chaos import Plan
from sim.scenario import Outcome, Size, play
from sim.scenes import SHY, Scene, enabling

RATE = 0.008  # probability of a fault at a call, beside the wanted ones
RATES = (0.05, RATE)  # of a hunt, seed after seed: a death at one joint is met soon, or met alone
CALM_EACH = 10
GOLDEN = (5**0.5 - 1) / 2  # Knuth, TAOCP vol. 3, s. 6.4: steps of this part of a circle lie far apart
DEAR = frozenset({Scene.ERASED, Scene.AGED})  # a world with the keeper costs twice as much:
DEAR_EACH = 3  # so each third seed wants the cells that need one, and the others none of them
# Cells a seed is to visit, if it gets there; a pure function of the seed, so that the seed alone replays.
WANTED_DEAR, WANTED, WANTED_SHY = 20, 12, 2


@dataclass(frozen=True, slots=True)
class Report:
    """What one world has to say, small enough to travel between processes."""

    seed: int
    sound: bool
    line: str
    faults: tuple[str, ...]
    written: int
    steps: int
    seconds: float
    digest: str
    cells: dict[tuple[str, int, str], int]
    struck: tuple[tuple[int, str, str], ...]


@dataclass(slots=True)
class Tally:
    """The sum of a campaign."""

    worlds: int = 0
    messages: int = 0
    seconds: float = 0.0
    steps: int = 0
    cells: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    violations: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Count one world."""
        self.worlds += 1
        self.messages += report.written
        self.seconds += report.seconds
        self.steps += report.steps
        self.cells.update(report.cells)
        if not report.sound:
            self.violations.append(report)


def plan(seed: int, silenced: frozenset[int] = frozenset()) -> Plan:
    """The faults of a seed; each CALM_EACH-th world has none."""
    return calm(seed) if seed % CALM_EACH == CALM_EACH - 1 else faulty(seed, silenced)


def hunted(bug: Bug, seed: int, silenced: frozenset[int] = frozenset()) -> Plan:
    """The faults of a seed in which a bug is hunted: with its scenes and failing files, or with none at all."""
    if Scene.CALM in bug.scenes:
        return replace(calm(seed), scenes=bug.scenes)
    base = faulty(seed, silenced)
    rate = RATES[seed % len(RATES)]
    return replace(base, rate=rate, scenes=base.scenes | bug.scenes, hot=bug.hot, heat=bug.heat)


def faulty(seed: int, silenced: frozenset[int] = frozenset()) -> Plan:
    """A world in which things go wrong, some of them where the seed wants them."""
    turn = seed - seed // CALM_EACH  # calm seeds take no turn
    mine, behind = turn % DEAR_EACH == 0, -(-turn // DEAR_EACH)
    part, turn = (_parts()[0], turn // DEAR_EACH) if mine else (_parts()[1], turn - behind)
    count = WANTED_DEAR if mine else WANTED
    shy = [(site, fault) for site, fault in part if (site.path, site.function) in SHY]
    chosen = [*_turn(part, turn, count), *_turn(shy, turn, WANTED_SHY)]
    wanted = {(site.path, site.line): fault for site, fault in chosen}
    return Plan(seed, RATE, silenced, wanted, enabling(site for site, _ in chosen))


@cache
def _parts() -> tuple[list[tuple[Site, Fault]], list[tuple[Site, Fault]]]:
    """The matrix: cells that need a dear scene, and the others."""
    dear = [cell for cell in scope.cells() if DEAR & enabling([cell[0]])]
    return dear, [cell for cell in scope.cells() if not DEAR & enabling([cell[0]])]


def _turn(cells: list[tuple[Site, Fault]], turn: int, count: int) -> list[tuple[Site, Fault]]:
    """The cells of one turn."""
    return [cells[_place(turn * count + n, len(cells))] for n in range(count)]


def _place(turn: int, cells: int) -> int:
    """Every cell once in `cells` turns, far from its neighbours, and in each round at another turn."""
    stride = round(cells * GOLDEN)
    while gcd(stride, cells) > 1:
        stride += 1
    return (turn * stride + turn // cells) % cells


def calm(seed: int) -> Plan:
    """A world in which nothing goes wrong."""
    return Plan(seed, 0.0, scenes=frozenset({Scene.CALM}), heat=0.0)


def world(seed: int, silenced: frozenset[int] = frozenset(), bug: str = "") -> Report:
    """Play one seed; with a planted bug, its name given, in a world that has what the bug needs."""
    if not bug:
        return _report(play(seed, Size(), plan(seed, silenced), scope.by_file()))
    fault = named(bug)
    with planted(fault):
        return _report(play(seed, Size(), hunted(fault, seed, silenced), scope.by_file()))


def named(bug: str) -> Bug:
    """A planted bug by its name. Raises KeyError where there is none."""
    return {each.name: each for each in BUGS}[bug]


def campaign(first: int, count: int, workers: int | None = None, bug: str = "") -> Iterator[Report]:
    """Play many seeds, in order of the seeds."""
    workers = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(world, bug=bug), range(first, first + count), chunksize=4)


def _report(outcome: Outcome) -> Report:
    verdict = outcome.verdict
    found = [f"({f.invariant}) {f.fault}: {f.subject} {f.detail}" for f in verdict.faults] if verdict else []
    return Report(
        seed=outcome.seed,
        sound=outcome.sound,
        line=outcome.problem or (verdict.line() if verdict else "nothing was judged"),
        faults=tuple(found),
        written=verdict.written if verdict else 0,
        steps=outcome.steps,
        seconds=outcome.seconds,
        digest=outcome.digest,
        cells=_cells(outcome.chaos.cells),
        struck=tuple((number, where, str(fault)) for number, where, fault in outcome.chaos.plan.struck),
    )


def _cells(counted: Counter[tuple[Site, Fault]]) -> dict[tuple[str, int, str], int]:
    return {(site.path, site.line, str(fault)): times for (site, fault), times in counted.items()}
