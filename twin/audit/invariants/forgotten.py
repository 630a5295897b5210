"""Erasure: nothing of the person is left anywhere, and of everybody else everything."""

from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.forgotten import Gone, about, gone, named
from twin.audit.history import History
from twin.audit.observed import Erased, Observed

_SKEW_MS = 2_000


def forgotten(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Of whom was erased no word, file or sealed content is anywhere; what others wrote beside it is."""
    if not observed.erased:
        return
    lost = gone(history, observed)
    for who in observed.erased:
        if not who.asked_ms - _SKEW_MS <= who.erased_ms <= history.until_ms + _SKEW_MS:
            yield Finding(2, "wrong", "erasure", "it is not said to hold since after it was asked for")
    yield from _remains(history, observed, lost)
    yield from _emptied(observed, lost.messages)
    yield from _neighbours(history, observed, lost.wamids)


def _remains(history: History, observed: Observed, lost: Gone) -> Iterator[Finding]:
    for place, text in observed.everything.items():
        where = " ".join(place.split(" ")[:2])[:40]
        if any(word in text for word in lost.words):
            yield Finding(2, "wrong", where, "words of somebody who was erased")
        if "-dlq " in place and any(
            who.wa_id in text and not _since(history, text, who) for who in observed.erased
        ):
            yield Finding(2, "wrong", where, "somebody who was erased is parked")
        if place.startswith(("media ", "cdn ")) and any(sha in place for sha in lost.own):
            yield Finding(2, "wrong", where, "a file of somebody who was erased")


def _since(history: History, body: str, who: Erased) -> bool:
    """Whether an envelope came after the erasure of somebody it names."""
    return history.envelopes.get(body, 0) >= who.erased_ms - _SKEW_MS


def _emptied(observed: Observed, messages: frozenset[str]) -> Iterator[Finding]:
    threads = {seen.conversation_id for seen in observed.messages if seen.message_id in messages}
    for seen in observed.messages:
        if seen.conversation_id in threads and (not seen.erased or seen.content):
            yield Finding(2, "wrong", seen.message_id, "a message of somebody who was erased is still there")
    for thread in sorted(threads & {*observed.sealed}):
        yield Finding(2, "wrong", thread, "sealed words of somebody who was erased")
    for place, text in observed.everything.items():
        if place.startswith("exports ") and any(thread in text for thread in threads):
            yield Finding(2, "wrong", "exports", "it names the thread of somebody who was erased")


def _neighbours(history: History, observed: Observed, wamids: frozenset[str]) -> Iterator[Finding]:
    """(1) In an envelope that the person was in, what others wrote is archived as before."""
    raw = [data.decode("utf-8", "replace") for data in observed.raw.values()]
    for body, at_ms in history.envelopes.items():
        for message in named(body) if about(body, at_ms, observed) else ():
            wamid = str(message.get("id"))
            if wamid in history.written and wamid not in wamids and not any(wamid in text for text in raw):
                yield Finding(1, "lost", pseudonym(wamid), "a message beside an erased one is not archived")
