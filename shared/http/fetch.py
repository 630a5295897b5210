"""Fetching a JWK Set over HTTP with aiohttp: bounded in time and size, no redirects followed."""

from typing import Any

import aiohttp
import orjson

from shared.http.port import JwksUnavailableError

TIMEOUT_S = 3.0
MAX_BYTES = 64 * 1024  # Cognito publishes two keys, about 1 KB; anything near this is not a key set


class HttpJwks:
    """The provider's `jwks_uri`.

    Args:
        session: an aiohttp session owned by the composition root.
        url: where the set lies; separate from the issuer, which an emulator names differently.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def fetch(self) -> dict[str, Any]:
        """The JWK Set as parsed JSON. Raises JwksUnavailableError."""
        try:
            body = await self._read()
            parsed = orjson.loads(body)
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise JwksUnavailableError(type(error).__name__) from error
        if not isinstance(parsed, dict):
            raise JwksUnavailableError("not an object")
        return parsed

    async def _read(self) -> bytes:
        async with self._session.get(self._url, timeout=self._timeout, allow_redirects=False) as answer:
            if answer.status != 200:  # noqa: PLR2004 - RFC 9110: OK
                raise JwksUnavailableError(f"status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(8192):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise JwksUnavailableError("too large")
            return bytes(body)
