"""The desk's outside in memory, for the simulator and for unit tests."""

import asyncio
from collections.abc import Mapping

from services.desk.rules import SecretsUnavailableError
from shared.objects.cdn import ORIGINAL, served_key


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

    def url(self, sha256: str, ttl_s: int, rendition: str = ORIGINAL) -> str:
        """The URL of the original or of a rendition."""
        return f"https://cdn.test/{served_key(sha256, rendition)}?ttl={ttl_s}"


class PlainTickets:
    """Addresses that name what they would be signed for."""

    async def put(self, key: str, mime: str, size: int, ttl_s: int) -> tuple[str, Mapping[str, str]]:
        """URL and headers of a PUT."""
        await asyncio.sleep(0)
        return f"https://bucket.test/{key}?size={size}&ttl={ttl_s}", {
            "Content-Type": mime,
            "If-None-Match": "*",
        }
