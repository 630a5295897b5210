"""The desk's outside in memory, for the simulator and for unit tests."""

import asyncio

from services.desk.rules import SecretsUnavailableError


class MemorySecretWriter:
    """Keeps secrets in a dict; `fail` makes the store unreachable."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fail = False

    async def write(self, name: str, value: str) -> None:
        """Keep a value under a new name. Raises SecretsUnavailableError."""
        await asyncio.sleep(0)
        if self.fail:
            raise SecretsUnavailableError("unreachable")
        self.values.setdefault(name, value)


class PlainUrls:
    """URLs that name what they would be signed for."""

    def url(self, sha256: str, ttl_s: int) -> str:
        """The URL of the original."""
        return f"https://cdn.test/served/{sha256[:2]}/{sha256}/original?ttl={ttl_s}"
