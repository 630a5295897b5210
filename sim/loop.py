"""An asyncio event loop whose time is virtual and whose scheduling is drawn from a seed.

Time jumps to the next timer whenever nothing is ready, so an hour of waiting costs nothing. Among the ready
callbacks the next one is drawn from the seed: each seed is one interleaving, and the same seed is the same
interleaving again.
"""

import asyncio
import gc
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
END_S = 1.0  # of virtual time, which costs nothing
STEP_LIMIT = 3_000_000  # an honest world takes up to 400,000


class DeadlockError(Exception):
    """Nothing is ready and no timer is set, yet the world has not ended."""


class StepLimitError(Exception):
    """The world took more steps than any sound world needs: it spins."""


class _Task(asyncio.Task[Any]):
    """Hashed by the order of its making, not by its address: groups keep their tasks in sets, and cancel them so."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> None:
        self._number = number  # first: being made, it is put into a set
        super().__init__(coro, **kwargs)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Virtual time, seeded interleaving, no I/O.

    Args:
        seed: of the interleaving.
        step_limit: callbacks after which the world is taken to spin.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool
    _scheduled: list[Any]  # (when, order of setting, TimerHandle): quicker to compare than handles

    def __init__(self, seed: int, step_limit: float = STEP_LIMIT) -> None:
        super().__init__()
        self._now = 0.0
        self._timers = 0
        self._made = itertools.count()
        self._order = Random(seed)  # noqa: S311 - an interleaving, not a secret
        self.step_limit = step_limit
        self._clock_resolution = 1e-9
        self.steps = 0
        self.set_task_factory(lambda loop, coro, **kwargs: _Task(next(self._made), coro, loop=loop, **kwargs))
        self.set_exception_handler(lambda _loop, _context: None)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """A timer; two of the same instant come in the order in which they were set."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers += 1
        heapq.heappush(self._scheduled, (when, self._timers, handle))
        return handle

    def time(self) -> float:
        """Seconds of virtual time since the world began."""
        return self._now

    def _process_events(self, _event_list: Any) -> None:
        """No selector, no events."""

    def _write_to_self(self) -> None:
        """No other thread to be woken by."""

    def _run_once(self) -> None:
        """One callback; BaseEventLoop.run_forever calls this until stopped."""
        ready = self._ready
        self._release_due(waiting=not ready)
        if not ready:
            if not self._stopping:
                raise DeadlockError
            return
        if self.steps >= self.step_limit:
            raise StepLimitError
        if len(ready) > 1:
            ready.rotate(-self._order.randrange(len(ready)))
        handle = ready.popleft()
        self.steps += 1
        if not handle.cancelled():
            handle._run()

    def _release_due(self, *, waiting: bool) -> None:
        """Make due timers ready; where nothing else is, time jumps to the next one."""
        scheduled = self._scheduled
        while scheduled and (waiting or scheduled[0][0] <= self._now or scheduled[0][2].cancelled()):
            when, _, handle = heapq.heappop(scheduled)
            if not handle.cancelled():
                self._now, waiting = max(self._now, when), False
                self._ready.append(handle)


def run(seed: int, main: Coroutine[Any, Any, T], step_limit: float = STEP_LIMIT) -> tuple[T, VirtualLoop]:
    """Run a coroutine to its end in a fresh virtual loop; answers its result and the spent loop.

    Nothing looks for cycles meanwhile: that ends forgotten async generators, at a moment that no seed decides.
    """
    loop = VirtualLoop(seed, step_limit)
    asyncio.set_event_loop(loop)
    gc.disable()
    try:
        return loop.run_until_complete(main), loop
    finally:
        _end_tasks(loop)
        asyncio.set_event_loop(None)
        loop.close()
        gc.enable()


def _end_tasks(loop: VirtualLoop) -> None:
    """Cancel what the world left running, so that nothing of it reaches the next one; it counts no steps."""
    steps, loop.step_limit = loop.steps, math.inf
    loop.run_until_complete(_ended(loop))
    loop.steps = steps


async def _ended(loop: VirtualLoop) -> None:
    """Again and again: what a dead process awaits in its `finally` blocks never comes."""
    this = asyncio.current_task(loop)
    while left := [task for task in asyncio.all_tasks(loop) if task is not this]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=END_S)
