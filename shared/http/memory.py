"""A provider's key set held in memory: the fake of `JwksSource`."""

from typing import Any

from shared.http.port import JwksUnavailableError


class MemoryJwks:
    """Serves what it is given; `fail` makes it unreachable; `fetches` counts the calls."""

    def __init__(self, keys: list[dict[str, Any]] | None = None) -> None:
        self.keys = keys or []
        self.fail = False
        self.fetches = 0

    async def fetch(self) -> dict[str, Any]:
        """The JWK Set. Raises JwksUnavailableError while `fail` is set."""
        self.fetches += 1
        if self.fail:
            raise JwksUnavailableError("unreachable")
        return {"keys": list(self.keys)}
