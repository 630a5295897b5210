"""Invariant 8: a queue's message is in one hand at a time, and nobody acts on what left his."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Hold, Observed


def leases(_history: History, observed: Observed) -> Iterator[Finding]:
    """(8) A receipt that no longer holds is used no more; in quiet nothing held is received again."""
    lost: set[tuple[str, str]] = set()
    open_: dict[tuple[str, str], set[str]] = defaultdict(set)
    for hold in observed.holds:
        if (hold.queue, hold.receipt) in lost:
            yield Finding(8, "wrong", hold.queue, f"a message was {hold.what} after its lease was lost")
        if hold.what == "lost":
            lost.add((hold.queue, hold.receipt))
        if observed.undisturbed and hold.what == "received" and open_[hold.queue, hold.message]:
            yield Finding(8, "wrong", hold.queue, "a message in hand was handed to somebody else")
        _follow(open_[hold.queue, hold.message], hold)


def alone(_history: History, observed: Observed) -> Iterator[Finding]:
    """(8) What only the holder of a lease may do nobody else does."""
    for process, holder in observed.intruders:
        yield Finding(8, "wrong", process, f"it works while {holder} holds the lease")


def noticed(_history: History, observed: Observed) -> Iterator[Finding]:
    """(11) Where SNS is silent a person is told."""
    if observed.silent and "sns_silent" not in observed.alerts:
        yield Finding(11, "lost", "sns", "messages came by EventBridge alone, and nobody was told")


def _follow(receipts: set[str], hold: Hold) -> None:
    """Receipts of a message that are still in somebody's hand."""
    if hold.what == "received":
        receipts.add(hold.receipt)
    elif hold.what in {"ended", "lost"}:
        receipts.discard(hold.receipt)
