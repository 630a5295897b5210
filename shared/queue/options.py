"""A worker's numbers, checked where they are written."""

from dataclasses import dataclass

from shared import topology
from shared.queue.port import MAX_BATCH, MAX_WAIT_S

MAX_HIDE_S = 6 * 3600  # with MAX_HOLD_S it stays under SQS's 12 h a receive (SQS quotas, visibility timeout)
MAX_HOLD_S = 6 * 3600 - 1
STOP_TIMEOUT_S = 120  # ECS: most a task may take after SIGTERM (stopTimeout, Fargate)


@dataclass(frozen=True, slots=True)
class Options:
    """How one worker polls, holds and stops. Times in seconds.

    Attributes:
        visibility_s: how long a receive hides a message (topology.QueueSpec.visibility_s).
        concurrency: messages held at once, from before the receive until the delete is confirmed.
        pollers: receives in flight at once.
        wait_s: long poll; the worker is alive while its poll loop turns at least every 2 x wait_s.
        heartbeat_s: how often a held message is hidden anew; 0 = a third of the visibility.
        flush_s: how long a delete may wait for company.
        max_hold_s: a handler still running after this loses its message.
        drain_s: how long handlers may finish after stop; then they are cancelled and their messages released.
        release_s: how long that release may take.
        park_at: the receive at which an unexplained failure is parked.
    """

    visibility_s: int
    concurrency: int = 100
    pollers: int = 2
    wait_s: float = 10.0
    heartbeat_s: float = 0.0
    flush_s: float = 0.5
    max_hold_s: float = 3600.0
    drain_s: float = 90.0
    release_s: float = 10.0
    park_at: int = topology.PARK_AT_RECEIVE

    def __post_init__(self) -> None:
        """Raises ValueError naming the option and the remedy."""
        for wrong, remedy in self._rules():
            if wrong:
                raise ValueError(f"worker options: {remedy}")

    @property
    def batch(self) -> int:
        """How many deletes may wait for company: of the permits no more than a quarter."""
        return min(MAX_BATCH, max(1, self.concurrency // 4))

    @property
    def beat_s(self) -> float:
        """Seconds between two heartbeats."""
        return self.heartbeat_s or self.visibility_s / 3

    def _rules(self) -> tuple[tuple[bool, str], ...]:
        return (
            (not 1 <= self.visibility_s <= MAX_HIDE_S, f"visibility_s must be 1 to {MAX_HIDE_S}"),
            (self.concurrency < 1, "concurrency must be at least 1"),
            (self.pollers < 1, "pollers must be at least 1"),
            (not 0 < self.wait_s <= MAX_WAIT_S, f"wait_s must be above 0 and at most {MAX_WAIT_S}"),
            (not 0 < self.beat_s < self.visibility_s, "heartbeat_s must be below visibility_s"),
            (not 0 <= self.flush_s < self.visibility_s / 3, "flush_s must be below a third of visibility_s"),
            (
                not self.visibility_s <= self.max_hold_s <= MAX_HOLD_S,
                f"max_hold_s must be visibility_s to {MAX_HOLD_S}",
            ),
            (self.drain_s < self.wait_s, "drain_s must be at least wait_s: a receive is never cancelled"),
            (self.release_s <= 0, "release_s must be above 0"),
            (
                self.drain_s + self.release_s > STOP_TIMEOUT_S,
                f"drain_s + release_s must fit into {STOP_TIMEOUT_S}",
            ),
            (
                not 1 <= self.park_at < topology.MAX_RECEIVES,
                f"park_at must be 1 to {topology.MAX_RECEIVES - 1}, or SQS parks first and without a reason",
            ),
        )
