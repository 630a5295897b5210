"""Invariant 12: a customer is shown the words of the record, and nobody else's."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History, body
from twin.audit.observed import Observed
from twin.audit.people import people_of
from twin.audit.said import strings, words


def recipients(history: History, observed: Observed) -> Iterator[Finding]:
    """(12) What a customer was shown are the words of the record, and it is the customer of that thread."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    people = people_of(history, observed)
    for attempt, rows in history.shown.items():
        seen = by_id.get(attempt.rpartition(".")[0])
        if seen is None:
            continue
        for row in rows:
            if people.root(row["user_id"]) not in people.threads[seen.conversation_id]:
                yield Finding(12, "wrong", attempt, "it was shown to somebody else")
            if words(seen) not in strings(body(row)):
                yield Finding(12, "wrong", attempt, "a customer was shown other words")
