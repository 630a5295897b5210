"""Posting to a webhook destination with aiohttp: one call, bounded in time and in what is read back."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from services.forwarder.ports import Answer, Call, NotSentError, UnclearError

CONNECT_S = 3.0
TOTAL_S = 8.0
BARRED_S = 60.0  # until then a person may have repaired the address; nothing is lost meanwhile
MAX_ANSWER = 64 * 1024  # nobody needs more to say yes or no; the rest is not read


class Webhook:
    """Destinations that take a signed POST.

    Args:
        session: the process's HTTP client.
        loopback: whether http to this machine is allowed; anything else must be https.
    """

    def __init__(self, session: aiohttp.ClientSession, *, loopback: bool = False) -> None:
        self._session = session
        self._loopback = loopback
        self._timeout = aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S)

    async def deliver(self, call: Call) -> Answer:
        """Post once; redirects are not followed, for they would carry the message elsewhere."""
        if not allowed(call.url, loopback=self._loopback):
            raise NotSentError("https_required", BARRED_S)
        try:
            async with self._session.post(
                call.url,
                data=call.body,
                headers=call.headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                await response.content.read(MAX_ANSWER)
                return Answer(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSentError("unreachable") from None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnclearError(type(error).__name__) from None


def allowed(url: str, *, loopback: bool) -> bool:
    """Whether a destination's URL may be called: https, or http to this machine where that is allowed."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.password:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
