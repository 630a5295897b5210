"""Destinations outside: receivers of signed webhooks that check, remember and misbehave on demand.

Signatures as the Standard Webhooks specification has them (standardwebhooks.com: `v1,` and the base64
HMAC-SHA256 of `id.timestamp.body` under the decoded `whsec_` secret, five minutes' tolerance); written here
from the specification, so that the product's library is checked by something else. Idempotent by webhook-id.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from aiohttp import web

from twin.control import NotUnderstoodError, guarded, json_body
from twin.core.model import MS, SECOND, Row
from twin.driver import Driver

TOLERANCE_S = 300
MODES = {
    "ok": "keeps and answers 200",
    "slow": "keeps, answers after delay_ms",
    "down": "keeps nothing, answers 503",
    "429": "keeps nothing, answers 429 with Retry-After",
    "lost_answer": "keeps, then answers 500: the sender must try again and must not be kept twice",
    "forgets": "keeps under no id: shows a sender that repeats what was confirmed",
}
_SETTING = "destinations"


@dataclass(frozen=True, slots=True)
class Destination:
    """One receiver; `kept` counts what it took, `received` each delivery with a valid signature."""

    name: str
    secret: str
    mode: str = "ok"
    delay_ms: int = 0
    retry_after_s: int = 1
    received: int = 0
    kept: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode: {self.mode!r} is none of {', '.join(MODES)}")


def verify(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    """What is wrong with a delivery, or nothing."""
    name, at, given = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not name or not at.isdigit() or abs(now_s - int(at)) > TOLERANCE_S:
        return "webhook-id or webhook-timestamp missing, or not of the last five minutes"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return "the destination's secret is not whsec_ and base64"
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    good = any(hmac.compare_digest(one.encode(), expected.encode()) for one in given.split(" "))
    return "" if good else "webhook-signature does not match"


class Receivers:
    """All destinations of a twin, kept over restarts."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._all = {one["name"]: Destination(**one) for one in driver.history.setting(_SETTING, [])}
        self._ids = driver.history.kept()

    def routes(self) -> list[web.RouteDef]:
        """The receivers and their control."""
        return [
            web.post("/hooks/{name}", self.receive),
            web.get("/_twin/destinations", guarded(self.shown)),
            web.post("/_twin/destinations", guarded(self.set)),
        ]

    async def shown(self, _: web.Request) -> web.StreamResponse:
        """All destinations with their counts, secrets left out."""
        listed = [asdict(one) | {"secret": ""} for _, one in sorted(self._all.items())]
        return web.json_response({"modes": MODES, "destinations": listed})

    async def set(self, request: web.Request) -> web.StreamResponse:
        """{name, secret, mode?, delay_ms?, retry_after_s?}: a new destination, or new behaviour of one."""
        body = await json_body(request)
        name = str(body.get("name", ""))
        wanted = {k: body[k] for k in ("secret", "mode", "delay_ms", "retry_after_s") if k in body}
        if not name or (name not in self._all and "secret" not in wanted):
            raise NotUnderstoodError("name, secret: a new destination needs both")
        plain = self._all.get(name) or Destination(name, str(wanted["secret"]))
        self._keep(replace(plain, **wanted))
        return await self.shown(request)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """One delivery: checked, behaved upon, written into the history before it is answered."""
        place = self._all.get(request.match_info["name"])
        if place is None:
            return web.json_response({"error": "no such destination"}, status=404)
        body = await request.read()
        wrong = verify(place.secret, request.headers, body, self._driver.now() / SECOND)
        if wrong:
            self._write(place, request, body, "fail", "401")
            return web.json_response({"error": wrong}, status=401)
        if place.mode in {"down", "429"}:
            return self._turned_away(place, request, body)
        return await self._taken(place, request, body)

    def _turned_away(self, place: Destination, request: web.Request, body: bytes) -> web.StreamResponse:
        self._keep(replace(place, received=place.received + 1))
        status = 503 if place.mode == "down" else 429
        self._write(place, request, body, "fail", str(status))
        wait = {"Retry-After": str(place.retry_after_s)} if place.mode == "429" else {}
        return web.json_response({"error": place.mode}, status=status, headers=wait)

    async def _taken(self, place: Destination, request: web.Request, body: bytes) -> web.StreamResponse:
        mark = (place.name, request.headers["webhook-id"])
        new = mark not in self._ids or place.mode == "forgets"
        self._ids.add(mark)
        status = 500 if place.mode == "lost_answer" and new else 200
        self._keep(replace(place, received=place.received + 1, kept=place.kept + new))
        self._write(place, request, body, "ok" if new else "info", str(status))
        if place.mode == "slow":
            await asyncio.sleep(place.delay_ms / 1000)
        return web.json_response({"kept": new}, status=status)

    def _keep(self, place: Destination) -> None:
        self._all[place.name] = place
        self._driver.history.put_setting(_SETTING, [asdict(one) for _, one in sorted(self._all.items())])

    def _write(self, place: Destination, request: web.Request, body: bytes, phase: str, code: str) -> None:
        """`ok` = kept, `info` = received again and not kept twice, `fail` = turned away."""
        row = Row(
            at=self._driver.now() // MS,
            kind="received",
            phase=phase,  # type: ignore[arg-type] # one of the three above
            pnid=self._driver.world.account.pnid,
            direction="out",
            type=_type(body),
            destination=place.name,
            remote_id=request.headers.get("webhook-id", ""),
            text_sha256=hashlib.sha256(body).hexdigest(),
            code=code,
            body=body.decode("utf-8", "replace"),
        )
        self._driver.history.commit([row])


def _type(body: bytes) -> str:
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return "unreadable"
    return str(parsed.get("type", "")) if isinstance(parsed, dict) else "unreadable"
