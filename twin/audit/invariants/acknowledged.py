"""Invariant 7: what the desk acknowledged survives."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed
from twin.audit.said import strings


def acknowledged(_history: History, observed: Observed) -> Iterator[Finding]:
    """(7) What the desk's API acknowledged is in the record, with the words that were asked for."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    for write in observed.acknowledged:
        seen = by_id.get(write.message_id)
        if seen is None:
            yield Finding(7, "lost", write.message_id, "an acknowledged message is not in the record")
        elif write.text and write.text not in strings(dict(seen.content)):
            yield Finding(7, "lost", write.message_id, "an acknowledged message has other words")
