"""The page where one plays a customer: choose who, read the thread, write, send a file, a voice note, a place.

Everything is one page without foreign assets; what happens arrives by server-sent events (WHATWG HTML).
"""

import asyncio
import json
from importlib.resources import files
from typing import Any

from aiohttp import web

from twin.control import guarded
from twin.core.model import Customer
from twin.driver import Driver

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FILES = {
    "phone": ("phone.html", "text/html"),
    "phone.js": ("phone.js", "text/javascript"),
    "phone.css": ("phone.css", "text/css"),
}
_RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4, "failed": 5}


class Phone:
    """The page, its thread as JSON, and its live events."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def routes(self) -> list[web.RouteDef]:
        """The page's files and its two data paths."""
        return [
            *(web.get(f"/{name}", _static(name)) for name in _FILES),
            web.get("/", self.home),
            web.get("/_twin/customers/{id}/thread", guarded(self.thread)),
            web.get("/_twin/live", self.live),
        ]

    async def home(self, _: web.Request) -> web.StreamResponse:
        """The page is all there is for people."""
        raise web.HTTPFound("/phone")

    async def thread(self, request: web.Request) -> web.StreamResponse:
        """The bubbles of one customer's chat, oldest first."""
        customer = self._driver.world.state.customer(request.match_info["id"])
        return web.json_response(
            {"bubbles": bubbles(self._driver.history.of([customer.user_id], 400), customer)}
        )

    async def live(self, request: web.Request) -> web.StreamResponse:
        """An event each time something new is in the history; the page then asks for its thread."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        changed = asyncio.Event()
        unwatch = self._driver.history.watch(changed.set)
        try:
            while True:
                await response.write(f"data: {self._driver.history.last_seq()}\n\n".encode())
                await changed.wait()
                changed.clear()
                await asyncio.sleep(0.15)  # a burst of rows is one event
        finally:
            unwatch()


def _static(name: str) -> Any:
    async def serve(_: web.Request) -> web.StreamResponse:
        filename, kind = _FILES[name]
        text = (files("twin") / "page" / filename).read_text("utf-8")
        return web.Response(text=text, content_type=kind, headers=PAGE_HEADERS)

    return serve


def bubbles(rows: list[dict[str, Any]], customer: Customer) -> list[dict[str, Any]]:
    """What a phone shows of these rows: messages both ways with their ticks, and receipts on our own."""
    shown: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["kind"] == "status" and row["wamid"] in shown:
            _tick(shown[row["wamid"]], row)
        elif row["kind"] == "shown" and row["type"] in {"read", "typing"}:
            shown.get(row["wamid"], {})["status"] = "read"
        elif row["kind"] in {"written", "shown"} and row["wamid"]:
            shown[row["wamid"]] = _bubble(row, customer)
    return list(shown.values())


def _tick(bubble: dict[str, Any], row: dict[str, Any]) -> None:
    if _RANK.get(row["type"], 0) > _RANK.get(bubble["status"], 0):
        bubble["status"] = row["type"]


def _bubble(row: dict[str, Any], customer: Customer) -> dict[str, Any]:
    mine = row["kind"] == "written"
    body = json.loads(row["body"] or "{}")
    part = body.get(body.get("type", ""), {})
    bubble = {"wamid": row["wamid"], "at": row["at"], "mine": mine, "type": row["type"], "status": "sent"}
    return bubble | {"text": _words(body, part), "media": _media(part), "who": customer.name if mine else ""}


def _words(body: dict[str, Any], part: Any) -> str:
    """The words of any type, in Spanish where the type has none."""
    if isinstance(part, list):
        return "Contacto: " + ", ".join(str(p.get("name", {}).get("formatted_name", "")) for p in part)
    kind = body.get("type", "")
    inner = part.get(part.get("type", ""), {}) if kind == "interactive" else part
    if kind == "location":
        return f"Ubicación: {part.get('name', '')} {part.get('latitude')}, {part.get('longitude')}"
    if kind == "reaction":
        return f"Reacción: {part.get('emoji') or 'quitada'}"
    found = [inner.get(k) for k in ("body", "caption", "title", "text", "filename", "name")]
    return next((str(w) for w in found if isinstance(w, str) and w), _label(kind))


def _label(kind: str) -> str:
    labels = {
        "image": "Foto",
        "video": "Video",
        "audio": "Audio",
        "sticker": "Sticker",
        "template": "Plantilla",
    }
    return labels.get(kind, kind)


def _media(part: Any) -> dict[str, str] | None:
    if not isinstance(part, dict) or not part.get("id") or "mime_type" not in part:
        return None
    return {"id": str(part["id"]), "mime": str(part["mime_type"])}
