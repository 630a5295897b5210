"""Invariant 10: nothing overtakes unless it is marked late."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed, Seen
from twin.audit.received import follow_up, payload


def punctual(history: History, observed: Observed) -> Iterator[Finding]:
    """(10) Where nothing was disturbed, nothing is late: the hold is longer than what may come out of order."""
    for row in history.received if observed.undisturbed else ():
        sent = payload(row)
        if row["phase"] == "ok" and sent.get("late") and not follow_up(sent):
            yield Finding(
                10, "wrong", str(sent.get("message_id")), f"late at {row['destination']} for no reason"
            )


def order(history: History, observed: Observed) -> Iterator[Finding]:
    """(10) At a destination, and towards a customer, nothing overtakes unless it is marked late."""
    last: dict[tuple[str, str], str] = defaultdict(str)
    for row in history.received:
        sent = payload(row)
        if row["phase"] != "ok" or follow_up(sent) or not sent.get("order_key"):
            continue
        where = (row["destination"], str(sent.get("conversation_id")))
        if sent.get("late"):
            yield Finding(
                10, "late", str(sent.get("message_id")), f"late at {where[0]}", float(sent.get("late_s") or 0)
            )
            continue
        if sent["order_key"] < last[where]:
            yield Finding(10, "out of order", str(sent.get("message_id")), f"overtaken at {where[0]}")
        last[where] = max(last[where], sent["order_key"])
    yield from _towards_customers(history, observed)


def _towards_customers(history: History, observed: Observed) -> Iterator[Finding]:
    """First attempts are sent in the order in which the desk recorded their messages."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    last: dict[str, str] = defaultdict(str)
    for row in history.calls:
        message_id, _, number = row["attempt"].rpartition(".")
        seen = by_id.get(message_id)
        if row["phase"] != "invoke" or seen is None or number != _first(seen):
            continue
        if seen.order_key < last[seen.conversation_id]:
            yield Finding(10, "out of order", message_id, "overtaken towards the customer")
        last[seen.conversation_id] = max(last[seen.conversation_id], seen.order_key)


def _first(seen: Seen) -> str:
    numbers = sorted((attempt.rpartition(".")[2] for attempt in seen.attempts), key=int)
    return numbers[0] if numbers else "1"
