"""When two pictures count as near the same: the distance of their perceptual hashes. Pure.

The threshold was measured: `make near-dup` (docs/media.md).
"""

from collections.abc import Iterable

NEAR = 10  # bits of 64 that may differ


def distance(one: int, other: int) -> int:
    """Bits in which two 64-bit hashes differ."""
    return (one ^ other).bit_count()


def nearest(query: Iterable[int], index: Iterable[int]) -> int:
    """The least distance between any hash of a query and any kept hash; 64 where a side is empty."""
    kept = list(index)
    return min((distance(one, other) for one in query for other in kept), default=64)
