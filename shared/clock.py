"""Wall-clock time as a dependency.

Monotonic time and sleeping belong to the running event loop (`loop.time()`, `asyncio.sleep`), which the
simulator replaces whole; only the wall clock must be passed in.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """The wall clock of one process; two processes may differ by seconds."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        return time.time_ns()

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000
