"""Invariants 4, 10, 13: each destination received exactly what the routes say, in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from twin.audit.finding import Finding, pseudonym
from twin.audit.history import History, Row, body, leaves
from twin.audit.kept import words
from twin.audit.observed import Observed, Route, Seen

_WITHHELD = frozenset({"contacts", "system"})  # other people's names and numbers do not leave the house


def deliveries(history: History, observed: Observed) -> Iterator[Finding]:
    """(4) Exactly the deliveries an oracle of the routes expects."""
    got = _kept(history)
    routes: dict[str, list[Route]] = defaultdict(list)
    for route in observed.routes:
        routes[route.destination].append(route)
    for seen in observed.messages:
        if seen.direction != "in" or seen.source != "live":
            continue
        for destination, listed in routes.items():
            times = got.pop((destination, seen.message_id), 0)
            wanted = any(expects(route, seen) for route in listed)
            if wanted and not times:
                yield Finding(4, "lost", seen.message_id, f"not at {destination}")
            elif times and not wanted:
                yield Finding(4, "wrong", seen.message_id, f"misrouted to {destination}")
    for destination, message_id in got:
        yield Finding(4, "wrong", message_id, f"{destination} got what no route sends it")


def contents(history: History, observed: Observed) -> Iterator[Finding]:
    """(4) What a destination kept are the words and the files of the message."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    for row in history.received:
        sent = _payload(row)
        seen = by_id.get(str(sent.get("message_id")))
        if row["phase"] != "ok" or seen is None or _follow_up(sent):
            continue
        if seen.type not in _WITHHELD and words(seen) not in str(sent.get("text", "")):
            yield Finding(4, "lost", seen.message_id, f"{row['destination']} got other words")
        known = {item.get("sha256") for item in seen.media}
        if any(item.get("sha256") not in known | {None} for item in sent.get("media", ())):
            yield Finding(4, "wrong", seen.message_id, f"{row['destination']} got a file of somebody else's")


def expects(route: Route, seen: Seen) -> bool:
    """Whether a route sends a message to its destination: our own reading of the configuration."""
    if route.types and seen.type not in route.types:
        return False
    text = "\n".join(_readable(seen)).casefold()
    return not route.words or any(word.casefold() in text for word in route.words)


# What a person reads in a message, by where it lies (Cloud API webhook reference, messages); an edit repeats it.
_READABLE = (
    ".body",
    ".caption",
    ".filename",
    ".location.name",
    ".address",
    ".title",
    ".description",
    ".text",
    ".formatted_name",
    ".phone",
    ".email",
    ".company",
    ".referral.headline",
)


def _readable(seen: Seen) -> Iterator[str]:
    for path, value in leaves(dict(seen.content)).items():
        if isinstance(value, str) and path.endswith(_READABLE):
            yield value


def _kept(history: History) -> Counter[tuple[str, str]]:
    """(destination, message) -> how often it was kept as a first delivery (not a follow-up part)."""
    count: Counter[tuple[str, str]] = Counter()
    for row in history.received:
        sent = _payload(row)
        if row["phase"] == "ok" and sent.get("message_id") and not _follow_up(sent):
            count[row["destination"], sent["message_id"]] += 1
    return count


def _payload(row: Row) -> dict[str, Any]:
    sent = body(row)
    data = sent.get("data")
    return data if isinstance(data, dict) else sent


def _follow_up(sent: dict[str, Any]) -> bool:
    return str(sent.get("part", "0")) not in {"0", "main", ""}


def order(history: History, observed: Observed) -> Iterator[Finding]:
    """(10) At a destination, and towards a customer, nothing overtakes unless it is marked late."""
    last: dict[tuple[str, str], str] = defaultdict(str)
    for row in history.received:
        sent = _payload(row)
        if row["phase"] != "ok" or _follow_up(sent) or not sent.get("order_key"):
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


def receivers(history: History, _observed: Observed) -> Iterator[Finding]:
    """(13) No receiver kept one delivery twice; what it dropped as a repetition is counted."""
    kept: Counter[tuple[str, str]] = Counter()
    for row in history.received:
        key = (row["destination"], row["remote_id"])
        if row["phase"] == "ok":
            kept[key] += 1
        elif row["phase"] == "info":
            yield Finding(13, "repeated", pseudonym(row["remote_id"]), f"repeated at {row['destination']}")
    for (destination, remote_id), times in kept.items():
        if times > 1:
            yield Finding(13, "duplicated", pseudonym(remote_id), f"kept {times} times at {destination}")


def twice(history: History, _observed: Observed) -> Iterator[Finding]:
    """(13) Nor one message under two delivery ids."""
    for (destination, message_id), times in _kept(history).items():
        if times > 1:
            yield Finding(13, "duplicated", message_id, f"kept {times} times at {destination}")


def routes_of(destinations: Sequence[str]) -> list[Route]:
    """One route a destination that sends it everything: what the demo configures."""
    return [Route(name) for name in destinations]
