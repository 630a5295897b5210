"""How much one destination is called at once, and when it asked to be left alone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BUSY_S = 0.25  # how soon the first lane that found its destination at the limit looks again
MOST_WAIT_S = 60.0
FIRST_GUESS_S = 0.1
WEIGHT = 0.25  # of the newest call in the running mean


@dataclass(slots=True)
class _Place:
    """One destination. Times are the loop's; `turn` is when the last lane sent away may come back."""

    calls: int = 0
    mean_s: float = FIRST_GUESS_S
    turn: float = 0.0
    quiet_until: float = 0.0


class Limits:
    """Per destination, within this process; nobody waits here: a lane that may not call comes back later.

    Lanes that are sent away get turns one after the other at the rate at which the destination answers, so
    that thousands of lanes of a hanging destination do not come back all at once, again and again.

    Args:
        most: calls in progress at once to one destination.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, _Place] = {}

    def wait_s(self, destination: str) -> float:
        """Seconds until it may be called; 0 = now."""
        place, now = self._place(destination), _now()
        if place.quiet_until > now:
            return place.quiet_until - now
        if place.calls < self._most:
            return 0.0
        place.turn = max(place.turn, now + BUSY_S) + place.mean_s / self._most
        place.turn = min(place.turn, now + MOST_WAIT_S)
        return place.turn - now

    def rest(self, destination: str, seconds: float) -> None:
        """Leave a destination alone: all its lanes wait, not only the one that was told so."""
        self._place(destination).quiet_until = _now() + seconds

    @contextmanager
    def calling(self, destination: str) -> Iterator[None]:
        """One call in progress."""
        place, began = self._place(destination), _now()
        place.calls += 1
        try:
            yield
        finally:
            place.calls -= 1
            place.mean_s += WEIGHT * (_now() - began - place.mean_s)

    def _place(self, destination: str) -> _Place:
        return self._places.setdefault(destination, _Place())


def _now() -> float:
    return asyncio.get_running_loop().time()
