"""What a row answers, and the arithmetic of it. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured, of whom.
        limit: it must be below or at this; None = shown only.
        note: what a reader must know beside it.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether it has a bar and is over it (a value that is not a number is)."""
        return self.limit is not None and not self.value <= self.limit


@dataclass(slots=True)
class Row:
    """One row of the table.

    Attributes:
        counts: how much was exercised; a 0 voids the row.
        audit: the line it ended with.
        voids: why its figures must not be used; empty = they may.
        load: the machine's 1-minute load average before and after.
        series: curves for the plot, by their names.
    """

    name: str
    figures: list[Figure] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    audit: str = ""
    voids: list[str] = field(default_factory=list)
    load: tuple[float, float] = (0.0, 0.0)
    seconds: float = 0.0
    series: dict[str, Points] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """All that voids it."""
        return [*self.voids, *(f"{name} is 0" for name, count in self.counts.items() if count == 0)]

    def missed(self) -> list[Figure]:
        """The figures over their bars."""
        return [figure for figure in self.figures if figure.missed]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` from 0 to 1; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(
    name: str, values: Sequence[float], unit: str, limit: float | None = None, note: str = ""
) -> Figure:
    """The median of repetitions, with all of them in the note."""
    each = ", ".join(f"{value:.2f}" for value in values)
    return Figure(name, median(values) if values else math.nan, unit, limit, note or f"repetitions: {each}")


def slope(points: Points) -> float:
    """Least-squares slope of y over x; 0 where x does not vary."""
    if not points:
        return math.nan
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / across if across else 0.0


def second_half(points: Points) -> Points:
    """The points whose x lies in the upper half of the range."""
    if not points:
        return points
    middle = (points[0][0] + points[-1][0]) / 2
    return [point for point in points if point[0] >= middle]


def latencies(begun: Mapping[str, float], ended: Mapping[str, float]) -> list[float]:
    """Differences for every key that both have."""
    return [ended[key] - start for key, start in begun.items() if key in ended]


def verdict(rows: Sequence[Row]) -> tuple[str, int]:
    """The last line, and the exit code: 1 = void or nothing measured, 2 = a bar missed, 0 = all is well."""
    void = [row.name for row in rows if row.problems()]
    missed = [figure.name for row in rows for figure in row.missed()]
    barred = sum(figure.limit is not None for row in rows for figure in row.figures)
    told = f"bench: {len(rows)} rows, {barred - len(missed)} of {barred} bars met"
    told += f", missed: {'; '.join(missed)}" if missed else ""
    told += f", VOID: {', '.join(void)}" if void else ""
    if void or not rows or not barred:
        return told, 1
    return told, 2 if missed else 0
