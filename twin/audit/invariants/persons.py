"""Invariant 2: one person is one thread."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History
from twin.audit.observed import Observed
from twin.audit.people import people_of


def persons(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) What one person wrote to one number belongs to one contact, and each contact is known by something."""
    for contact in observed.strays:
        yield Finding(2, "wrong", contact, "a contact that nothing is known by")
    if observed.conversations is None:
        return
    people = people_of(history, observed)
    contacts = {thread.id: (thread.pnid, thread.contact_id) for thread in observed.conversations}
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for conversation, users in people.threads.items():
        pnid, contact = contacts.get(conversation, ("", ""))
        for user in sorted(users) if contact else ():
            owners[user, pnid].add(contact)
    for (user, _), found in owners.items():
        if len(found) > 1:
            yield Finding(2, "wrong", pseudonym(user), f"one person is {len(found)} contacts")
