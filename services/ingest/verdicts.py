"""What Meta's errors mean for the next sends: an opt-out, a locked account; and the count of violations."""

from dataclasses import replace

from shared.observability.metrics import Metrics
from shared.policy import state
from shared.record.inbound import StatusReport
from shared.record.people import People
from shared.store.port import Attr, ConditionFailedError, Store, Update
from shared.vault.port import KeyDestroyedError

STOPPED_MARKETING = 131050  # Meta, "Error codes": the person stopped marketing messages


class Verdicts:
    """Writes what a failed status says about whom and what we may still send."""

    def __init__(self, store: Store, people: People, metrics: Metrics) -> None:
        self._store = store
        self._people = people
        self._metrics = metrics

    async def before(self, report: StatusReport, waba: str | None) -> None:
        """Close what must be closed, before the status counts as kept: a crash in between repeats it."""
        if report.code in state.BREAKING_CODES and waba is not None:
            await self._write(
                _unless_later(state.trip(waba, report.code or 0, report.origin.at_ms), "closed_at", report)
            )
        if report.code == STOPPED_MARKETING:
            await self._stopped(report)

    async def _stopped(self, report: StatusReport) -> None:
        """A person wants no more marketing; of an erased one nothing is written any more."""
        try:
            party = await self._people.resolve(report.person, report.origin, report.ts_s)
        except KeyDestroyedError:
            return
        known = {"opted_out": "marketing", "stopped_at": report.origin.at_ms}
        op = Update(state.TABLE, state.optout_pk(party.contact_id), "-", set=known, add={"rev": 1})
        await self._write(_unless_later(op, "stopped_at", report))

    def count(self, report: StatusReport) -> None:
        """Count a violation Meta reports, once."""
        if report.code in state.VIOLATION_CODES:
            self._metrics.violations_total.labels(str(report.code)).inc()

    async def _write(self, op: Update) -> None:
        try:
            await self._store.write(op)
        except ConditionFailedError:
            return  # known already, or a person has decided since


def _unless_later(op: Update, stamp: str, report: StatusReport) -> Update:
    """An old status that comes again does not undo what happened since."""
    return replace(op, condition=Attr(stamp).not_exists() | Attr(stamp).lt(report.origin.at_ms))
