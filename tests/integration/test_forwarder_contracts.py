"""One suite for WhatsApp and one for destinations, over the fakes and over the adapters against the twin."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.session import get_session

from services.forwarder import signing
from services.forwarder.adapters.eum import EumSocial
from services.forwarder.adapters.memory import MemoryEndpoint, MemoryWhatsapp
from services.forwarder.adapters.webhook import Webhook
from services.forwarder.ports import (
    Answer,
    Call,
    Endpoint,
    NotSentError,
    RejectedError,
    UnclearError,
    Whatsapp,
)
from shared import aws
from twin.app import Twin
from twin.core.model import Account
from twin.settings import Settings

ACCOUNT = Account()
PNID = ACCOUNT.pnid
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
Trouble = Callable[[str], Awaitable[None]]


def _blob(attempt: str = "o_abc.1") -> bytes:
    return json.dumps(
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "5215511112222",
            "type": "text",
            "text": {"body": "hola"},
            "biz_opaque_callback_data": attempt,
        }
    ).encode()


@pytest.fixture
async def twin(tmp_path: Path) -> AsyncIterator[Twin]:
    """The outside world in this process; nothing listens behind it."""
    settings = Settings.read({"TWIN_PORT": "0", "TWIN_STATE_DIR": str(tmp_path)})
    async with Twin(settings, time.time_ns) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _client(stack: AsyncExitStack, url: str) -> Any:
    config = aws.config(attempts=1)
    made = get_session().create_client(
        "socialmessaging", region_name="us-east-1", endpoint_url=url, config=config
    )
    return await stack.enter_async_context(made)


async def _post(http: aiohttp.ClientSession, twin: Twin, path: str, **body: Any) -> None:
    async with http.post(f"http://127.0.0.1:{twin.port}{path}", json=body) as answer:
        assert answer.status == 200, await answer.text()


def _accepted(twin: Twin) -> list[str]:
    """Attempts that reached Meta, by the twin's own history."""
    rows = twin.driver.history.rows()
    return [row["attempt"] for row in rows if row["kind"] == "handed_over"]


@dataclass
class World:
    """A WhatsApp under test, and how to make it fail."""

    whatsapp: Whatsapp
    trouble: Trouble
    reached: Callable[[], list[str]]


@pytest.fixture(params=["fake", "eum"])
async def world(
    request: pytest.FixtureRequest, twin: Twin, http: aiohttp.ClientSession
) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = MemoryWhatsapp(frozenset({PNID}))
        yield World(fake, _fake_trouble(fake), lambda: _attempts(fake))
        return
    async with AsyncExitStack() as stack:
        client = await _client(stack, f"http://127.0.0.1:{twin.port}")

        async def trouble(kind: str) -> None:
            await _post(http, twin, "/_twin/faults", kind=kind, rate=1)

        numbers = {PNID: ACCOUNT.eum_phone_id, "gone": "phone-number-id-" + "0" * 32}
        eum = EumSocial(client, client, numbers, "media", "v24.0")
        yield World(eum, trouble, lambda: _accepted(twin))


def _attempts(fake: MemoryWhatsapp) -> list[str]:
    return [json.loads(blob)["biz_opaque_callback_data"] for _, blob in fake.sent]


def _fake_trouble(fake: MemoryWhatsapp) -> Trouble:
    async def trouble(kind: str) -> None:
        if kind == "throttle":
            fake.before = lambda: NotSentError("throttled", 1.0)
        else:
            fake.after = lambda: UnclearError(kind)

    return trouble


async def test_each_message_handed_over_has_an_id_of_its_own(world: World) -> None:
    first = await world.whatsapp.send(PNID, _blob("o_a.1"))
    second = await world.whatsapp.send(PNID, _blob("o_b.1"))
    assert first
    assert first != second
    assert world.reached() == ["o_a.1", "o_b.1"]


async def test_throttled_is_surely_not_sent(world: World) -> None:
    await world.trouble("throttle")
    with pytest.raises(NotSentError) as raised:
        await world.whatsapp.send(PNID, _blob())
    assert raised.value.reason == "throttled"
    assert world.reached() == []


@pytest.mark.parametrize("kind", ["error_after", "reset_after"])
async def test_an_answer_that_says_nothing_is_unclear_and_tried_once(world: World, kind: str) -> None:
    await world.trouble(kind)
    with pytest.raises(UnclearError):
        await world.whatsapp.send(PNID, _blob())
    assert world.reached() == ["o_abc.1"]


@pytest.mark.parametrize("pnid", ["nobody"])
async def test_a_number_that_is_not_ours_is_rejected(world: World, pnid: str) -> None:
    with pytest.raises(RejectedError):
        await world.whatsapp.send(pnid, _blob())
    assert world.reached() == []


async def test_eum_refuses_a_malformed_message_for_good(twin: Twin) -> None:
    async with AsyncExitStack() as stack:
        client = await _client(stack, f"http://127.0.0.1:{twin.port}")
        eum = EumSocial(client, client, {PNID: ACCOUNT.eum_phone_id}, "media", "v24.0")
        with pytest.raises(RejectedError) as raised:
            await eum.send(PNID, b"not json")
        assert raised.value.reason in {"ValidationException", "InvalidParametersException"}


async def test_a_connection_never_established_is_surely_not_sent(unused_port: int) -> None:
    async with AsyncExitStack() as stack:
        client = await _client(stack, f"http://127.0.0.1:{unused_port}")
        eum = EumSocial(client, client, {PNID: ACCOUNT.eum_phone_id}, "media", "v24.0")
        with pytest.raises(NotSentError) as raised:
            await eum.send(PNID, _blob())
        assert raised.value.reason == "unreachable"


@pytest.fixture
async def unused_port() -> int:
    """A port on which nothing listens any more."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


# --- destinations


@dataclass
class Place:
    """A destination under test."""

    endpoint: Endpoint
    url: str
    mode: Callable[..., Awaitable[None]]
    kept: Callable[[], Awaitable[int]]


@pytest.fixture(params=["fake", "webhook"])
async def place(request: pytest.FixtureRequest, twin: Twin, http: aiohttp.ClientSession) -> Place:
    if request.param == "fake":
        return _fake_place()
    await _post(http, twin, "/_twin/destinations", name="sistema", secret=SECRET)

    async def mode(name: str) -> None:
        await _post(http, twin, "/_twin/destinations", name="sistema", mode=name, retry_after_s=7)

    async def kept() -> int:
        async with http.get(f"http://127.0.0.1:{twin.port}/_twin/destinations") as answer:
            count: int = (await answer.json())["destinations"][0]["kept"]
            return count

    url = f"http://127.0.0.1:{twin.port}/hooks/sistema"
    return Place(Webhook(http, loopback=True), url, mode, kept)


def _fake_place() -> Place:
    fake, url = MemoryEndpoint(), "https://sistema.test/hook"
    answers = {"ok": [], "down": [Answer(503)], "429": [Answer(429, "7")], "lost_answer": [Answer(200)]}

    async def mode(name: str) -> None:
        fake.answers[url] = list(answers[name])
        fake.after = lambda: None

    async def kept() -> int:
        return len(fake.kept)

    return Place(fake, url, mode, kept)


def _call(place: Place, name: str = "sistema:m1:0") -> Call:
    body = json.dumps({"type": "message.received", "data": {"message_id": "m1"}}).encode()
    return Call(place.url, body, signing.headers(SECRET, name, time.time_ns() // 1_000_000, body))


async def test_a_destination_keeps_a_delivery_once_however_often_it_gets_it(place: Place) -> None:
    for _ in range(2):
        assert (await place.endpoint.deliver(_call(place))).status in range(200, 300)
    assert await place.kept() == 1
    await place.endpoint.deliver(_call(place, "sistema:m2:0"))
    assert await place.kept() == 2


@pytest.mark.parametrize(("mode", "expected"), [("down", Answer(503)), ("429", Answer(429, "7"))])
async def test_a_destination_that_turns_away_keeps_nothing(place: Place, mode: str, expected: Answer) -> None:
    await place.mode(mode)
    assert await place.endpoint.deliver(_call(place)) == expected
    assert await place.kept() == 0


async def test_a_signature_under_another_secret_is_refused_by_the_receiver(
    twin: Twin, http: aiohttp.ClientSession
) -> None:
    await _post(http, twin, "/_twin/destinations", name="sistema", secret=SECRET)
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    headers = signing.headers(other, "sistema:m1:0", time.time_ns() // 1_000_000, b"{}")
    call = Call(f"http://127.0.0.1:{twin.port}/hooks/sistema", b"{}", headers)
    assert (await Webhook(http, loopback=True).deliver(call)).status == 401


async def test_nobody_there_is_surely_not_sent(http: aiohttp.ClientSession, unused_port: int) -> None:
    with pytest.raises(NotSentError):
        await Webhook(http, loopback=True).deliver(Call(f"http://127.0.0.1:{unused_port}/", b"{}", {}))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://127.0.0.1/",
        "http://10.0.0.1/",
        "https://user:pw@example.org/",
        "nonsense",
    ],
)
async def test_only_https_leaves_the_machine(http: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(NotSentError) as raised:
        await Webhook(http, loopback=True).deliver(Call(url, b"{}", {}))
    assert raised.value.reason == "https_required"


async def test_without_the_allowance_not_even_loopback_is_called_over_http(
    twin: Twin, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(NotSentError) as raised:
        await Webhook(http).deliver(Call(f"http://127.0.0.1:{twin.port}/hooks/x", b"{}", {}))
    assert raised.value.reason == "https_required"
