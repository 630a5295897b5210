"""Invariant 13: no receiver keeps anything twice."""

from collections import Counter
from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History
from twin.audit.observed import Observed
from twin.audit.received import kept_at


def receivers(history: History, _observed: Observed) -> Iterator[Finding]:
    """(13) No receiver kept one delivery twice; what it dropped as a repetition is counted."""
    kept: Counter[tuple[str, str]] = Counter()
    for row in history.received:
        key = (row["destination"], row["remote_id"])
        if row["phase"] == "ok":
            kept[key] += 1
        elif row["phase"] == "info":
            yield Finding(13, "repeated", pseudonym(row["remote_id"]), f"repeated at {row['destination']}")
    for (destination, remote_id), times in kept.items():
        if times > 1:
            yield Finding(13, "duplicated", pseudonym(remote_id), f"kept {times} times at {destination}")


def twice(history: History, _observed: Observed) -> Iterator[Finding]:
    """(13) Nor one message under two delivery ids."""
    for (destination, message_id), times in kept_at(history).items():
        if times > 1:
            yield Finding(13, "duplicated", message_id, f"kept {times} times at {destination}")
