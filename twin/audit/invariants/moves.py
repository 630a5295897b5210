"""Invariant 2: a conversation says of its messages what is true of them."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed, Seen

_NO_NEWS = frozenset({"reaction", "edit", "revoke", "system"})


def moves(_history: History, observed: Observed) -> Iterator[Finding]:
    """(2) The last message of each conversation is the last one there is, and unread is what nobody read."""
    messages: dict[str, list[Seen]] = defaultdict(list)
    for seen in observed.messages:
        messages[seen.conversation_id].append(seen)
    for thread in observed.conversations or ():
        mine = messages[thread.id]
        last = max((seen.order_key for seen in mine), default="")
        if thread.last_order_key != last:
            yield Finding(2, "wrong", thread.id, "its last message is not the last one there is")
        unread = sum(map(_news, mine))
        if thread.unread != unread:
            yield Finding(2, "wrong", thread.id, f"it counts {thread.unread} unread of {unread}")


def _news(seen: Seen) -> bool:
    return seen.direction == "in" and seen.source != "import" and seen.type not in _NO_NEWS
