"""A breaker: while a dependency is down nothing is received, and the dependency is asked by a call of its own.

A message is never the probe: it would burn a receive and, at the seventh, be parked for another's fault.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shared.queue.backoff import Uniform, full_jitter

_PROBE_CAP_S = 30.0
_PROBE_TIMEOUT_S = 5.0


def _unwatched(dependency: str, is_open: bool) -> None:  # noqa: FBT001 - the callback's shape
    del dependency, is_open


class Breaker:
    """Opens after `threshold` failures in a row; only a successful probe closes it.

    Args:
        dependency: its name, a metric label.
        trips_on: the errors that speak of this dependency; the message that met one waits, it did not fail.
        probe: a cheap call; returning = healthy, raising = still down.
        uniform: jitter between probes.
        changed: told (dependency, open) at each change.
    """

    def __init__(
        self,
        dependency: str,
        trips_on: tuple[type[Exception], ...],
        probe: Callable[[], Awaitable[object]],
        uniform: Uniform,
        *,
        threshold: int = 5,
        changed: Callable[[str, bool], None] = _unwatched,
    ) -> None:
        if threshold < 1:
            raise ValueError("breaker: threshold must be at least 1")
        self.dependency = dependency
        self._trips_on = trips_on
        self._probe = probe
        self._uniform = uniform
        self._threshold = threshold
        self._changed = changed
        self._failures = 0
        self._probes = 0
        self._due = 0.0
        self._probing = False
        self.is_open = False

    def trips(self, error: BaseException | None) -> bool:
        """Whether the error is this dependency's."""
        return isinstance(error, self._trips_on)

    def record(self, error: BaseException | None) -> None:
        """Count a handler's end; a success forgives earlier failures but does not close an open breaker."""
        if error is None:
            self._failures = 0
        elif self.trips(error):
            self._failures += 1
            if self._failures >= self._threshold and not self.is_open:
                self._turn(is_open=True)
                self._schedule()

    def due_in(self) -> float:
        """Seconds until the next probe is due; while one is in flight, its longest time."""
        if self._probing:
            return _PROBE_TIMEOUT_S
        return max(0.0, self._due - asyncio.get_running_loop().time())

    async def attempt(self) -> None:
        """Probe once if one is due and nobody else does; closes the breaker on success."""
        if not self.is_open or self.due_in() > 0:
            return
        self._probing = True
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await self._probe()
        except Exception:  # noqa: BLE001 - whatever it is, the dependency is not back
            self._schedule()
        else:
            self._failures = 0
            self._probes = 0
            self._turn(is_open=False)
        finally:
            self._probing = False

    def _schedule(self) -> None:
        self._probes += 1
        pause = full_jitter(self._probes, self._uniform, cap_s=_PROBE_CAP_S, factor=2)
        self._due = asyncio.get_running_loop().time() + pause

    def _turn(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self._changed(self.dependency, is_open)
