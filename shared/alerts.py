"""`alert.raised`: a person must look. The id names what it is about, so that telling it again is no second alert."""

from typing import Literal

from shared.clock import Clock
from shared.events.model import AlertRaised, AlertRaisedEvent
from shared.record.events import Envelope

SOURCE = "/cdmx/alerts"


def alert(
    clock: Clock, name: str, severity: Literal["page", "warn"], about: str, *, subject: str = ""
) -> AlertRaisedEvent:
    """An alert; its runbook is docs/runbooks/<name>.md.

    Args:
        clock: now.
        name: of the condition, snake_case.
        severity: `page` wakes somebody.
        about: which one of its kind: ids and times only.
        subject: conversation_id or pnid it concerns, where there is one.
    """
    data = AlertRaised(name=name, severity=severity, runbook=f"docs/runbooks/{name}.md")
    attributes = Envelope(clock.now_ms()).of(f"alert.{name}.{about}:1", subject or name)
    return AlertRaisedEvent(**{**attributes, "source": SOURCE}, data=data)
