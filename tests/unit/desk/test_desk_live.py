"""Live updates over a real connection: in order, masked, resumed, ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import structlog

from shared.events.model import AlertRaised, AlertRaisedEvent
from shared.http.server import HttpServer
from shared.store.port import Delete, Update
from tests.unit.desk.world import World
from tests.unit.record.world import NOON_MS, person, text


@asynccontextmanager
async def served(w: World) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The desk on a loopback port with its tail running."""
    stop = asyncio.Event()
    server = HttpServer(w.app, "127.0.0.1", 0)
    tasks = [asyncio.create_task(server.run(stop)), asyncio.create_task(w.hub.run(stop))]
    try:
        yield f"http://127.0.0.1:{server.port}", stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def stream(
    w: World,
    base: str,
    count: int,
    *roles: str,
    last: str | None = None,
    ready: asyncio.Event | None = None,
    **kwargs: Any,
) -> list[dict[str, str]]:
    """The first `count` server-sent events."""
    found: list[dict[str, str]] = []
    headers = w.provider.headers(
        *(roles or ("agent",)), **({"Last-Event-ID": last} if last else {}), **kwargs
    )
    async with (
        httpx.AsyncClient(base_url=base, timeout=10) as client,
        client.stream("GET", "/v1/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        current: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                current[name] = value
            elif current:
                found.append(current)
                current = {}
                if ready is not None:
                    ready.set()
                if len(found) == count:
                    break
    return found


def alert(number: int) -> AlertRaisedEvent:
    data = AlertRaised(name=f"a{number}", severity="warn", runbook="r")
    return AlertRaisedEvent(
        id=f"a{number}:1", source="t", subject="a", time="2027-01-15T08:00:00.000Z", data=data
    )


async def test_a_message_reaches_every_agent_with_its_content_and_number() -> None:
    w = World()
    async with served(w) as (base, _):
        ready = [asyncio.Event() for _ in range(3)]
        calls = (stream(w, base, 3, agent=f"agent-{n}", ready=each) for n, each in enumerate(ready))
        clients = [asyncio.create_task(each) for each in calls]
        await asyncio.gather(*(each.wait() for each in ready))
        await w.keep(text("wamid.1", "hay humo", who=person(name="Ana")))
        for got in await asyncio.gather(*clients):
            assert got[0]["event"] == "ready"
            recorded = next(each for each in got[1:] if each["event"] == "desk.message.recorded.v1")
            data = json.loads(recorded["data"])
            assert data["message"]["whatsapp"]["text"]["body"] == "hay humo"
            assert str(data["seq"]) == recorded["id"]
        assert max(w.agents) == 3
    assert w.clients[-1] == 0


async def test_a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() -> None:
    w = World()
    await w.append(*(alert(n) for n in range(30)))
    async with served(w) as (base, _):
        first = await stream(w, base, 6, last="0")
        assert [each["id"] for each in first] == ["0", "1", "2", "3", "4", "5"]
        second = await stream(w, base, 26, last=first[-1]["id"])
        assert [each["id"] for each in second] == [str(n) for n in range(5, 31)]


async def test_a_client_that_leaves_in_a_burst_is_no_error() -> None:
    w = World()
    await w.append(*(alert(n) for n in range(60)))
    with structlog.testing.capture_logs() as lines:
        async with served(w) as (base, _):
            await asyncio.gather(*(stream(w, base, n, last="0") for n in (2, 3, 5, 8)))
    assert {line["event"] for line in lines} == {"request"}
    assert w.clients[-1] == 0


async def test_a_number_the_log_no_longer_knows_is_a_reset() -> None:
    w = World()
    await w.append(*(alert(n) for n in range(3)))
    w.base.clock.ms += 25 * 3600 * 1000
    await w.append(alert(4))
    w.store.sweep(w.base.clock.ms // 1000)
    async with served(w) as (base, _):
        for last in ("1", "99"):
            (got,) = await stream(w, base, 1, last=last)
            assert (got["event"], got["id"]) == ("reset", "4")
        async with w.client() as client:
            for after in (1, 99):
                body = (await client.get(f"/v1/events?after={after}")).json()
                assert body == {"events": [], "next": 4, "reset": True}


async def test_what_is_protected_is_masked_for_each_who_must_not_see_it() -> None:
    w = World()
    kept = await w.base.record.keeper.keep(text("wamid.1", "secreto"))
    cid = (await w.item(kept.item_id))["pk"]
    await w.store.write(Update("conversations", cid, "-", set={"protected": True}, add={"rev": 1}))
    await w.append(*kept.events)
    async with served(w) as (base, _):
        assert "secreto" not in repr(await stream(w, base, 3, "agent", last="0"))
        assert "secreto" in repr(await stream(w, base, 3, "admin", last="0"))


async def test_operators_see_the_system_and_no_conversation() -> None:
    w = World()
    await w.keep(text("wamid.1", "secreto"))
    await w.append(alert(1))
    async with w.client("ops") as client:
        body = (await client.get("/v1/events?after=0")).json()
    assert [each["type"] for each in body["events"]] == ["desk.alert.raised.v1"]
    assert body["next"] == await w.log.head(), "what is not theirs is passed over, not waited for"


async def test_polling_gives_the_same_events() -> None:
    w = World()
    async with w.client() as client:
        start = (await client.get("/v1/events")).json()
        assert start == {"events": [], "next": 0, "reset": False}
        kept = await w.keep(text("wamid.1", "hola"))
        body = (await client.get("/v1/events?after=0&limit=200")).json()
        recorded = [each for each in body["events"] if each["type"] == "desk.message.recorded.v1"]
        assert [each["message"]["message_id"] for each in recorded] == [kept.item_id]
        assert (await client.get(f"/v1/events?after={body['next']}")).json()["events"] == []
        assert (await client.get("/v1/events?after=-1")).status_code == 422


async def test_an_event_of_a_message_that_is_gone_still_comes() -> None:
    w = World()
    kept = await w.base.record.keeper.keep(text("wamid.1"))
    item = await w.item(kept.item_id)
    await w.store.write(Delete("messages", item["pk"], item["sk"]))
    await w.append(*kept.events)
    async with w.client() as client:
        body = (await client.get("/v1/events?after=0")).json()
    assert [each["message"] for each in body["events"]] == [None] * len(body["events"])


async def test_a_stop_closes_open_streams_at_once() -> None:
    w = World()
    async with served(w) as (base, stop):
        ready = asyncio.Event()
        client = asyncio.create_task(stream(w, base, 99, ready=ready))
        await ready.wait()
        stop.set()
        got = await asyncio.wait_for(client, 5)
    assert [each["event"] for each in got] == ["ready"]


async def test_a_stream_ends_when_its_token_does() -> None:
    w = World()
    async with served(w) as (base, _):
        w.base.clock.ms = NOON_MS + 600_000 - 300
        got = await asyncio.wait_for(stream(w, base, 99), 5)
    assert [each["event"] for each in got] == ["ready"]


async def test_a_last_event_id_that_is_no_number_is_named() -> None:
    w = World()
    async with w.client() as client:
        answer = await client.get("/v1/stream", headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.json()["field"]) == (422, "last-event-id")


async def test_who_am_i() -> None:
    w = World()
    async with w.client("editor", "agent") as client:
        body = (await client.get("/v1/me")).json()
    assert body == {
        "agent_id": "agent-1",
        "roles": ["agent", "editor"],
        "session_ends_at": "2027-01-15T08:10:00.000Z",
    }
