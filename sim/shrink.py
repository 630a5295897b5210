"""A violation made small: faults are silenced in ever smaller groups as long as it stays (delta debugging).

Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), ddmin.
"""

from collections.abc import Sequence

from sim.campaign import Report, world

MAX_RUNS = 60


def shrink(seed: int, bug: str = "") -> tuple[Report, int]:
    """The smallest set of faults that still violates, as its report; and how many worlds that took."""
    report = world(seed, bug=bug)
    silenced: frozenset[int] = frozenset()
    runs, size = 1, len(report.struck)
    while size >= 1 and runs < MAX_RUNS:
        for group in _groups([number for number, _, _ in report.struck], size):
            tried = world(seed, silenced | group, bug)
            runs += 1
            if not tried.sound:
                report, silenced = tried, silenced | group
                break
            if runs >= MAX_RUNS:
                return report, runs
        else:
            size //= 2
    return report, runs


def _groups(numbers: Sequence[int], size: int) -> list[frozenset[int]]:
    return [frozenset(numbers[start : start + size]) for start in range(0, len(numbers), size)]
