"""Queues that remember who held which message, for the audit: what a lease is worth shows only there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from shared import topology
from shared.clock import Clock
from shared.queue.memory import Arrange, MemoryQueue
from shared.queue.port import LeaseLostError, Message
from twin.audit.observed import Hold

_VISIBILITY = {spec.name: spec.visibility_s for spec in topology.QUEUES}


class WatchedQueue(MemoryQueue):
    """A queue that tells what was done with its receipts.

    Args:
        holds: told each receive, extension, end and loss, in order.
    """

    def __init__(
        self, name: str, clock: Clock, arrange: Arrange, duplicate: Callable[[str], bool], holds: list[Hold]
    ) -> None:
        super().__init__(name, clock, arrange=arrange, duplicate=self._copied)
        self._holds = holds
        self._copies = duplicate
        self._visible_still: set[str] = set()

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        """As a queue does; what it left visible counts as in nobody's hand alone."""
        found = await super().receive(limit, wait_s, visibility_s)
        for message in found:
            self._note(message, "copied" if message.id in self._visible_still else "received")
        return found

    async def hide(self, message: Message, seconds: int) -> None:
        """As a queue does; anything but a heartbeat's whole visibility gives the message back."""
        try:
            await super().hide(message, seconds)
        except LeaseLostError:
            self._note(message, "lost")
            raise
        self._note(message, "extended" if seconds == _VISIBILITY[self.name] else "ended")

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """As a queue does."""
        for message in messages:
            self._note(message, "ended")
        return await super().delete(messages)

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        """As a queue does."""
        try:
            await super().park(message, reason)
        except LeaseLostError:
            self._note(message, "lost")
            raise
        self._note(message, "ended")

    def _copied(self, identity: str) -> bool:
        copied = self._copies(identity)
        (self._visible_still.add if copied else self._visible_still.discard)(identity)
        return copied

    def _note(
        self, message: Message, what: Literal["received", "copied", "extended", "ended", "lost"]
    ) -> None:
        self._holds.append(Hold(self.name, message.id, message.receipt, what))
