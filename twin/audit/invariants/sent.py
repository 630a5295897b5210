"""Invariants 7, 12: of a file that an agent sends the customer is shown what was made of it, and of a bad one nothing."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed


def sent(history: History, observed: Observed) -> Iterator[Finding]:
    """(7, 12) A good file of an agent is settled and shown as what was made of it; a bad one to nobody."""
    files = {write.message_id: write.file for write in observed.acknowledged if write.file is not None}
    for seen in observed.messages:
        if files.get(seen.message_id) and any(medium.get("state") != "ready" for medium in seen.media):
            yield Finding(7, "lost", seen.message_id, "a good file of an agent was not settled as ready")
    for attempt, rows in history.shown.items():
        file = files.get(attempt.rpartition(".")[0])
        for row in rows:
            if file is not None and list(row["media_sha256"]) != [file]:
                yield Finding(12, "wrong", attempt, "a customer was shown another file")


def served(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) What the scanner knows is served to nobody, under whatever name."""
    del history
    for sha256 in sorted(observed.infected & observed.files.keys()):
        yield Finding(2, "wrong", sha256[:12], "a file that the scanner knows is served")


def budgets(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each file is taken from its sender's budget once."""
    del history
    if observed.spent is None:
        return
    live = [seen for seen in observed.messages if seen.direction == "in" and seen.source == "live"]
    cost = sum(int(medium.get("size", 0)) for seen in live for medium in seen.media)
    if observed.spent != cost:
        yield Finding(2, "wrong", "budgets", f"{observed.spent} bytes were taken for files of {cost}")
