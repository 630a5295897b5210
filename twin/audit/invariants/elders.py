"""Retention: what has reached its end is gone from everywhere, and nothing else is."""

from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History
from twin.audit.observed import Elder, Observed, Seen


def elders(_history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Messages past their time are gone with file, archive and document; those kept longer are whole."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    raw = [data.decode("utf-8", "replace") for data in observed.raw.values()]
    found = {document.id for document in observed.documents}
    kept = {each.sha256 for each in observed.elder if each.stays}
    for each in observed.elder:
        seen = by_id.get(each.message_id)
        sought = each.words if each.withdrawn else each.wamid  # what took it back names it
        archived = any(sought in text for text in raw)
        if each.leaves and any(thread.id == each.conversation_id for thread in observed.conversations or ()):
            yield Finding(2, "wrong", pseudonym(each.wamid), "a person of whom nothing else is left is kept")
        if each.stays:
            yield from _whole(each, seen, observed, archived=archived)
        elif seen is not None or archived:
            yield Finding(2, "wrong", pseudonym(each.wamid), "a message is kept beyond its time")
        elif each.message_id in found:
            yield Finding(3, "wrong", each.message_id, "a search document is kept beyond its message")
        elif each.sha256 and each.sha256 not in kept and each.sha256 in observed.files:
            yield Finding(2, "wrong", each.sha256[:12], "a file is kept beyond its last message")


def _whole(each: Elder, seen: Seen | None, observed: Observed, *, archived: bool) -> Iterator[Finding]:
    name = pseudonym(each.wamid)
    if each.withdrawn:
        if archived or (seen is not None and each.words in str(seen.content)):
            yield Finding(2, "wrong", name, "the words of a message that was taken back are still there")
        beside = (observed.beside or {}).get((seen.conversation_id, seen.order_key), ()) if seen else ()
        if each.sha256 in observed.files or any(child.startswith("reading#") for child in beside):
            yield Finding(
                2, "wrong", name, "the file of a message that was taken back, or its words, is still there"
            )
        return
    if seen is None or not archived or each.words not in str(seen.content):
        yield Finding(2, "lost", name, "a message is gone before its time, or under a hold")
    if each.sha256 and each.sha256 not in observed.files:
        yield Finding(2, "lost", name, "the file of a message is gone before its time")
