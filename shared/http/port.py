"""What token verification needs of the identity provider: one document."""

from typing import Any, Protocol


class JwksUnavailableError(Exception):
    """The provider's keys could not be fetched, or what came is no key set."""


class JwksSource(Protocol):
    """Where the provider publishes its keys (RFC 7517 s.5)."""

    async def fetch(self) -> dict[str, Any]:
        """The JWK Set as parsed JSON. Raises JwksUnavailableError, within a bounded time and size."""
        ...
