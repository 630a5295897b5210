"""Invariant 6: ticks never go back, and nothing that was reported is missing."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

RANK = {
    "held": 0,
    "queued": 0,
    "sending": 1,
    "unsettled": 1,
    "handed_over": 2,
    "sent": 3,
    "delivered": 4,
    "read": 5,
    "played": 6,
}


def ticks(history: History, observed: Observed) -> Iterator[Finding]:
    """(6) Ticks never go back, and end where the last status that left says."""
    for message_id, states in observed.ticks.items():
        ranks = [RANK[state] for state in states if state in RANK]
        if any(later < earlier for earlier, later in pairwise(ranks)):
            yield Finding(6, "wrong", message_id, "a tick went back: " + " > ".join(states))
    best = _best(history)
    for seen in observed.messages:
        if (
            seen.direction == "out"
            and not seen.echo
            and best.get(seen.message_id, 0) > RANK.get(seen.state, 9)
        ):
            yield Finding(
                6, "lost", seen.message_id, f"a status that left is not shown; it says {seen.state}"
            )


def _best(history: History) -> dict[str, int]:
    best: dict[str, int] = defaultdict(int)
    for wamid, names in history.statuses.items():
        if wamid not in history.named:
            continue  # no status of it said whose it is
        message_id = history.attempts.get(wamid, "").rpartition(".")[0]
        best[message_id] = max(best[message_id], *(RANK.get(name, 0) for name in names))
    return best
