"""What destinations say they received."""

from collections import Counter
from typing import Any

from twin.audit.history import History, Row, body


def kept_at(history: History) -> Counter[tuple[str, str]]:
    """(destination, message) -> how often it was kept as a first delivery (not a follow-up part)."""
    count: Counter[tuple[str, str]] = Counter()
    for row in history.received:
        sent = payload(row)
        if row["phase"] == "ok" and sent.get("message_id") and not follow_up(sent):
            count[row["destination"], sent["message_id"]] += 1
    return count


def payload(row: Row) -> dict[str, Any]:
    """What a destination was told of a message."""
    sent = body(row)
    data = sent.get("data")
    return data if isinstance(data, dict) else sent


def follow_up(sent: dict[str, Any]) -> bool:
    """Whether it is a later part of a delivery: a file, an edit."""
    return str(sent.get("part", "0")) not in {"0", "main", ""}
