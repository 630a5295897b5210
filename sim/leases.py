"""Queues and tables that remember who held what, for the audit: what a lease is worth shows only there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from shared import topology
from shared.clock import Clock
from shared.queue.memory import Arrange, MemoryQueue
from shared.queue.port import LeaseLostError, Message
from shared.store.memory import MemoryStore
from shared.store.port import Check, Delete, Item, Op, Put, Update
from sim.process import WHO
from twin.audit.observed import Hold

LEASES, OUTBOX = "leases", "due"  # what is owed any process may do
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


class WatchedStore(MemoryStore):
    """Tables that tell when a process does what only the holder of its service's lease may.

    Attributes:
        intruders: (process, holder) of each write by one that had lost the lease, or never had it.
    """

    def __init__(self, page_items: int) -> None:
        super().__init__(page_items=page_items)
        self._holders: dict[str, str] = {}
        self.intruders: list[tuple[str, str]] = []

    async def write(self, op: Put | Update | Delete, *, old: bool = False) -> Item | None:
        """As a table does."""
        answer = await super().write(op, old=old)
        if op.table == LEASES and isinstance(op, Update):
            self._holders[op.pk] = WHO.get()
        else:
            self._look([op])
        return answer

    async def transact(self, ops: Sequence[Op], token: str) -> None:
        """As tables do."""
        await super().transact(ops, token)
        self._look(ops)

    def _look(self, ops: Sequence[Op]) -> None:
        who = WHO.get()
        holder = self._holders.get(who.rpartition("-")[0])
        mine = [op for op in ops if not isinstance(op, Check) and op.table != OUTBOX]
        if holder is not None and holder != who and mine:
            self.intruders.append((who, holder))
