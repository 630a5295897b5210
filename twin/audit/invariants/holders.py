"""Invariant 8: a lane's head has one holder."""

from collections import defaultdict
from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

GIVE_UP_NS = 8_000_000_000  # the sending client's own bound: after it the call is nobody's any more


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
