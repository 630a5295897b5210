"""An SQS standard queue in memory, for the simulator and tests; it passes the adapter's contract suite."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared import topology
from shared.clock import Clock
from shared.queue.port import MAX_ATTRIBUTES, MAX_BATCH, LeaseLostError, Message

Arrange = Callable[[list[str]], list[str]]


@dataclass(slots=True)
class _Stored:
    id: str
    body: str
    attributes: Mapping[str, str]
    sent_ms: int
    visible_at: float
    receives: int = 0
    receipts: list[str] = field(default_factory=list)  # those that still hold it


class MemoryQueue:
    """One queue. Visibility and delays run on the running loop's time, `sent_ms` on the wall clock.

    Args:
        name: as in the topology.
        clock: wall clock of the service.
        dlq: where parked and worn-out messages go; None = a new one called `<name>-dlq`.
        max_receives: the redrive policy's maxReceiveCount; None = no redrive.
        arrange: picks and orders the ids of visible messages for a receive, and may hold some back;
            default = oldest first.
        duplicate: asked at each receive of an id; True = it is delivered without being hidden.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        dlq: "MemoryQueue | None" = None,
        max_receives: int | None = topology.MAX_RECEIVES,
        arrange: Arrange | None = None,
        duplicate: Callable[[str], bool] | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._max_receives = max_receives
        self.dlq = dlq or (MemoryQueue(f"{name}-dlq", clock, max_receives=None) if max_receives else None)
        self._arrange = arrange
        self._duplicate = duplicate
        self._stored: dict[str, _Stored] = {}
        self._serial = 0
        self._arrived: asyncio.Event | None = None

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        """Up to `limit` (1-10) messages, hidden for `visibility_s`; waits up to `wait_s` for the first."""
        if not 1 <= limit <= MAX_BATCH:
            raise ValueError(f"receive: limit must be 1 to {MAX_BATCH}")
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            found = self._take(limit, loop.time(), visibility_s)
            if found or loop.time() >= until:
                return found
            await self._next_arrival(until)

    async def hide(self, message: Message, seconds: int) -> None:
        """Set how long from now this receive stays hidden; 0 gives it back. Raises LeaseLostError."""
        stored = self._held(message)
        if stored is None:
            raise LeaseLostError(f"{self.name}: the receipt no longer holds the message")
        self._show(stored, seconds)
        if seconds == 0:
            stored.receipts.clear()

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete up to 10; an old receipt is accepted and deletes nothing, as SQS documents."""
        if not 1 <= len(messages) <= MAX_BATCH:
            raise ValueError(f"delete: 1 to {MAX_BATCH} messages")
        for message in messages:
            self._remove(message)
        return []

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        """Put the body into the DLQ with `reason` as attributes (at most 10), then delete the message."""
        if self.dlq is None:
            raise ValueError(f"park: {self.name} has no DLQ")
        if self._held(message) is None:
            raise LeaseLostError(f"{self.name}: the receipt no longer holds the message")
        self.dlq.put(message.body, reason)
        self._remove(message)

    async def send(self, body: str, attributes: Mapping[str, str], delay_s: int = 0) -> None:
        """Put a message into the queue."""
        self.put(body, attributes, delay_s)

    async def depth(self) -> tuple[int, int]:
        """Visible and in-flight messages; delayed ones count as neither."""
        now = asyncio.get_running_loop().time()
        hidden = [stored for stored in self._stored.values() if stored.visible_at > now]
        flying = sum(1 for stored in hidden if stored.receives)
        return len(self._stored) - len(hidden), flying

    def put(self, body: str, attributes: Mapping[str, str], delay_s: float = 0) -> str:
        """What a topic does when it delivers; answers the new message's id."""
        if len(attributes) > MAX_ATTRIBUTES or not all(attributes.values()):
            raise ValueError(f"send: at most {MAX_ATTRIBUTES} attributes, none empty")
        self._serial += 1
        identity = f"{self.name}-{self._serial}"
        now = asyncio.get_running_loop().time()
        stored = _Stored(identity, body, dict(attributes), self._clock.now_ms(), now + delay_s)
        self._stored[identity] = stored
        self._wake()
        return identity

    def bodies(self) -> list[str]:
        """All bodies in the queue, hidden ones too: what a test or the simulator's auditor looks at."""
        return [stored.body for stored in self._stored.values()]

    def stored(self) -> list[Message]:
        """All messages in the queue as they would be read, without receiving them."""
        return [_message(stored, "") for stored in self._stored.values()]

    def _take(self, limit: int, now: float, visibility_s: int) -> list[Message]:
        if self._arrange is None:
            ids = self._visible(now, limit)
        else:
            ids = self._arrange(self._visible(now, len(self._stored)))[:limit]
        return [self._deliver(self._stored[identity], now, visibility_s) for identity in ids]

    def _visible(self, now: float, limit: int) -> list[str]:
        ids: list[str] = []
        worn: list[_Stored] = []
        for identity, stored in self._stored.items():
            if stored.visible_at > now:
                continue
            if self._max_receives is not None and stored.receives >= self._max_receives:
                worn.append(stored)
            else:
                ids.append(identity)
                if len(ids) == limit:
                    break
        for stored in worn:
            self._wear_out(stored)
        return ids

    def _deliver(self, stored: _Stored, now: float, visibility_s: int) -> Message:
        stored.receives += 1
        if self._duplicate is not None and self._duplicate(stored.id):
            visibility_s = 0  # the copy stays visible: somebody else receives it too
        else:
            stored.receipts.clear()
        receipt = f"{stored.id}/{stored.receives}"
        stored.receipts.append(receipt)
        stored.visible_at = now + visibility_s
        return _message(stored, receipt)

    def _wear_out(self, stored: _Stored) -> None:
        del self._stored[stored.id]
        if self.dlq is not None:
            self.dlq.put(stored.body, stored.attributes)

    def _held(self, message: Message) -> _Stored | None:
        stored = self._stored.get(message.id)
        if stored is None or message.receipt not in stored.receipts:
            return None
        return stored if stored.visible_at > asyncio.get_running_loop().time() else None

    def _remove(self, message: Message) -> None:
        stored = self._stored.get(message.id)
        if stored is not None and message.receipt in stored.receipts:
            del self._stored[message.id]

    def _show(self, stored: _Stored, seconds: float) -> None:
        stored.visible_at = asyncio.get_running_loop().time() + seconds
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()

    async def _next_arrival(self, until: float) -> None:
        """Wait for a send, a message turning visible, or `until`."""
        if self._arrived is None:
            self._arrived = asyncio.Event()
        self._arrived.clear()
        now = asyncio.get_running_loop().time()
        # Only what is still hidden will turn visible; what `arrange` holds back would let this spin.
        hidden = (stored.visible_at for stored in self._stored.values() if stored.visible_at > now)
        turns = min(hidden, default=math.inf)
        try:
            async with asyncio.timeout_at(min(until, turns)):
                await self._arrived.wait()
        except TimeoutError:
            return


def _message(stored: _Stored, receipt: str) -> Message:
    return Message(stored.id, stored.body, receipt, stored.receives, stored.sent_ms, dict(stored.attributes))
