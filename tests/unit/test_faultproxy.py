"""The fault proxy itself: what is not on order goes through unchanged."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests import faultproxy
from tests.faultproxy import FaultProxy


@pytest.fixture
async def echo() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers what it was asked, and the requests that reached it."""
    reached: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        text = f"{request.method} {request.raw_path} {request.headers.get('Host')} {await request.text()}"
        reached.append(text)
        return web.Response(text=text, headers={"X-Echo": "yes"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", reached
    await runner.cleanup()


async def ask(session: aiohttp.ClientSession, url: str, target: str = "") -> tuple[int, str]:
    headers = {"X-Amz-Target": target} if target else {}
    async with session.post(url, data="body", headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_call_goes_through_as_it_was_signed(echo: tuple[str, list[str]]) -> None:
    url, _ = echo
    async with FaultProxy(url) as proxy, aiohttp.ClientSession() as session:
        status, text = await ask(session, f"{proxy.url}/a%2Bb?x=1&y")
        assert (status, text) == (200, f"POST /a%2Bb?x=1&y {proxy.url.removeprefix('http://')} body")
        assert proxy.seen == {"POST /a+b": 1}


async def test_rules_strike_their_operation_as_often_as_ordered(echo: tuple[str, list[str]]) -> None:
    url, reached = echo
    async with FaultProxy(url) as proxy, aiohttp.ClientSession() as session:
        rule = proxy.fail("Put*", faultproxy.throttle(), times=2)
        answers = [
            (await ask(session, proxy.url, f"X.{name}"))[0] for name in ("PutItem", "GetItem", "PutA", "PutB")
        ]
        assert answers == [400, 200, 400, 200]
        assert rule.hits == 2
        assert len(reached) == 2


async def test_a_rate_is_drawn_from_the_seed(echo: tuple[str, list[str]]) -> None:
    url, _ = echo
    runs = []
    for seed in (1, 1, 2):
        async with FaultProxy(url, seed) as proxy, aiohttp.ClientSession() as session:
            proxy.fail("*", faultproxy.fail_with(503), times=None, rate=0.5)
            runs.append([(await ask(session, proxy.url))[0] for _ in range(30)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 503}


@pytest.mark.parametrize(
    ("fault", "effects"),
    [(faultproxy.drop_before(), 0), (faultproxy.drop_after(), 1), (faultproxy.cut_body(), 1)],
)
async def test_a_cut_connection_is_an_error_at_the_client(
    echo: tuple[str, list[str]], fault: faultproxy.Fault, effects: int
) -> None:
    url, reached = echo
    async with FaultProxy(url) as proxy, aiohttp.ClientSession() as session:
        rule = proxy.fail("*", fault)
        with pytest.raises(aiohttp.ClientError):
            await ask(session, proxy.url, "X.PutItem")
        assert rule.hits == 1
        assert len(reached) == effects
