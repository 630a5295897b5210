"""A reverse proxy in front of any AWS endpoint that fails calls on order.

Reached only through `AWS_ENDPOINT_URL_*`, so the product under test knows nothing of it. What ministack
never does (TransactionConflict) and what no emulator does on demand (lost answers) comes from here.

    async with FaultProxy(ministack) as proxy:
        proxy.fail("TransactWriteItems", conflict(), times=2)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)

Operations are called as AWS calls them where the request says so (X-Amz-Target, or Action in a form);
REST calls are `PUT /bucket/key`. Rules match with shell patterns, the first that matches and is left decides.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from yarl import URL

_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "expect",
    "te",
    "trailer",
    "upgrade",
}


def operation(request: web.Request, body: bytes) -> str:
    """What AWS calls the operation, or method and path."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    if request.content_type == "application/x-www-form-urlencoded":
        return parse_qs(body.decode()).get("Action", ["?"])[0]
    return f"{request.method} {request.path}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came, and the way on to the real endpoint."""

    operation: str
    request: web.Request
    body: bytes
    forward: Callable[[], Awaitable[web.Response]]


Fault = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Rule:
    """Fails matching calls: `times` of them (None = without end), each with probability `rate`."""

    pattern: str
    fault: Fault
    times: int | None = 1
    rate: float = 1.0
    hits: int = 0


@dataclass
class FaultProxy:
    """The proxy; `seen` counts calls by operation, a rule's `hits` those it failed.

    Attributes:
        target: address of the real endpoint.
        seed: of the dice for rules with a rate.
        name: how a request is called; the rules' patterns match it.
    """

    target: str
    seed: int = 0
    name: Callable[[web.Request, bytes], str] = operation
    url: str = ""
    rules: list[Rule] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def fail(self, pattern: str, fault: Fault, *, times: int | None = 1, rate: float = 1.0) -> Rule:
        """Add a rule."""
        rule = Rule(pattern, fault, times, rate)
        self.rules.append(rule)
        return rule

    async def __aenter__(self) -> Self:
        self._dice = random.Random(self.seed)  # noqa: S311 - faults, no secrets
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(self.name(request, body), request, body, lambda: self._forward(request, body))
        self.seen[call.operation] += 1
        rule = self._rule(call.operation)
        try:
            return await (call.forward() if rule is None else rule.fault(call))
        except aiohttp.ClientConnectionError:
            return _cut(call)  # as the endpoint did

    def _rule(self, operation: str) -> Rule | None:
        for rule in self.rules:
            left = rule.times is None or rule.hits < rule.times
            if left and fnmatchcase(operation, rule.pattern) and self._dice.random() < rule.rate:
                rule.hits += 1
                return rule
        return None

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        url = f"{self.target}{request.raw_path}"
        async with self._session.request(
            request.method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            content = await answer.read()
            if request.method == "HEAD":
                kept.append(("Content-Length", answer.headers.get("Content-Length", "0")))
            response = web.Response(status=answer.status, body=content)
            response.headers.extend(kept)
            return response


def refuse(code: str, status: int = 400, **members: object) -> Fault:
    """Answer an error of that code without any effect."""

    async def fault(call: Call) -> web.StreamResponse:
        return _error(call, code, status, members)

    return fault


def answer(**members: object) -> Fault:
    """A made-up answer of the JSON protocol, no effect."""

    async def fault(call: Call) -> web.StreamResponse:
        del call
        return web.Response(text=json.dumps(members), content_type="application/x-amz-json-1.0")

    return fault


def answer_xml(text: str) -> Fault:
    """A made-up answer of the XML protocols, no effect."""

    async def fault(call: Call) -> web.StreamResponse:
        del call
        return web.Response(text=text, content_type="text/xml")

    return fault


def throttle() -> Fault:
    """Refuse for load: no effect."""
    return refuse("ThrottlingException")


def conflict() -> Fault:
    """Another transaction is at the same items: each action is cancelled with TransactionConflict."""

    async def fault(call: Call) -> web.StreamResponse:
        actions = json.loads(call.body).get("TransactItems")
        if actions is None:
            return _error(call, "TransactionConflictException", 400, {})
        reasons = [{"Code": "TransactionConflict", "Message": "conflict"} for _ in actions]
        return _error(call, "TransactionCanceledException", 400, {"CancellationReasons": reasons})

    return fault


def fail_with(status: int = 500) -> Fault:
    """A server fault before the effect."""
    return refuse("InternalServerError" if status == 500 else "ServiceUnavailable", status)


def fail_after(status: int = 500) -> Fault:
    """The effect, then a server fault instead of the answer."""

    async def fault(call: Call) -> web.StreamResponse:
        await call.forward()
        return _error(call, "InternalServerError", status, {})

    return fault


def drop_before() -> Fault:
    """Cut the connection, no effect."""

    async def fault(call: Call) -> web.StreamResponse:
        return _cut(call)

    return fault


def drop_after() -> Fault:
    """The effect, then cut the connection: the answer is lost."""

    async def fault(call: Call) -> web.StreamResponse:
        await call.forward()
        return _cut(call)

    return fault


def cut_body() -> Fault:
    """The effect and half of the answer's body, then cut the connection."""

    async def fault(call: Call) -> web.StreamResponse:
        whole = await call.forward()
        body = bytes(whole.body) if isinstance(whole.body, bytes) else b""
        broken = web.StreamResponse(status=whole.status, headers=whole.headers)
        broken.content_length = len(body)
        await broken.prepare(call.request)
        await broken.write(body[: len(body) // 2])
        _cut(call)
        return broken

    return fault


def delay(seconds: float) -> Fault:
    """The effect and the answer, both later."""

    async def fault(call: Call) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await call.forward()

    return fault


def delay_answer(seconds: float) -> Fault:
    """The effect now, the answer later: beyond a client's timeout it is lost."""

    async def fault(call: Call) -> web.StreamResponse:
        answer = await call.forward()
        await asyncio.sleep(seconds)
        return answer

    return fault


def _cut(call: Call) -> web.StreamResponse:
    if call.request.transport is not None:
        call.request.transport.abort()
    return web.Response(status=500)  # nobody is there to read it


def _error(call: Call, code: str, status: int, members: dict[str, object]) -> web.Response:
    """The error in the protocol of the request: AWS JSON for targets, XML for forms and REST."""
    if "X-Amz-Target" in call.request.headers:
        text = json.dumps({"__type": f"com.amazonaws#{code}", "message": "on order", **members})
        return web.Response(status=status, text=text, content_type="application/x-amz-json-1.0")
    inner = f"<Code>{code}</Code><Message>on order</Message>"
    form = call.request.content_type == "application/x-www-form-urlencoded"
    xml = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>" if form else f"<Error>{inner}</Error>"
    return web.Response(status=status, text=xml, content_type="application/xml")
