"""An edge of the CDN that caches, before the twin's: what it let through once it hands out again until it must forget.

It speaks CloudFront's CreateInvalidation (Amazon CloudFront API reference, version 2020-05-31), and nothing else of it.
"""

from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web

DISTRIBUTION = "EPROOF00000001"
_XMLNS = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
_KEPT = frozenset({"Content-Type", "Content-Disposition", "ETag"})


@dataclass(frozen=True, slots=True)
class Copy:
    """An answer as it is handed out again."""

    body: bytes
    headers: dict[str, str]


class Edge:
    """One edge.

    Args:
        origin: base URL of the twin.

    Attributes:
        copies: signed URL, as it was asked for -> what it answered.
        forgotten: paths of invalidations. served: how many requests a copy answered.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.copies: dict[str, Copy] = {}
        self.forgotten: list[str] = []
        self.served = 0
        app = web.Application()
        app.router.add_get("/served/{key:.*}", self._get)
        app.router.add_post(f"/2020-05-31/distribution/{DISTRIBUTION}/invalidation", self._invalidate)
        self._runner = web.AppRunner(app, access_log=None)
        self.url = ""

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._http.close()

    def env(self) -> dict[str, str]:
        """What makes a system use it."""
        return {
            "CDMX_CDN_URL": self.url,
            "CDMX_CDN_DISTRIBUTION": DISTRIBUTION,
            "AWS_ENDPOINT_URL_CLOUDFRONT": self.url,
        }

    async def _get(self, request: web.Request) -> web.StreamResponse:
        """A copy, or what the origin lets through; it checks the signature of the address as it was signed."""
        asked = request.path_qs
        if asked in self.copies:
            self.served += 1
            copy = self.copies[asked]
            return web.Response(body=copy.body, headers=copy.headers)
        headers = {"Host": request.host}
        async with self._http.get(f"{self._origin}{asked}", headers=headers) as answer:
            body, status = await answer.read(), answer.status
            kept = {name: value for name, value in answer.headers.items() if name in _KEPT}
        if status == web.HTTPOk.status_code:
            self.copies[asked] = Copy(body, kept)
        return web.Response(status=status, body=body, headers=kept)

    async def _invalidate(self, request: web.Request) -> web.Response:
        batch = ET.fromstring(await request.text())  # noqa: S314 - of our own keeper
        paths = [each.text or "" for each in batch.iter(f"{{{_XMLNS}}}Path")]
        reference = batch.findtext(f"{{{_XMLNS}}}CallerReference", "")
        self.forgotten += paths
        self.copies = {url: c for url, c in self.copies.items() if url.partition("?")[0] not in paths}
        items = "".join(f"<Path>{path}</Path>" for path in paths)
        inner = f"<Paths><Quantity>{len(paths)}</Quantity><Items>{items}</Items></Paths>"
        inner = (
            f"<InvalidationBatch>{inner}<CallerReference>{reference}</CallerReference></InvalidationBatch>"
        )
        said = f"<Id>I{len(self.forgotten)}</Id><Status>Completed</Status><CreateTime>2026-01-01T00:00:00Z</CreateTime>"
        text = f'<Invalidation xmlns="{_XMLNS}">{said}{inner}</Invalidation>'
        return web.Response(status=201, text=text, content_type="text/xml")
