"""The server inside our loop: it serves, it ends when asked, and it takes no signal."""

import asyncio
import signal

import httpx
from fastapi import APIRouter

from shared.http.access import Staff
from shared.http.app import build
from shared.http.problems import Texts
from shared.http.server import HttpServer
from shared.ids import Ids
from tests.unit.http.tokens import Provider, StoppedClock


async def test_it_serves_and_lets_a_request_in_flight_end() -> None:
    router, entered, leave = APIRouter(), asyncio.Event(), asyncio.Event()

    @router.get("/slow")
    async def slow(_caller: Staff) -> dict[str, bool]:
        entered.set()
        await leave.wait()
        return {"done": True}

    provider, stop = Provider(), asyncio.Event()
    app = build("t", router, verifier=provider.verifier, ids=Ids(StoppedClock()), texts=Texts())
    server = HttpServer(app, "127.0.0.1", 0)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    running = asyncio.create_task(server.run(stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        assert (await client.get("/nowhere")).status_code == 404
        answer = asyncio.create_task(client.get("/slow", headers=provider.headers("agent")))
        await entered.wait()
        stop.set()
        leave.set()
        assert (await answer).json() == {"done": True}
    await asyncio.wait_for(running, 5)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
