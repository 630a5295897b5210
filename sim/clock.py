"""The wall clock and the randomness of one simulated process."""

import asyncio
from collections.abc import Callable
from random import Random

EPOCH_MS = 1_764_000_000_000  # where each world's wall clock starts: 2025-11-24T16:00:00Z


class VirtualClock:
    """The loop's time plus this process's skew.

    Args:
        skew_ms: how far this process's clock is off; CONTRACTS allows 2 s between two.
    """

    def __init__(self, skew_ms: int = 0) -> None:
        self._skew_ns = skew_ms * 1_000_000

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, as this process believes."""
        return EPOCH_MS * 1_000_000 + int(asyncio.get_running_loop().time() * 1e9) + self._skew_ns

    def now_ms(self) -> int:
        """Milliseconds since the epoch, as this process believes."""
        return self.now_ns() // 1_000_000


def token_bytes(seed: str) -> Callable[[int], bytes]:
    """A seeded source of bytes that stands for the machine's randomness."""
    return Random(seed).randbytes  # noqa: S311 - must be reproducible
