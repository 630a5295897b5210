"""Invariant 5: nothing exists that nobody wrote."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed


def phantoms(history: History, observed: Observed) -> Iterator[Finding]:
    """(5) Nothing is in the record, in search or at a destination that nobody wrote; imports were written elsewhere."""
    ids = {seen.message_id for seen in observed.messages}
    own = {ack.message_id for ack in observed.acknowledged}
    for seen in observed.messages:
        if seen.source == "import":
            continue
        if seen.direction == "in" and seen.wamid not in history.written:
            yield Finding(5, "wrong", seen.message_id, "a received message that no customer wrote")
        if observed.writes_known and seen.direction == "out" and not seen.echo and seen.message_id not in own:
            yield Finding(5, "wrong", seen.message_id, "a message of ours that nobody asked for")
    for document in observed.documents:
        if document.id not in ids and document.id not in observed.unreadable:
            yield Finding(5, "wrong", document.id, "a search document without a message")
    for attempt in history.shown:
        if attempt.rpartition(".")[0] not in ids:
            yield Finding(5, "wrong", attempt, "a customer was shown what the record does not know")
