"""What Meta's errors mean for the next sends: an opt-out, a locked account; and the count of violations."""

from dataclasses import replace

from services.ingest import alarms
from shared.alerts import alert
from shared.clock import Clock
from shared.events.model import Event
from shared.observability.metrics import Metrics
from shared.policy import state
from shared.record.inbound import StatusReport
from shared.record.people import People
from shared.store.port import Attr, ConditionFailedError, Store, Update
from shared.vault.port import KeyDestroyedError

DAY_MS = 24 * 3600 * 1000
STOPPED_MARKETING = 131050  # Meta, "Error codes": the person stopped marketing messages


class Verdicts:
    """Writes what a failed status says about whom and what we may still send."""

    def __init__(self, store: Store, people: People, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._people = people
        self._metrics = metrics

    async def before(self, report: StatusReport, waba: str | None) -> None:
        """Close what must be closed, before the status counts as kept: a crash in between repeats it."""
        if report.code in state.BREAKING_CODES and waba is not None:
            await self.block(waba, report.code or 0, report.origin.at_ms)
        if report.code == STOPPED_MARKETING:
            await self._stopped(report)

    async def block(self, waba: str, code: int, at_ms: int) -> None:
        """Stop all sends of an account, unless a person has looked since."""
        await self._write(_unless_later(state.trip(waba, code, at_ms), "closed_at", at_ms))

    def alert(self, report: StatusReport) -> list[Event]:
        """What a person must hear of a failed send: once a day for each code, however many sends fail."""
        alarm = alarms.of_code(report.code) if report.code is not None else None
        if alarm is None:
            return []
        about = f"{report.pnid}.{report.code}.{report.origin.at_ms // DAY_MS}"
        return [alert(self._clock, alarm.name, alarm.severity, about, subject=report.pnid)]

    async def _stopped(self, report: StatusReport) -> None:
        """A person wants no more marketing; of an erased one nothing is written any more."""
        try:
            party = await self._people.resolve(report.person, report.origin, report.ts_s)
        except KeyDestroyedError:
            return
        known = {"stopped_at": report.origin.at_ms}
        op = Update(state.TABLE, state.optout_pk(party.contact_id), "-", set=known, add={"rev": 1})
        await self._write(_unless_later(op, "stopped_at", report.origin.at_ms))

    def count(self, report: StatusReport) -> None:
        """Count a violation Meta reports, once."""
        if report.code in state.VIOLATION_CODES:
            self._metrics.violations_total.labels(str(report.code)).inc()

    async def _write(self, op: Update) -> None:
        try:
            await self._store.write(op)
        except ConditionFailedError:
            return  # known already, or a person has decided since


def _unless_later(op: Update, stamp: str, at_ms: int) -> Update:
    """An old status that comes again does not undo what happened since."""
    return replace(op, condition=Attr(stamp).not_exists() | Attr(stamp).lt(at_ms))
