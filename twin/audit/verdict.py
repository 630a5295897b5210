"""All invariants together, and the one line that sums them up."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from twin.audit.finding import Finding
from twin.audit.forgotten import without
from twin.audit.history import History
from twin.audit.invariants.acknowledged import acknowledged
from twin.audit.invariants.archive import raw_archive
from twin.audit.invariants.attempts import attempts
from twin.audit.invariants.beside import beside
from twin.audit.invariants.cards import cards
from twin.audit.invariants.elders import elders
from twin.audit.invariants.forgotten import forgotten
from twin.audit.invariants.holders import holders
from twin.audit.invariants.leases import alone, leases, noticed
from twin.audit.invariants.locks import locks
from twin.audit.invariants.media import media
from twin.audit.invariants.moves import moves
from twin.audit.invariants.order import order, punctual
from twin.audit.invariants.parked import parked
from twin.audit.invariants.persons import persons
from twin.audit.invariants.phantoms import phantoms
from twin.audit.invariants.rate import rate
from twin.audit.invariants.receivers import receivers, twice
from twin.audit.invariants.recipients import recipients
from twin.audit.invariants.record import record
from twin.audit.invariants.rejected import rejected
from twin.audit.invariants.routed import contents, deliveries
from twin.audit.invariants.rules import rules
from twin.audit.invariants.search import search
from twin.audit.invariants.sent import budgets, sent, served
from twin.audit.invariants.shown import shown
from twin.audit.invariants.sounds import sounds
from twin.audit.invariants.ticks import ticks
from twin.audit.observed import Observed

Invariant = Callable[[History, Observed], Iterator[Finding]]
INVARIANTS: tuple[Invariant, ...] = (
    raw_archive,
    record,
    shown,
    media,
    sounds,
    sent,
    served,
    budgets,
    beside,
    persons,
    moves,
    search,
    cards,
    deliveries,
    contents,
    phantoms,
    ticks,
    acknowledged,
    holders,
    leases,
    alone,
    noticed,
    rules,
    rate,
    locks,
    order,
    punctual,
    parked,
    rejected,
    attempts,
    recipients,
    receivers,
    twice,
    forgotten,
    elders,
)
OVER_ALL = frozenset({forgotten, elders})  # the others judge what is left beside them
COUNTED = frozenset({"unsettled", "late", "repeated"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the audit found. `written` counts what customers wrote and the desk acknowledged."""

    written: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Finding]:
        """Findings that must not be; unsettled, late and repeated are counted, not condemned."""
        return [finding for finding in self.findings if finding.fault not in COUNTED]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong and there was something to be right about."""
        return self.written > 0 and not self.faults

    def line(self) -> str:
        """The audit's last line."""
        count = Counter(finding.fault for finding in self.findings)
        late = sorted(finding.seconds for finding in self.findings if finding.fault == "late")
        p99 = late[min(len(late) - 1, int(len(late) * 0.99))] if late else 0.0
        wrong = f", {count['wrong']} wrong" if count["wrong"] else ""
        return (
            f"audit: {self.written} written, {count['lost']} lost, {count['duplicated']} duplicated, "
            f"{count['out of order']} out of order, {count['unsettled']} unsettled, "
            f"{count['late']} late (p99 {p99:.1f} s){wrong}"
        )


def judge(history: History, observed: Observed, invariants: Sequence[Invariant] = INVARIANTS) -> Verdict:
    """Run every invariant over what happened and what was seen."""
    whole = [invariant for invariant in invariants if invariant in OVER_ALL]
    findings = [finding for invariant in whole for finding in invariant(history, observed)]
    history, observed = without(history, observed)
    rest = [invariant for invariant in invariants if invariant not in OVER_ALL]
    findings += [finding for invariant in rest for finding in invariant(history, observed)]
    written = len(history.written.keys() & history.published) + len(observed.acknowledged)
    return Verdict(written, tuple(findings))
