"""What the worker needs of a queue: five calls, at-least-once, unordered (SQS standard)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MAX_BATCH = 10  # SQS: messages a receive or a batch may carry
MAX_WAIT_S = 20  # SQS: long poll
MAX_ATTRIBUTES = 10  # SQS: message attributes


@dataclass(frozen=True, slots=True)
class Message:
    """One receive of a message; the receipt belongs to this receive only.

    Attributes:
        id: the queue's own id, the same at each receive.
        body: text as sent.
        receipt: handle for delete and visibility.
        receive_count: how often it has been received, this time included.
        sent_ms: when it entered the queue, ms since the epoch.
        attributes: string message attributes (raw delivery copies SNS's).
    """

    id: str
    body: str
    receipt: str
    receive_count: int
    sent_ms: int
    attributes: Mapping[str, str] = field(default_factory=dict)


class LeaseLostError(Exception):
    """The receipt no longer holds the message: its visibility ran out and someone else may have it."""


class QueueUnavailableError(Exception):
    """The queue could not be reached or throttled the call; nothing is known of its effect."""


class Queue(Protocol):
    """One queue and its dead-letter queue."""

    name: str

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        """Up to `limit` (1-10) messages, hidden for `visibility_s`; waits up to `wait_s` for the first."""
        ...

    async def hide(self, message: Message, seconds: int) -> None:
        """Set how long from now this receive stays hidden; 0 gives it back. Raises LeaseLostError."""
        ...

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete up to 10; returns those that could not be deleted. Deleting twice is no error."""
        ...

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        """Send the body to the DLQ with `reason` as attributes (at most 10), then delete the message.

        Raises LeaseLostError, and sends nothing, where the receipt no longer holds the message.
        """
        ...

    async def send(self, body: str, attributes: Mapping[str, str], delay_s: int = 0) -> None:
        """Put a message into the queue (redrive, transcripts); pokes come through SNS instead."""
        ...

    async def depth(self) -> tuple[int, int]:
        """Visible and in-flight messages, approximate."""
        ...
