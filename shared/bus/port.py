"""Publishing desk events to SNS: pokes that carry ids, never content."""

from collections.abc import Sequence
from typing import Protocol

from shared.events.model import Event


class BusUnavailableError(Exception):
    """At least one event may not be out. Publishing the same ids again is harmless."""


class Bus(Protocol):
    """The topic `desk-events`."""

    async def publish(self, events: Sequence[Event]) -> None:
        """All events are out when this returns (batches of 10). Raises BusUnavailableError."""
        ...

    async def probe(self) -> None:
        """Whether the topic answers, without publishing. Raises BusUnavailableError."""
        ...
