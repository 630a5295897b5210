"""Invariant 9: Meta locks an account, and nothing more is sent until a person has looked."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed

_SKEW_MS = 2_000  # two clocks
_HEARD_MS = 15_000  # until a report is heard and the calls under way are over, where nothing goes wrong
_HEARD_AT_LAST_MS = 600_000  # and where anything may


def locks(history: History, observed: Observed) -> Iterator[Finding]:
    """(9) Each lock that was reported stopped the sends; none goes on before a person let it."""
    if observed.breakers is None:
        return
    reopened = sorted([*observed.reopened, *(each.closed_ms for each in observed.breakers if each.closed_ms)])
    stopped = any(breaker.open for breaker in observed.breakers)
    heard = _HEARD_MS if observed.undisturbed else _HEARD_AT_LAST_MS
    calls = [int(row["at"]) for row in history.calls if row["phase"] == "invoke" and row["attempt"]]
    for lock in history.locks:
        until = next((at for at in reopened if at >= lock - _SKEW_MS), None)
        if until is None and not stopped:
            yield Finding(9, "wrong", "account", "a lock of the account stopped nothing")
        if any(lock + heard < at and (until is None or at < until) for at in calls):
            yield Finding(9, "wrong", "account", "sent after a lock of the account")
