"""Invariant 11: nothing well-formed is parked or shown as unsupported."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed


def parked(history: History, observed: Observed) -> Iterator[Finding]:
    """(11) A well-formed message in a dead-letter queue, or shown as unsupported, is a loss."""
    for item in observed.parked:
        if item.body in history.envelopes and item.body not in history.spoilt:
            yield Finding(11, "lost", item.queue, f"a well-formed envelope is parked: {item.reason}")
        elif not item.body.strip():
            yield Finding(11, "wrong", item.queue, "an empty message is parked")
        elif item.queue.rpartition("-dlq")[0].rpartition("-")[2] not in {"ingest", "connect"}:
            yield Finding(11, "lost", item.queue, f"an event of ours is parked: {item.reason}")
    for seen in observed.messages:
        row = history.written.get(seen.wamid)
        if row is not None and seen.type in {"unknown", "unsupported"} and row["type"] != seen.type:
            yield Finding(11, "lost", seen.message_id, f"a {row['type']} is shown as {seen.type}")
