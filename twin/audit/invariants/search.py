"""Invariant 3: one search document a message, at its latest revision."""

from collections import Counter
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed
from twin.audit.said import strings, words


def search(_history: History, observed: Observed) -> Iterator[Finding]:
    """(3) Each message has exactly one search document, of its latest revision, with its words."""
    if not observed.check_search:
        return
    count = Counter(document.id for document in observed.documents)
    by_id = {document.id: document for document in observed.documents}
    for seen in observed.messages:
        document = by_id.get(seen.message_id)
        if document is None:
            yield Finding(3, "lost", seen.message_id, "no search document")
        elif count[seen.message_id] > 1:
            yield Finding(3, "duplicated", seen.message_id, f"{count[seen.message_id]} search documents")
        elif document.version != seen.rev:
            detail = f"search has revision {document.version}, the record {seen.rev}"
            yield Finding(3, "lost", seen.message_id, detail)
        elif words(seen) not in strings(document.source):
            yield Finding(3, "lost", seen.message_id, "the search document has other words")
