"""Routing and delivering over the record, in memory and on virtual time."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.forwarder.ports import Answer, NotSentError, UnclearError
from shared.record.shape import CURSOR_SK, routed_sk
from shared.store.port import Update
from sim.clock import VirtualClock
from tests.unit.forwarder.forwarder_world import Newsroom, play


async def _forward(room: Newsroom) -> None:
    await room.drain("forwarder", room.forwarding.on_message)


def test_a_message_reaches_its_destination_signed_and_without_a_number() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        message = await room.receive("Hay humo en Reforma")
        await _forward(room)
        (data,) = room.got("sistema")
        assert (data["message_id"], data["text"], data["part"]) == (
            message["message_id"],
            "Hay humo en Reforma",
            "0",
        )
        assert data["alias"].startswith("Fuente ")
        (call,) = room.endpoint.got
        assert b"5512345678" not in call.body
        assert b"wamid" not in call.body
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        name, at = call.headers["webhook-id"], call.headers["webhook-timestamp"]
        signed = Webhook(secret).sign(name, datetime.fromtimestamp(int(at), UTC), call.body.decode())
        assert signed == call.headers["webhook-signature"]
        assert room.metric("forward_seconds_count", destination="sistema") == 1

    play(story())


def test_a_redelivered_event_routes_nothing_twice_but_runs_the_lane_again() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        room.endpoint.before = lambda: NotSentError("unreachable")
        await room.receive("uno")
        (body,) = room.queues["forwarder"].bodies()
        await _forward(room)
        room.endpoint.before = lambda: None
        room.queues["forwarder"].put(body, {})
        await asyncio.sleep(5)
        await _forward(room)
        assert [data["text"] for data in room.got("sistema")] == ["uno"]

    play(story())


def test_what_came_late_is_delivered_marked_and_leaves_the_cursor_alone() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        first = await room.receive("segundo")
        await _forward(room)
        cursor = await room.store.get("messages", first["pk"], CURSOR_SK)
        late = await room.receive("primero", late_ms=60_000)
        await _forward(room)
        assert await room.store.get("messages", first["pk"], CURSOR_SK) == cursor
        assert [data.get("late") for data in room.got("sistema")] == [None, True]
        assert room.metric("late_messages_total") == 1
        mark = await room.store.get("messages", late["pk"], routed_sk(late["sk"]))
        assert mark is not None
        assert mark["late"] is True

    play(story())


@pytest.mark.parametrize("source", ["import", "replay"])
def test_imports_and_replays_go_nowhere(source: str) -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        await room.receive("viejo", source=source)
        await _forward(room)
        assert room.endpoint.got == []
        await room.receive("nuevo")
        await _forward(room)
        assert [data["text"] for data in room.got("sistema")] == ["nuevo"]

    play(story())


def test_a_protected_source_goes_nowhere_and_is_marked_as_routed() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        first = await room.receive("uno")
        await _forward(room)
        await room.store.write(Update("conversations", first["pk"], "-", set={"protected": True}))
        await asyncio.sleep(1)
        second = await room.receive("dos")
        await _forward(room)
        assert [data["text"] for data in room.got("sistema")] == ["uno"]
        mark = await room.store.get("messages", second["pk"], routed_sk(second["sk"]))
        assert mark is not None
        assert mark["destinations"] == []

    play(story())


def test_a_photo_waits_for_its_check_and_goes_with_its_link() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        message = await room.receive("foto", media=True)
        await _forward(room)
        assert room.endpoint.got == []
        await asyncio.sleep(1)
        await room.settle(message)
        await _forward(room)
        (data,) = room.got("sistema")
        assert data["media"][0]["url"] == f"https://cdn.test/{'cd' * 32}"

    play(story())


def test_a_photo_that_takes_too_long_goes_without_and_the_file_follows() -> None:
    """And the text behind it does not wait longer than the photo's time."""

    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        message = await room.receive("foto", media=True)
        await asyncio.sleep(1)
        await room.receive("texto")
        await _forward(room)
        await room.pass_time(12, "forwarder")
        assert [(data["text"], data["part"]) for data in room.got("sistema")] == [
            ("foto", "0"),
            ("texto", "0"),
        ]
        assert room.got("sistema")[0]["media"] == [{"n": 0, "mime": "image/jpeg", "state": "pending"}]
        await room.settle(message)
        await _forward(room)
        await room.settle(message)
        await _forward(room)
        assert [data["part"] for data in room.got("sistema")] == ["0", "0", "file"]
        assert "text" not in room.got("sistema")[-1]

    play(story())


def test_a_photo_settled_during_the_call_still_follows() -> None:
    """The answer and the check of the file race: the follow-up is owed by whichever is written second."""

    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema", wait_s=0)
        message = await room.receive("foto", media=True)
        inner = room.endpoint.deliver

        async def slow(call: Any) -> Answer:
            answer = await inner(call)
            if len(room.endpoint.got) == 1:
                await room.settle(message)
                (settled,) = [m for m in room.queues["forwarder"].stored() if "settled" in m.body]
                await room.forwarding.on_message(settled)
            return answer

        room.endpoint.deliver = slow  # type: ignore[method-assign]
        await _forward(room)
        assert [data["part"] for data in room.got("sistema")] == ["0", "file"]

    play(story())


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (Answer(204), "delivered", None),
        (Answer(400), "failed", "http_400"),
        (Answer(302), "failed", "http_302"),
        (Answer(410), "failed", "http_410"),
        (Answer(500), "queued", "http_500"),
        (Answer(429, "7"), "queued", "http_429"),
    ],
)
def test_answers_are_sorted(answer: Answer, state: str, reason: str | None) -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        room.endpoint.answers["https://sistema.test/hook"] = [answer]
        message = await room.receive("uno")
        await _forward(room)
        item = await room.store.get("deliveries", f"sistema#{message['pk']}", f"{message['message_id']}#0")
        assert item is not None
        assert (item["state"], item.get("reason")) == (state, reason)

    play(story())


def test_a_destination_that_is_down_gets_everything_later_in_order() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        room.endpoint.before = lambda: UnclearError("reset")
        for n in range(5):
            await room.receive(f"m{n}")
            await asyncio.sleep(1)
        await _forward(room)
        await room.pass_time(60, "forwarder")
        room.endpoint.before = lambda: None
        await room.pass_time(600, "forwarder")
        assert [data["text"] for data in room.got("sistema")] == [f"m{n}" for n in range(5)]

    play(story())


def test_a_hanging_destination_does_not_hold_the_other_one() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("cuelga")
        await room.destination("sistema")
        inner = room.endpoint.deliver

        async def deliver(call: Any) -> Answer:
            if "cuelga" in call.url:
                await asyncio.sleep(3600)
            return await inner(call)

        room.endpoint.deliver = deliver  # type: ignore[method-assign]
        for n in range(30):
            await room.receive(f"m{n}", number=f"52155000000{n:02d}")
        began = asyncio.get_running_loop().time()
        found = [await room.queues["forwarder"].receive(10, 0, 60) for _ in range(3)]
        tasks = [asyncio.ensure_future(room.forwarding.on_message(each)) for batch in found for each in batch]
        await asyncio.sleep(2)
        assert len(room.got("sistema")) == 30
        await asyncio.gather(*tasks)
        assert asyncio.get_running_loop().time() - began < 12

    play(story())


def test_a_rule_by_type_takes_only_its_types() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.destination("fotos", types=["image"], media="link")
        await room.receive("texto")
        await asyncio.sleep(1)
        await room.receive("foto", media=True)
        await _forward(room)
        assert [data["message_type"] for data in room.got("fotos")] == ["image"]

    play(story())


@given(
    gaps=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 4000)), min_size=1, max_size=8),
    skews=st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=30, deadline=None)
def test_each_message_is_delivered_once_and_in_order_unless_marked_late(
    gaps: list[tuple[int, int]], skews: tuple[int, int], seed: int
) -> None:
    """Two routers whose clocks differ, events reordered and repeated, messages kept long after they arrived."""

    async def story() -> None:
        room = Newsroom()
        await room.destination("sistema")
        routers = [room.forwarder(VirtualClock(skew), f"router-{skew}-{n}") for n, skew in enumerate(skews)]
        stop = asyncio.Event()
        workers = [asyncio.ensure_future(_work(room, router.on_message, stop)) for router in routers]
        for number, (gap, delay) in enumerate(gaps):
            await room.receive(f"m{number}", late_ms=delay)
            if number % 3 == 0:
                room.queues["forwarder"].put(room.queues["forwarder"].bodies()[-1], {})
            await asyncio.sleep(gap / 1000)
        await asyncio.sleep(90)
        stop.set()
        await asyncio.gather(*workers)
        await room.pass_time(30, "forwarder")
        got = room.got("sistema")
        assert sorted(data["text"] for data in got) == sorted(f"m{n}" for n in range(len(gaps)))
        keys = [data["order_key"] for data in got if not data.get("late")]
        assert keys == sorted(keys)

    play(story(), seed)


async def _work(room: Newsroom, handler: Any, stop: asyncio.Event) -> None:
    running: set[asyncio.Task[None]] = set()
    queue = room.queues["forwarder"]
    while not stop.is_set():
        for message in await queue.receive(10, 1, 60):

            async def handle(each: Any = message) -> None:
                await handler(each)
                await queue.delete([each])

            running.add(asyncio.ensure_future(handle()))
    await asyncio.gather(*running)
