"""Invariant 3: a conversation is found by what it is called."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed


def cards(_history: History, observed: Observed) -> Iterator[Finding]:
    """(3) Each person's conversation has a search document with the alias and name an agent sees."""
    if observed.cards is None:
        return
    for thread in observed.conversations or ():
        card = observed.cards.get(thread.id)
        if not thread.contact_id:
            continue
        if card is None:
            yield Finding(3, "lost", thread.id, "no search document of the conversation")
        elif thread.alias and card.get("alias") != thread.alias:
            yield Finding(3, "lost", thread.id, "search knows the conversation by another alias")
        elif thread.name and thread.name not in card.get("name", ()):
            yield Finding(3, "lost", thread.id, "search does not know the name of the conversation's person")
