"""One TLS context for all clients of a process.

aiobotocore makes one a client, each with the whole list of authorities: 4 MB over ingest's six clients
(docs/decisions/0006-memory.md). A context holds no connection, so clients may share it.
"""

import functools
import ssl
from typing import Any

from aiobotocore.httpsession import AIOHTTPSession


class OneTls(AIOHTTPSession):
    """aiobotocore's HTTP session, over a context of its own only where a proxy or a client certificate asks for one."""

    def __init__(self, *, verify: bool | str = True, **options: Any) -> None:
        super().__init__(verify=verify, **options)  # type: ignore[arg-type] # a path of authorities it takes too
        self._usual = None if options.get("proxies") or options.get("client_cert") else verify

    def _build_verify_context(self) -> ssl.SSLContext:
        return _made(self) if self._usual is None else _shared(self._usual)


@functools.cache
def _shared(verify: bool | str) -> ssl.SSLContext:  # noqa: FBT001 - aiobotocore's own name and shape
    return _made(AIOHTTPSession(verify=verify))  # type: ignore[arg-type] # as above


def _made(session: AIOHTTPSession) -> ssl.SSLContext:
    context: ssl.SSLContext = AIOHTTPSession._build_verify_context(session)  # type: ignore[attr-defined] # noqa: SLF001 - what is shared is made there
    return context
