"""What a handler may raise, sorted by what the worker then does.

HandlerError
├── RetryAfter      the message waits and comes back; it does not count as a failure of the message
├── Poison          the message can never succeed: it goes to the DLQ with its reason
└── StopAndPage     the worker must not go on (bad credentials, foreign account): it stops, a human comes

Anything else is unknown: back off, receive again, and after the seventh receive park it like Poison.
"""


class HandlerError(Exception):
    """Root of what a handler raises on purpose."""


class RetryAfter(HandlerError):  # noqa: N818 - named after what the worker does
    """Come back after `seconds`; `reason` is a metric label, never data."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(f"retry after {seconds:g} s: {reason}")
        self.seconds = seconds
        self.reason = reason


class Poison(HandlerError):  # noqa: N818 - named after what the worker does
    """Can never succeed. `reason` is a metric label; `detail` names the field and the remedy, no content."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StopAndPage(HandlerError):  # noqa: N818 - the same
    """The process must stop: going on would lose or leak. `reason` names the cause for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
