"""Around every request, as plain ASGI so that streams pass unbuffered: correlation, limits, headers, the log."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import MEDIA_TYPE, Problem, Texts, language
from shared.ids import Ids

MAX_BODY = 256 * 1024  # bytes; files are uploaded to S3, never through the API
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context s.3.2
SECURITY_HEADERS = {  # OWASP Secure Headers Project, for an API that serves no page
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_log = structlog.get_logger("http")


def correlation(traceparent: str | None, ids: Ids) -> str:
    """The caller's trace id, or a new one."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found.group(1) if found and set(found.group(1)) != {"0"} else ids.token()


class Around:
    """Middleware of both APIs; the innermost answer to an unexpected exception is made here too."""

    def __init__(self, app: ASGIApp, ids: Ids, texts: Texts) -> None:
        self._app = app
        self._ids = ids
        self._texts = texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (anything else passes)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._ids)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:  # noqa: BLE001 - the last net: logged with its trace, answered without it
            _log.exception("request_failed", correlation=exchange.correlation)
            await self._answer(exchange, Problem(500, "internal"))
        finally:
            exchange.log()

    async def _answer(self, exchange: "_Exchange", problem: Problem) -> None:
        if exchange.status:
            return  # the head is out: the connection can only break off
        spoken = language(exchange.headers.get("accept-language"))
        body = orjson.dumps(self._texts.render(problem, spoken, exchange.correlation))
        head = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await exchange.send({"type": "http.response.start", "status": problem.status, "headers": head})
        await exchange.send({"type": "http.response.body", "body": body})


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: Ids) -> None:
        self.headers = Headers(scope=scope)
        self.correlation = correlation(self.headers.get("traceparent"), ids)
        scope.setdefault("state", {})["correlation"] = self.correlation
        self.status = 0
        self._scope = scope
        self._receive: Callable[[], Awaitable[Message]] = receive
        self._send = send
        self._taken = 0
        self._began = asyncio.get_running_loop().time()

    async def receive(self) -> Message:
        """The next part of the body. Raises Problem 413 beyond the limit, whatever Content-Length says."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > MAX_BODY:
            raise Problem(413, "too-large", limit=MAX_BODY)
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on, with our headers on its head."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers["Correlation-Id"] = self.correlation
        await self._send(message)

    def log(self) -> None:
        """One line a request: the route's template, never the address as called."""
        route: Any = self._scope.get("route")
        took = asyncio.get_running_loop().time() - self._began
        _log.info(
            "request",
            method=self._scope["method"],
            route=getattr(route, "path", None),
            status=self.status,
            seconds=round(took, 4),
            correlation=self.correlation,
        )
