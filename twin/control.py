"""The twin's own API, for tests, demos and the training page: play a customer, cause trouble, read the history.

Everything is under /_twin/ and speaks JSON; errors are {"error": text naming the field and the remedy}.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from twin.core.faults import KINDS, Fault
from twin.core.model import Customer
from twin.core.payloads import BadSayError
from twin.driver import Driver
from twin.sns import DESTINATIONS

PAGE = 1000
MAX_COUNT = 1000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NotUnderstoodError(Exception):
    """A request names no known thing or a wrong value: 400 or 404."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def guarded(handler: Handler) -> Handler:
    """Turn what a caller got wrong into a JSON answer."""

    async def inner(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotUnderstoodError as wrong:
            return web.json_response({"error": str(wrong)}, status=wrong.status)
        except (BadSayError, ValueError, TypeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)

    return inner


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. Raises NotUnderstoodError."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise NotUnderstoodError("body: not JSON") from None
    if not isinstance(body, dict):
        raise NotUnderstoodError("body: give a JSON object")
    return body


class Control:
    """Handlers over one driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._world = driver.world

    def routes(self) -> list[web.RouteDef]:
        """All paths but those of destinations and of the phone page."""
        listed = (
            ("GET", "/_twin/health", self.health),
            ("GET", "/_twin/violations", self.violations),
            ("GET", "/_twin/customers", self.customers),
            ("POST", "/_twin/customers", self.add),
            ("POST", "/_twin/customers/{id}/messages", self.say),
            ("POST", "/_twin/customers/{id}/read", self.read),
            ("POST", "/_twin/events", self.event),
            ("GET", "/_twin/faults", self.faults),
            ("POST", "/_twin/faults", self.set_fault),
            ("DELETE", "/_twin/faults", self.clear_faults),
            ("GET", "/_twin/history", self.history),
            ("GET", "/_twin/media/{id}", self.media),
        )
        return [web.route(method, path, guarded(handler)) for method, path, handler in listed]

    async def health(self, _: web.Request) -> web.StreamResponse:
        """Alive, how much waits, where events go."""
        found = self._driver.history
        waiting, where = len(self._world.outbox), found.setting(DESTINATIONS, [])
        return web.json_response(
            {"status": "ok", "waiting": waiting, "seq": found.last_seq(), "destinations": where}
        )

    async def violations(self, _: web.Request) -> web.StreamResponse:
        """Breaches of the rules, in all and by code."""
        by_code = dict(sorted(self._world.violations.items()))
        return web.json_response({"total": sum(by_code.values()), "by_code": by_code})

    async def customers(self, _: web.Request) -> web.StreamResponse:
        """Everybody who exists."""
        return web.json_response([asdict(c) | {"party": c.party} for c in self._world.customers.values()])

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Somebody new: {id, wa_id?, name?, username?, hidden?, reads?}."""
        body = await json_body(request)
        customer = self._new(str(body.get("id") or body.get("wa_id") or ""), body)
        self._driver.act(self._world.add_customer(customer))
        return web.json_response(asdict(customer), status=201)

    async def say(self, request: web.Request) -> web.StreamResponse:
        """A customer does something: {type, text, ...}; `file_base64` are a file's bytes, `count` repeats it."""
        body, customer_id = await json_body(request), self._known(request.match_info["id"])
        if "file_base64" in body:
            body["data"] = _decoded(body.pop("file_base64"))
        count = int(body.pop("count", 1))
        if not 1 <= count <= MAX_COUNT:
            raise NotUnderstoodError(f"count: give 1 to {MAX_COUNT}")
        steps = [
            self._driver.act(self._world.customer_says(customer_id, body, self._driver.now()))
            for _ in range(count)
        ]
        rows = [step.rows[0] for step in steps]
        said = [
            {"wamid": r.wamid, "nonce": r.nonce, "text_sha256": r.text_sha256, "media_sha256": r.media_sha256}
            for r in rows
        ]
        return web.json_response(said[0] | {"messages": said}, status=201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """A customer opens the chat."""
        step = self._world.customer_reads(self._known(request.match_info["id"]), self._driver.now())
        self._driver.act(step)
        return web.json_response({"read": len(step.queued) // 2})

    async def event(self, request: web.Request) -> web.StreamResponse:
        """Meta says something: {field, value}, for instance user_preferences or account_update."""
        body = await json_body(request)
        if not isinstance(body.get("field"), str) or not isinstance(body.get("value"), dict):
            raise NotUnderstoodError("field, value: give a webhook field and its value object")
        self._driver.act(self._world.account_event(body["field"], body["value"], self._driver.now()))
        return web.json_response({}, status=201)

    async def faults(self, _: web.Request) -> web.StreamResponse:
        """The kinds of trouble, and those in force."""
        active = [asdict(fault) for fault in self._world.state.faults.active()]
        return web.json_response({"kinds": dict(KINDS), "active": active})

    async def set_fault(self, request: web.Request) -> web.StreamResponse:
        """{kind, rate, seed, min_ms, max_ms}; rate 0 ends it."""
        body = await json_body(request)
        known = {"kind", "rate", "seed", "min_ms", "max_ms"}
        if not {"kind", "rate"} <= body.keys() <= known:
            raise NotUnderstoodError(
                f"fault: give kind and rate, and of {', '.join(sorted(known))} what you like"
            )
        self._world.set_fault(Fault(**body))
        return await self.faults(request)

    async def clear_faults(self, request: web.Request) -> web.StreamResponse:
        """End all trouble."""
        self._world.state.faults.clear()
        return await self.faults(request)

    async def media(self, request: web.Request) -> web.StreamResponse:
        """A file as its sender has it, for the page and for the audit."""
        kept = self._world.state.media.get(request.match_info["id"])
        if kept is None:
            raise NotUnderstoodError("media: no such id", 404)
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        return web.Response(body=kept.file.data, headers=headers | {"Content-Type": kept.file.mime})

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Rows after `after` as NDJSON; `bodies=1` adds the exact JSON, `follow=1` stays and sends what comes."""
        after, bodies = int(request.query.get("after", "0")), request.query.get("bodies") == "1"
        follow = request.query.get("follow") == "1"
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        changed = asyncio.Event()
        unwatch = self._driver.history.watch(changed.set)
        try:
            await self._stream(response, after, changed if follow else None, bodies=bodies)
        finally:
            unwatch()
        return response

    async def _stream(
        self, response: web.StreamResponse, after: int, changed: asyncio.Event | None, *, bodies: bool
    ) -> None:
        while True:
            rows = self._driver.history.rows(after, PAGE, bodies=bodies)
            if rows:
                await response.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
                after = rows[-1]["seq"]
            elif changed is None:
                return
            else:
                await changed.wait()
                changed.clear()

    def _known(self, customer_id: str) -> str:
        """An id of somebody; a number nobody has yet makes them exist."""
        if customer_id in self._world.customers:
            return customer_id
        found = self._world.state.find(customer_id, customer_id)
        if found is not None:
            return found.id
        if not customer_id.isdigit():
            raise NotUnderstoodError(
                f"customer: {customer_id!r} does not exist; POST /_twin/customers first", 404
            )
        customer = self._new(customer_id, {"wa_id": customer_id})
        self._driver.act(self._world.add_customer(customer))
        return customer.id

    def _new(self, customer_id: str, body: dict[str, Any]) -> Customer:
        mint = self._world.state.mint
        known = self._world.customers.get(customer_id)
        wa_id = str(body.get("wa_id") or (known.wa_id if known else f"52155{mint.digits(8)}"))
        if not customer_id or not wa_id.isascii() or not wa_id.isdigit():
            raise NotUnderstoodError("id, wa_id: give an id, and the number in digits only")
        plain = known or Customer(
            customer_id, wa_id, mint.user_id("MX"), f"Persona {mint.hex(4)} ~{mint.nonce()}"
        )
        wanted = {k: body[k] for k in ("wa_id", "name", "username", "hidden", "reads") if k in body}
        return replace(plain, **wanted)


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise NotUnderstoodError("file_base64: not base64") from None
