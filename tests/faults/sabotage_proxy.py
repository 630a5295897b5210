"""A small HTTP proxy before the desk's API that may lie about what it answers."""

import json
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from aiohttp import web

# Path and answer -> the answer to give instead; None = 404.
Lie = Callable[[str, dict[str, Any]], dict[str, Any] | None]


class Proxy:
    """Passes GET requests on to `target`; each of `lies` may change a JSON answer.

    Args:
        http: to ask with.
        target: base URL of the desk's API.
    """

    def __init__(self, http: aiohttp.ClientSession, target: str) -> None:
        self._http = http
        self._target = target
        self.lies: list[Lie] = []
        self.url = ""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        headers = {"Authorization": request.headers.get("Authorization", "")}
        async with self._http.get(self._target + request.path_qs, headers=headers) as answer:
            status, said = answer.status, await answer.read()
        shown: dict[str, Any] | None = json.loads(said)
        for lie in self.lies if status == 200 else ():
            shown = lie(request.path, shown) if shown is not None else None
        if shown is None:
            return web.json_response({}, status=404)
        return web.json_response(shown, status=status)
