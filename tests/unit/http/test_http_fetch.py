"""The aiohttp adapter against a real loopback server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from shared.http.fetch import MAX_BYTES, HttpJwks
from shared.http.port import JwksUnavailableError


@pytest.fixture
async def base() -> AsyncIterator[str]:
    stuck = asyncio.Event()

    async def good(_request: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    async def huge(_request: web.Request) -> web.Response:
        return web.Response(body=b"[" + b" " * MAX_BYTES + b"]")

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    async def array(_request: web.Request) -> web.Response:
        return web.json_response([])

    async def moved(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/good")

    async def hang(_request: web.Request) -> web.Response:
        await stuck.wait()
        return web.Response()

    app = web.Application()
    for handler in (good, huge, broken, array, moved, hang):
        app.router.add_get(f"/{handler.__name__}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    stuck.set()
    await runner.cleanup()


async def test_a_set_is_fetched(base: str) -> None:
    async with aiohttp.ClientSession() as session:
        assert await HttpJwks(session, f"{base}/good").fetch() == {"keys": []}


@pytest.mark.parametrize("path", ["huge", "broken", "array", "moved", "hang", "absent"])
async def test_whatever_else_comes_is_unavailable(base: str, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(JwksUnavailableError):
            await HttpJwks(session, f"{base}/{path}", timeout_s=0.3).fetch()


async def test_nobody_listening_is_unavailable() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(JwksUnavailableError):
            await HttpJwks(session, "http://127.0.0.1:9/jwks").fetch()
