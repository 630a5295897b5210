"""Invariant 9: no rule of Meta's is broken."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed


def rules(history: History, _observed: Observed) -> Iterator[Finding]:
    """(9) No rule of Meta's was broken: window, opt-out, pair rate, throughput, formats."""
    for row in history.violations:
        yield Finding(9, "wrong", row["attempt"] or row["type"], f"violation {row['code']}")
