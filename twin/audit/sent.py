"""Invariants 6, 7, 8, 9, 12: what we send reaches the customer once, within the rules, and is known."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from twin.audit.finding import Finding
from twin.audit.history import History, Row, body
from twin.audit.kept import strings, words
from twin.audit.observed import Observed, Seen

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
FINAL = frozenset({"failed", "refused", "cancelled"})
GIVE_UP_NS = 8_000_000_000  # the sending client's own bound: after it the call is nobody's any more


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
        message_id = history.attempts.get(wamid, "").rpartition(".")[0]
        best[message_id] = max(best[message_id], *(RANK.get(name, 0) for name in names))
    return best


def acknowledged(_history: History, observed: Observed) -> Iterator[Finding]:
    """(7) What the desk's API acknowledged is in the record, with the words that were asked for."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    for write in observed.acknowledged:
        seen = by_id.get(write.message_id)
        if seen is None:
            yield Finding(7, "lost", write.message_id, "an acknowledged message is not in the record")
        elif write.text and write.text not in strings(dict(seen.content)):
            yield Finding(7, "lost", write.message_id, "an acknowledged message has other words")


def holders(history: History, _observed: Observed) -> Iterator[Finding]:
    """(8) Never two calls for one customer at the same time: a lane's head has one holder.

    A call is over once it was answered, once its caller has given up, or once a status said what became of it.
    """
    open_calls: dict[str, dict[str, int]] = defaultdict(dict)
    for row in history.calls:
        who, attempt, at = row["wa_id"] or row["user_id"], row["attempt"], int(row["mono"])
        calls = open_calls[who]
        if row["phase"] != "invoke":
            calls.pop(attempt, None)
            continue
        live = [
            other
            for other, began in calls.items()
            if at - began < GIVE_UP_NS and history.told.get(other, at) >= at
        ]
        if live and attempt:
            yield Finding(8, "wrong", attempt, f"sent while {live[0]} was in flight to the same person")
        calls[attempt] = at


def rules(history: History, _observed: Observed) -> Iterator[Finding]:
    """(9) No rule of Meta's was broken: window, opt-out, pair rate, throughput, formats."""
    for row in history.violations:
        yield Finding(9, "wrong", row["attempt"] or row["type"], f"violation {row['code']}")


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
            yield from _reached(seen, reached.get(seen.message_id, []), history.calls)


def _reached(seen: Seen, shown: Sequence[str], calls: Sequence[Row]) -> Iterator[Finding]:
    if len(shown) > 1 and not _by_hand(seen.attempts):
        yield Finding(12, "duplicated", seen.message_id, f"one message was shown as {len(shown)} attempts")
    if seen.state == "unsettled":
        yield Finding(12, "unsettled", seen.message_id, "waits for a person")
    elif not shown and seen.state not in FINAL and seen.content.get("type") not in {"read", "typing"}:
        asked = any(call["attempt"].rpartition(".")[0] == seen.message_id for call in calls)
        where = "was asked for and lost" if asked else "was never sent"
        yield Finding(12, "lost", seen.message_id, f"{where}; the record says {seen.state or 'nothing'}")


def recipients(history: History, observed: Observed) -> Iterator[Finding]:
    """(12) What a customer was shown are the words of the record, and it is the customer of that thread."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    people = _people(history, observed)
    for attempt, rows in history.shown.items():
        seen = by_id.get(attempt.rpartition(".")[0])
        if seen is None:
            continue
        for row in rows:
            if people.root(row["user_id"]) not in people.threads[seen.conversation_id]:
                yield Finding(12, "wrong", attempt, "it was shown to somebody else")
            if words(seen) not in strings(body(row)):
                yield Finding(12, "wrong", attempt, "a customer was shown other words")


@dataclass(slots=True)
class _People:
    """Who writes in which thread; a person stays one through every change of number or user id."""

    successors: dict[str, str] = field(default_factory=dict)
    threads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def root(self, user_id: str) -> str:
        """The last id a person is known by."""
        while user_id in self.successors:
            user_id = self.successors[user_id]
        return user_id


def _people(history: History, observed: Observed) -> _People:
    people = _People()
    for row in history.written.values():
        moved = body(row).get("system")
        new = str(moved.get("user_id", "")) if isinstance(moved, dict) else ""
        if new and new != row["user_id"]:
            people.successors[str(row["user_id"])] = new
    for seen in observed.messages:
        said = history.written.get(seen.wamid)
        if said is not None:
            people.threads[seen.conversation_id].add(people.root(str(said["user_id"])))
    return people


def _by_hand(states: Mapping[str, str]) -> bool:
    """A second attempt is a person's decision after an unsettled first."""
    return len(states) > 1
