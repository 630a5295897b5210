"""Invariant 2: every leaf of a message is in the record, once."""

from collections.abc import Iterator

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History, Row, body, leaves
from twin.audit.observed import Observed, Seen


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
