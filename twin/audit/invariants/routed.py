"""Invariant 4: destinations receive exactly what the routes say, with its own words and files."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History, leaves
from twin.audit.observed import Observed, Route, Seen
from twin.audit.received import follow_up, kept_at, payload
from twin.audit.said import words

_WITHHELD = frozenset({"contacts", "system"})  # other people's names and numbers do not leave the house


def deliveries(history: History, observed: Observed) -> Iterator[Finding]:
    """(4) Exactly the deliveries an oracle of the routes expects."""
    got = kept_at(history)
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
        sent = payload(row)
        seen = by_id.get(str(sent.get("message_id")))
        if row["phase"] != "ok" or seen is None or follow_up(sent):
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
