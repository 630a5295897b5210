"""Token buckets as one integer: the theoretical arrival time of the generic cell rate algorithm.

A bucket of `burst` tokens that gains one each `interval` is full when the theoretical arrival time (tat) is
not after now; each token moves it on by one interval. One number means one conditional update, and a clock
that is 2 s off costs at most 2 s of tokens. Source: ITU-T I.371, annex A (virtual scheduling).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate: one token each `interval_us` microseconds, at most `burst` at once."""

    interval_us: int
    burst: int

    def take(self, tat_us: int | None, now_us: int) -> int | None:
        """The tat after taking a token; None where there is none now."""
        start = max(tat_us or 0, now_us)
        full_after = (self.burst - 1) * self.interval_us
        return start + self.interval_us if start - now_us <= full_after else None

    def free_at_us(self, tat_us: int | None) -> int:
        """From when on a token is there."""
        return max((tat_us or 0) - (self.burst - 1) * self.interval_us, 0)


# Meta, "About the platform", pair rate limit: 1 message each 6 s to one user, a burst of 45 borrowed from it.
# One token less than Meta gives: 6 s of slack for clocks that differ and roads that are not equally long.
PAIR = Bucket(interval_us=6_000_000, burst=44)
# Meta, "Throughput": 80 messages in any second of a number, in and out together. At most 10 + 60 of ours
# fall into one second, which leaves 10 to what comes in.
NUMBER = Bucket(interval_us=16_667, burst=10)
