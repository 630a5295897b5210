"""What a worker tells whoever watches it; shared/observability makes metrics, logs and spans of it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from shared.queue.port import Message
from shared.queue.verdict import Outcome


class Watch(Protocol):
    """Called on the hot path: implementations are quick and never raise."""

    def received(self, messages: Sequence[Message]) -> None:
        """A receive returned; empty = the queue had nothing visible."""
        ...

    def in_flight(self, count: int) -> None:
        """Messages held right now."""
        ...

    def handling(self, message: Message) -> AbstractContextManager[object]:
        """Wraps the handler's run: log context and span."""
        ...

    def settled(
        self, message: Message, outcome: Outcome, reason: str, seconds: float, error: BaseException | None
    ) -> None:
        """One receive is over; `seconds` is the handler's time."""
        ...

    def parked(self, message: Message, reason: str) -> None:
        """The message went to the DLQ."""
        ...

    def trouble(self, call: str, error: BaseException) -> None:
        """A call to the queue failed."""
        ...


class Silent:
    """Watches nothing."""

    def received(self, messages: Sequence[Message]) -> None:
        """Nothing."""

    def in_flight(self, count: int) -> None:
        """Nothing."""

    @contextmanager
    def handling(self, message: Message) -> Iterator[None]:  # noqa: ARG002 - the port's shape
        """Nothing."""
        yield

    def settled(
        self, message: Message, outcome: Outcome, reason: str, seconds: float, error: BaseException | None
    ) -> None:
        """Nothing."""

    def parked(self, message: Message, reason: str) -> None:
        """Nothing."""

    def trouble(self, call: str, error: BaseException) -> None:
        """Nothing."""
