"""The three outside things the forwarder and the gateway touch, and what their failures mean.

What counts is whether the effect is known: `NotSentError` and `RejectedError` say that there was none;
anything else leaves it open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class NotSentError(Exception):
    """Surely no effect; the same call may be made again. `reason` is a metric label."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s


class RejectedError(Exception):
    """Surely no effect, and there will be none: the call itself is refused. `reason` is a metric label."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnclearError(Exception):
    """No answer, or one that does not say what happened: it may have taken effect."""


class Whatsapp(Protocol):
    """AWS End User Messaging Social, as far as sending goes; it has no idempotency token."""

    async def send(self, pnid: str, blob: bytes) -> str:
        """Hand a message over; answers AWS's message id. Tried once.

        Raises NotSentError (throttled, never connected), RejectedError, UnclearError.
        """
        ...

    async def upload(self, pnid: str, key: str) -> str:
        """Give an object of the media bucket to Meta; answers the media id, good for this number only.

        Reaches no customer, so a failure is a NotSentError or a RejectedError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One POST to a destination."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination answered. `retry_after` is the header as it came."""

    status: int
    retry_after: str | None = None


class Endpoint(Protocol):
    """A destination that takes a POST."""

    async def deliver(self, call: Call) -> Answer:
        """Post once; redirects are answers. Raises NotSentError (never connected), UnclearError."""
        ...


class SecretMissingError(Exception):
    """The secret store knows no such secret."""


class SecretsUnavailableError(Exception):
    """The secret store did not answer."""


class Secrets(Protocol):
    """The secret store."""

    async def read(self, name: str) -> str:
        """The current value, by name or ARN. Raises SecretMissingError, SecretsUnavailableError."""
        ...
