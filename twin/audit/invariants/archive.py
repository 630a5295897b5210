"""Invariant 1: what was published lies in the raw archive, byte for byte."""

import hashlib
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

_RAW_ID = 32  # hex digits of the hash in an archived object's name


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
