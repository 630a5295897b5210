"""Invariant 2: what is in the record can be read where an agent looks for it."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

_FOLDED = frozenset({"reaction", "edit", "revoke"})  # shown on the message they speak about


def shown(_history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each message the table lists can be read, and an agent finds it in its thread."""
    for message_id in observed.unreadable:
        yield Finding(2, "lost", message_id, "it is in the record and cannot be read")
    if observed.threads is None:
        return
    for seen in observed.messages:
        thread = observed.threads.get(seen.conversation_id, frozenset())
        if seen.type not in _FOLDED and seen.message_id not in thread:
            yield Finding(2, "lost", seen.message_id, "it is not in its thread")
