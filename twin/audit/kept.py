"""Invariants 1, 2, 5, 11: what was published is kept, whole, once, and nothing else is."""

import hashlib
from collections import Counter
from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History, Row, body, leaves
from twin.audit.observed import Observed, Seen

_RAW_ID = 32  # hex digits of the hash in an archived object's name
_FOLDED = frozenset({"reaction", "edit", "revoke"})  # shown on the message they speak about


def raw_archive(history: History, observed: Observed) -> Iterator[Finding]:
    """(1) Each envelope that was published lies in the raw archive, byte for byte."""
    kept = {digest for key, data in observed.raw.items() if (digest := _named(key, data))}
    for envelope in history.envelopes:
        digest = hashlib.sha256(envelope.encode()).hexdigest()
        if digest not in kept:
            yield Finding(1, "lost", digest[:12], "an envelope is not in the raw archive as it was published")


def _named(key: str, data: bytes) -> str:
    """The hash of an archived object that lies under its own hash; else it is found by nobody."""
    digest = hashlib.sha256(data).hexdigest()
    return digest if key.rpartition("/")[2].partition(".")[0] == digest[:_RAW_ID] else ""


def record(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each message a customer wrote is in the record once, with every leaf equal."""
    by_wamid: dict[str, list[Seen]] = {}
    for seen in observed.messages:
        by_wamid.setdefault(seen.wamid, []).append(seen)
    for wamid, row in history.written.items():
        if wamid not in history.published:
            continue
        found = by_wamid.get(wamid, [])
        if not found:
            yield Finding(2, "lost", pseudonym(wamid), f"a {row['type']} is not in the record")
        elif len(found) > 1:
            yield Finding(2, "duplicated", found[0].message_id, f"{len(found)} messages for one wamid")
        else:
            yield from _leaves(row, found[0])


def _leaves(row: Row, seen: Seen) -> Iterator[Finding]:
    kept = leaves(dict(seen.content))
    for path, value in leaves(body(row)).items():
        if path not in kept:
            yield Finding(2, "lost", seen.message_id, f"member {path} is not in the record")
        elif kept[path] != value:
            yield Finding(2, "lost", seen.message_id, f"member {path} differs from what was sent")


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


def media(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each file a customer sent is served with the bytes that were sent."""
    by_wamid = {seen.wamid: seen for seen in observed.messages}
    for wamid, row in history.written.items():
        seen = by_wamid.get(wamid)
        if seen is None or wamid not in history.published:
            continue
        for sha in row["media_sha256"]:
            if observed.files.get(sha) == sha or _unfit(seen, sha):
                continue
            yield Finding(2, "lost", seen.message_id, f"the bytes of a {row['type']} are not served")


def _unfit(seen: Seen, sha: str) -> bool:
    """A file that was refused for a stated reason is kept as that outcome."""
    return any(
        item.get("state") in {"failed", "quarantined"} and item.get("reason")
        for item in seen.media
        if item.get("sha256") in {None, sha}
    )


def phantoms(history: History, observed: Observed) -> Iterator[Finding]:
    """(5) Nothing is in the record, in search or at a destination that nobody wrote."""
    ids = {seen.message_id for seen in observed.messages}
    own = {ack.message_id for ack in observed.acknowledged}
    for seen in observed.messages:
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


def parked(history: History, observed: Observed) -> Iterator[Finding]:
    """(11) A well-formed message in a dead-letter queue, or shown as unsupported, is a loss."""
    for item in observed.parked:
        if item.body in history.envelopes:
            yield Finding(11, "lost", item.queue, f"a well-formed envelope is parked: {item.reason}")
        elif not item.body.strip():
            yield Finding(11, "wrong", item.queue, "an empty message is parked")
        elif item.queue.rpartition("-dlq")[0].rpartition("-")[2] not in {"ingest", "connect"}:
            yield Finding(11, "lost", item.queue, f"an event of ours is parked: {item.reason}")
    for seen in observed.messages:
        row = history.written.get(seen.wamid)
        if row is not None and seen.type in {"unknown", "unsupported"} and row["type"] != seen.type:
            yield Finding(11, "lost", seen.message_id, f"a {row['type']} is shown as {seen.type}")


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


def words(seen: Seen) -> str:
    """What a person wrote in a text or under a file."""
    part = seen.content.get(seen.type)
    return str(part.get("body") or part.get("caption") or "") if isinstance(part, dict) else ""


def strings(value: object) -> str:
    """Every string in a JSON value, a line each."""
    return "\n".join(part for part in leaves(value).values() if isinstance(part, str))
