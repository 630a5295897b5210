"""How long a failed attempt waits before the next: exponential with full jitter, pure.

Full jitter spreads a crowd of failures best: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""

from collections.abc import Callable

CAP_S = 900.0
FACTOR = 4  # the first retry comes within a second, the sixth within a quarter of an hour

Uniform = Callable[[float, float], float]


def ceiling(attempt: int, base_s: float = 1.0, cap_s: float = CAP_S, factor: float = FACTOR) -> float:
    """Longest wait in seconds after the `attempt`-th failure (1 = the first)."""
    if attempt < 1:
        raise ValueError(f"attempt must be >= 1, got {attempt}")
    # Beyond 32 doublings any sensible base is over any sensible cap, and floats would overflow.
    return min(cap_s, base_s * factor ** min(attempt - 1, 32))


def full_jitter(
    attempt: int, uniform: Uniform, base_s: float = 1.0, cap_s: float = CAP_S, factor: float = FACTOR
) -> float:
    """A wait drawn evenly from [0, ceiling) seconds; `uniform` is `Ids.uniform`."""
    return uniform(0.0, ceiling(attempt, base_s, cap_s, factor))
