"""What can go wrong on the way, by name, rate and seed.

Everything here happens for real: SNS and SQS repeat and reorder (docs.aws.amazon.com/sns: at-least-once),
Meta retries a webhook for days, EUM Social throttles, fails after it has accepted, or never answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from twin.core.model import seeded

KINDS: Mapping[str, str] = {
    "duplicate": "the same bytes once more after min..max ms (SNS, SQS)",
    "redeliver": "the same entry in a new envelope after min..max ms (Meta's retry)",
    "delay": "an envelope arrives min..max ms after its message_timestamp",
    "batch": "items due within max_ms leave in one entry",
    "late_status": "a status min..max ms late",
    "lost_status": "a status that never comes",
    "no_callback": "a status that does not repeat biz_opaque_callback_data",
    "spoilt": "something unreadable beside the messages of an entry",
    "no_context": "an envelope in the older form, without `context`",
    "throttle": "a send answered ThrottledRequestException, nothing accepted",
    "error_before": "a send answered InternalServiceException, nothing accepted",
    "error_after": "a send accepted, then answered InternalServiceException",
    "dependency": "a send answered DependencyException, nothing accepted",
    "timeout_after": "a send accepted, its answer held back min..max ms",
    "timeout_before": "a send not accepted, its connection held min..max ms and closed",
    "reset_after": "a send accepted, its connection closed without an answer",
    "undeliverable": "a message that cannot reach its person (131026)",
    "account_locked": "every send fails with 131031",
    "media_error": "GetWhatsAppMessageMedia answered InternalServiceException",
    "media_denied": "GetWhatsAppMessageMedia answered AccessDeniedByMetaException",
    "media_slow": "GetWhatsAppMessageMedia answered after min..max ms",
    "transcribe_throttle": "Amazon Transcribe answered LimitExceededException, nothing begun",
    "transcribe_error": "Amazon Transcribe answered InternalFailureException, nothing begun",
    "transcribe_failed": "a transcription job that ends as FAILED",
    "transcribe_mute": "a transcription job whose end nobody tells",
}
SEND_KINDS = (
    "throttle",
    "error_before",
    "dependency",
    "timeout_before",
    "error_after",
    "timeout_after",
    "reset_after",
)
BEFORE = frozenset({"throttle", "error_before", "dependency", "timeout_before"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble: how often, and how long where it lasts."""

    kind: str
    rate: float
    seed: int = 0
    min_ms: int = 0
    max_ms: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if not 0 <= self.rate <= 1:
            raise ValueError("rate: give a number from 0 to 1")
        if not 0 <= self.min_ms <= self.max_ms:
            raise ValueError("min_ms, max_ms: give 0 <= min_ms <= max_ms")


class Faults:
    """The faults now in force; each kind has its own generator, so that one does not move another."""

    def __init__(self) -> None:
        self._active: dict[str, tuple[Fault, Random]] = {}

    def set(self, fault: Fault) -> None:
        """Put a fault in force, in place of an earlier one of its kind; rate 0 ends it."""
        self._active.pop(fault.kind, None)
        if fault.rate:
            self._active[fault.kind] = (fault, seeded(fault.kind, fault.seed))

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()

    def active(self) -> tuple[Fault, ...]:
        """The faults in force, by name."""
        return tuple(fault for _, (fault, _) in sorted(self._active.items()))

    def draw(self, kind: str) -> int | None:
        """Whether it happens now: its length in ms, or None."""
        if kind not in self._active:
            return None
        fault, rng = self._active[kind]
        hit, length = rng.random() < fault.rate, rng.randint(fault.min_ms, fault.max_ms)
        return length if hit else None

    def first(self, kinds: tuple[str, ...]) -> tuple[str, int] | None:
        """The first of several kinds that happens now."""
        for kind in kinds:
            length = self.draw(kind)
            if length is not None:
                return kind, length
        return None

    def limit_ms(self, kind: str) -> int:
        """`max_ms` of a fault in force, 0 otherwise."""
        return self._active[kind][0].max_ms if kind in self._active else 0
