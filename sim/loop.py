"""An asyncio event loop whose time is virtual and whose scheduling is drawn from a seed.

Time jumps to the next timer whenever nothing is ready, so an hour of waiting costs nothing. Among the ready
callbacks the next one is drawn from the seed: each seed is one interleaving, and the same seed is the same
interleaving again.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlockError(Exception):
    """Nothing is ready and no timer is set, yet the world has not ended."""


class StepLimitError(Exception):
    """The world took more steps than any sound world needs: it spins."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Virtual time, seeded interleaving, no I/O.

    Args:
        seed: of the interleaving.
        step_limit: callbacks after which the world is taken to spin.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool
    _scheduled: list[Any]  # TimerHandles with their private heap fields

    def __init__(self, seed: int, step_limit: int = 3_000_000) -> None:
        super().__init__()
        self._now = 0.0
        self._order = Random(seed)  # noqa: S311 - an interleaving, not a secret
        self._step_limit = step_limit
        self._clock_resolution = 1e-9
        self.steps = 0
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Seconds of virtual time since the world began."""
        return self._now

    def _process_events(self, _event_list: Any) -> None:
        """No selector, no events."""

    def _write_to_self(self) -> None:
        """No other thread to be woken by."""

    def _run_once(self) -> None:
        """One callback; BaseEventLoop.run_forever calls this until stopped."""
        self._drop_cancelled()
        self._release_due()
        ready = self._ready
        if not ready:
            if not self._stopping:
                raise DeadlockError
            return
        if len(ready) > 1:
            ready.rotate(-self._order.randrange(len(ready)))
        handle = ready.popleft()
        self.steps += 1
        if self.steps > self._step_limit:
            raise StepLimitError
        if not handle.cancelled():
            handle._run()

    def _drop_cancelled(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():
            heapq.heappop(self._scheduled)._scheduled = False

    def _release_due(self) -> None:
        scheduled = self._scheduled
        if not self._ready and scheduled:
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle.cancelled():
                self._ready.append(handle)


def run(seed: int, main: Coroutine[Any, Any, T]) -> tuple[T, VirtualLoop]:
    """Run a coroutine to its end in a fresh virtual loop; answers its result and the spent loop."""
    loop = VirtualLoop(seed)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main), loop
    finally:
        _end_tasks(loop)
        asyncio.set_event_loop(None)
        loop.close()


def _end_tasks(loop: VirtualLoop) -> None:
    """Cancel what the world left running, so that nothing of it reaches the next one."""
    tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
