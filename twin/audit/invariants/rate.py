"""Invariant 9: nobody is sent more than Meta allows a pair."""

from collections.abc import Iterator
from dataclasses import dataclass

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed
from twin.audit.people import people_of

_BURST, _EACH_MS = 45.0, 6_000.0  # Meta, "About the platform": pair rate limit
_REFUSED = "131056"


@dataclass(slots=True)
class _Bucket:
    tokens: float = _BURST
    at: int = 0

    def take(self, at: int) -> bool:
        self.tokens = min(_BURST, self.tokens + (at - self.at) / _EACH_MS)
        self.at = at
        fits = self.tokens >= 1
        self.tokens -= fits
        return fits


def rate(history: History, observed: Observed) -> Iterator[Finding]:
    """(9) At most 45 messages at once to one person, and one more each 6 s."""
    people = people_of(history, observed)
    buckets: dict[str, _Bucket] = {}
    for row in history.handed:
        if row["phase"] != "ok" and row["code"] != _REFUSED:
            continue
        person = people.root(str(row["user_id"]))
        at = int(row["at"])
        if not buckets.setdefault(person, _Bucket(at=at)).take(at):
            yield Finding(9, "wrong", row["attempt"], "sent over the pair rate")
