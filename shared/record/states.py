"""Which delivery state wins: of two reports about one attempt, and of a message's attempts.

Statuses arrive in any order and more than once (Meta, "Status messages webhook": `delivered` may be left
out, order is not promised), so both rules are maxima of a rank: the order of arrival cannot matter.
"""

from collections.abc import Iterable

# One attempt: what the desk and the gateway know, then what Meta reports. `failed` loses to `delivered`,
# because a message that reached the phone did not fail.
_ATTEMPT = (
    "held",
    "queued",
    "sending",
    "unsettled",
    "handed_over",
    "sent",
    "failed",
    "delivered",
    "read",
    "played",
)
# A message: its furthest attempt; an ended attempt says nothing while another one is still under way.
_MESSAGE = (
    "refused",
    "cancelled",
    "failed",
    "held",
    "queued",
    "sending",
    "unsettled",
    "handed_over",
    "sent",
    "delivered",
    "read",
    "played",
)
REPORTED = {
    "accepted": "handed_over",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "played",
    "failed": "failed",
}
REACHED = frozenset({"delivered", "read", "played"})  # the customer's phone has it


def advance(now: str | None, reported: str) -> str | None:
    """State of one attempt after a report: never back. A cancelled or refused attempt was never sent by us."""
    if reported not in _ATTEMPT:
        return now
    if now is None or now not in _ATTEMPT:
        return reported
    return max(now, reported, key=_ATTEMPT.index)


def best(states: Iterable[str]) -> str | None:
    """State of a message: the best of its attempts; None where it has none."""
    return max((state for state in states if state in _MESSAGE), key=_MESSAGE.index, default=None)
