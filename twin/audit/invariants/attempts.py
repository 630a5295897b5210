"""Invariant 12: each attempt reaches its customer at most once, and what reached nobody is known."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed, Seen

FINAL = frozenset({"failed", "refused", "cancelled"})


def attempts(history: History, observed: Observed) -> Iterator[Finding]:
    """(12) Each attempt reached its customer at most once; of a message that reached nobody, we know it."""
    for attempt, rows in history.shown.items():
        if len(rows) > 1:
            yield Finding(12, "duplicated", attempt, f"shown {len(rows)} times")
    reached: dict[str, list[str]] = defaultdict(list)
    for attempt in history.shown:
        reached[attempt.rpartition(".")[0]].append(attempt)
    for seen in observed.messages:
        if seen.direction == "out" and not seen.echo:
            yield from _reached(seen, reached.get(seen.message_id, []), history)


def _reached(seen: Seen, shown: Sequence[str], history: History) -> Iterator[Finding]:
    if len(shown) > 1 and not _by_hand(seen.attempts):
        yield Finding(12, "duplicated", seen.message_id, f"one message was shown as {len(shown)} attempts")
    if seen.state == "unsettled":
        yield Finding(12, "unsettled", seen.message_id, "waits for a person")
    elif not shown and seen.state not in FINAL and seen.content.get("type") not in {"read", "typing"}:
        if _refused_in_silence(seen, history):
            yield Finding(12, "unsettled", seen.message_id, "Meta refused it and never said so")
            return
        asked = any(call["attempt"].rpartition(".")[0] == seen.message_id for call in history.calls)
        where = "was asked for and lost" if asked else "was never sent"
        yield Finding(12, "lost", seen.message_id, f"{where}; the record says {seen.state or 'nothing'}")


def _refused_in_silence(seen: Seen, history: History) -> bool:
    """Taken from us, then refused by Meta, and no report of it left that said whose it was."""
    handed = [row for row in history.handed if row["attempt"].rpartition(".")[0] == seen.message_id]
    silent = all(row["phase"] == "fail" and row["wamid"] not in history.named for row in handed)
    return seen.state == "handed_over" and bool(handed) and silent


def _by_hand(states: Mapping[str, str]) -> bool:
    """A second attempt is a person's decision after an unsettled first."""
    return len(states) > 1
