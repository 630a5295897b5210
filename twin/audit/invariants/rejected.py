"""Invariants 1, 11: what cannot be understood is kept, put aside and parked with its reason."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

_RAW_ID = 32  # hex digits of the hash in an object's name


def rejected(history: History, observed: Observed) -> Iterator[Finding]:
    """(11) Rubbish is in the raw archive and put aside, whole, and in a dead-letter queue with a reason."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for item in observed.parked:
        reasons[item.body].append(item.reason)
        if not item.reason:
            yield Finding(11, "wrong", item.queue, "a message is parked without a reason")
    bodies = dict.fromkeys([*history.injected, *sorted(history.spoilt)])
    for body in bodies:
        digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
        if body not in reasons:
            yield Finding(11, "lost", digest[:12], "rubbish is not parked")
        if not _lies(observed.raw, digest):
            yield Finding(1, "lost", digest[:12], "rubbish is not in the raw archive")
        if observed.poison is not None and not _lies(observed.poison, digest):
            yield Finding(11, "lost", digest[:12], "rubbish is not put aside")


def _lies(objects: Mapping[str, bytes], digest: str) -> bool:
    """Whether the bytes of that hash lie under a name made of it."""
    return any(
        hashlib.sha256(data).hexdigest() == digest
        for key, data in objects.items()
        if key.rpartition("/")[2].startswith(digest[:_RAW_ID])
    )
