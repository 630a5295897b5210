"""Writing: once in effect, refused early in words, retried only by a person and only when it may be."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.record.shape import lane_pk, whatsapp_destination
from shared.store.port import Item, Key, Op, StoreUnavailableError, Update
from tests.unit.desk.world import World, key
from tests.unit.record.world import NOON_MS, PNID, person, status, text

DAY = 24 * 3600 * 1000


async def opened(w: World) -> tuple[str, str]:
    kept = await w.keep(text("wamid.1", "hola"))
    return (await w.item(kept.item_id))["pk"], kept.item_id


async def post(
    w: World, path: str, body: Any = None, code: int = 202, *, k: str = "k-1", agent: str = "agent-1"
) -> Any:
    async with w.client(agent=agent) as client:
        answer = await client.post(path, json=body, headers=key(k))
    assert answer.status_code == code, answer.text
    return answer.json()


async def say(
    w: World, cid: str, body: Any, code: int = 202, *, k: str = "k-1", agent: str = "agent-1"
) -> Any:
    return await post(w, f"/v1/conversations/{cid}/messages", body, code, k=k, agent=agent)


async def owed(w: World, cid: str) -> list[Item]:
    lane = lane_pk(whatsapp_destination(PNID), cid)
    return (await w.store.query("deliveries", lane)).items


async def test_a_reply_is_recorded_owed_and_announced() -> None:
    w = World()
    cid, _ = await opened(w)
    body = await say(w, cid, {"type": "text", "text": "vamos para allá"})
    (accepted,) = body["messages"]
    item = await w.item(accepted["message_id"])
    assert (item["author"], item["state"], item["direction"]) == ("agent-1", "queued", "out")
    (delivery,) = await owed(w, cid)
    assert (delivery["message_id"], delivery["part"], delivery["state"]) == (
        accepted["message_id"],
        "1",
        "queued",
    )
    assert "owed" in delivery
    assert len(w.sent.bodies()) == 1
    assert (await w.store.query("due", "desk")).items == [], "published, so the outbox is empty"


async def test_the_same_request_is_the_same_message_whoever_retries_it() -> None:
    w = World()
    cid, _ = await opened(w)
    asked = {"type": "text", "text": "una vez"}
    answers = await asyncio.gather(*(say(w, cid, asked) for _ in range(5)))
    assert len({each["messages"][0]["message_id"] for each in answers}) == 1
    assert len(await owed(w, cid)) == 1
    w.base.clock.ms += 2 * DAY
    again = await say(w, cid, asked)
    assert again["messages"][0]["message_id"] == answers[0]["messages"][0]["message_id"], (
        "the window closed since"
    )
    other = await say(w, cid, asked, 409, agent="agent-2")
    assert other["type"] == "/problems/window-closed"


async def test_a_key_used_for_another_text_is_refused() -> None:
    w = World()
    cid, _ = await opened(w)
    await say(w, cid, {"type": "text", "text": "uno"})
    problem = await say(w, cid, {"type": "text", "text": "dos"}, 409)
    assert problem["type"] == "/problems/idempotency-key-reused"
    assert len(await owed(w, cid)) == 1


async def test_a_closed_window_is_said_early_in_spanish() -> None:
    w = World()
    cid, _ = await opened(w)
    w.base.clock.ms += DAY - 60_000
    problem = await say(w, cid, {"type": "text", "text": "tarde"}, 409)
    assert problem["title"] == "La ventana de 24 horas está cerrada"
    assert "plantilla" in problem["remedy"]
    assert await owed(w, cid) == []


async def test_long_text_goes_out_in_marked_parts_in_order() -> None:
    w = World()
    cid, _ = await opened(w)
    asked = {"type": "text", "text": "palabra " * 1200}
    body = await say(w, cid, asked)
    assert len(body["messages"]) == 3
    assert [each["message_id"] for each in (await say(w, cid, asked))["messages"]] == [
        each["message_id"] for each in body["messages"]
    ]
    keys = [each["order_key"] for each in body["messages"]]
    assert keys == sorted(keys)
    first = await w.record.reader.open(await w.item(body["messages"][0]["message_id"]))
    assert first.message["text"]["body"].startswith("(1/3) ")
    problem = await say(w, cid, {"type": "text", "text": "x" * 90_000}, 422, k="k-2")
    assert problem["type"] == "/problems/text-too-long"


async def test_a_request_that_died_half_way_is_completed_by_its_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    w = World()
    cid, _ = await opened(w)
    asked = {"type": "text", "text": "palabra " * 1200}
    real, calls = w.store.transact, 0

    async def dying(ops: Sequence[Op], token: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreUnavailableError
        await real(ops, token)

    monkeypatch.setattr(w.store, "transact", dying)
    assert (await say(w, cid, asked, 503))["type"] == "/problems/unavailable"
    assert len(await owed(w, cid)) == 1
    body = await say(w, cid, asked)
    assert len(body["messages"]) == 3
    assert len(await owed(w, cid)) == 3


async def test_quotes_carry_metas_id_of_the_quoted_message() -> None:
    w = World()
    cid, quoted = await opened(w)
    mine = (await say(w, cid, {"type": "text", "text": "sí", "reply_to": quoted}))["messages"][0][
        "message_id"
    ]
    item = await w.item(mine)
    assert item["reply_to"] == quoted
    assert (await w.record.reader.open(item)).message["context"] == {"message_id": "wamid.1"}
    early = await say(w, cid, {"type": "text", "text": "más", "reply_to": mine}, 422, k="k-2")
    assert early["type"] == "/problems/quote-unknown"
    await w.base.record.statuses.keep(status("sent", wamid="wamid.OUT", attempt=f"{mine}.1"))
    second = (await say(w, cid, {"type": "text", "text": "más", "reply_to": mine}, k="k-2"))["messages"][0]
    content = await w.record.reader.open(await w.item(second["message_id"]))
    assert content.message["context"] == {"message_id": "wamid.OUT"}


async def test_a_message_of_another_thread_cannot_be_quoted() -> None:
    w = World()
    cid, _ = await opened(w)
    other = await w.keep(text("wamid.9", who=person("5215599999999")))
    problem = await say(w, cid, {"type": "text", "text": "x", "reply_to": other.item_id}, 422)
    assert problem["type"] == "/problems/quote-unknown"


async def test_reactions_and_places() -> None:
    w = World()
    cid, target = await opened(w)
    sent = (await say(w, cid, {"type": "reaction", "target": target, "emoji": "🙏"}))["messages"][0]
    item = await w.item(sent["message_id"])
    assert item["target"] == target
    assert (await w.record.reader.open(item)).message["reaction"] == {"message_id": "wamid.1", "emoji": "🙏"}
    async with w.client() as client:
        shown = (await client.get(f"/v1/messages/{target}")).json()
    assert [each["emoji"] for each in shown["reactions"]] == ["🙏"]
    place = {"type": "location", "latitude": 19.43, "longitude": -99.13, "name": "Zócalo"}
    sent = (await say(w, cid, place, k="k-2"))["messages"][0]
    content = await w.record.reader.open(await w.item(sent["message_id"]))
    assert content.message["location"] == {"latitude": 19.43, "longitude": -99.13, "name": "Zócalo"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"type": "gif"}, "body"),
        ({"type": "video"}, "video.upload_id"),
        ({"type": "sticker", "upload_id": "u_" + "a" * 26, "caption": "x"}, "sticker.caption"),
        ({"type": "text", "text": ""}, "text.text"),
        ({"type": "text", "text": "x", "extra": 1}, "text.extra"),
        ({"type": "text", "text": "x", "reply_to": "wamid.1"}, "text.reply_to"),
        ({"type": "location", "latitude": 91, "longitude": 0}, "location.latitude"),
        ({"type": "reaction", "target": "x", "emoji": "y"}, "reaction.target"),
        ([], "body"),
    ],
)
async def test_wrong_requests_name_their_field(body: Any, field: str) -> None:
    w = World()
    cid, _ = await opened(w)
    problem = await say(w, cid, body, 422)
    assert problem["field"] == field
    assert await owed(w, cid) == []


async def test_half_a_character_is_refused_and_nothing_is_written() -> None:
    w = World()
    cid, _ = await opened(w)
    async with w.client() as client:
        answer = await client.post(
            f"/v1/conversations/{cid}/messages",
            content=b'{"type":"text","text":"\\ud800"}',
            headers={**key(), "Content-Type": "application/json"},
        )
    assert answer.status_code == 422
    assert await owed(w, cid) == []


async def test_an_erased_person_cannot_be_written_to() -> None:
    w = World()
    cid, message_id = await opened(w)
    await w.record.sealing._keys.destroy((await w.item(message_id))["contact_id"])
    assert (await say(w, cid, {"type": "text", "text": "x"}, 409))["type"] == "/problems/erased-person"


async def test_an_unknown_conversation() -> None:
    w = World()
    assert (await say(w, "c_" + "a" * 26, {"type": "text", "text": "x"}, 404))["field"] == "conversation_id"


class TestRetry:
    async def _attempted(self, w: World, state: str) -> tuple[str, str, Item]:
        cid, _ = await opened(w)
        message_id = (await say(w, cid, {"type": "text", "text": "va"}))["messages"][0]["message_id"]
        (delivery,) = await owed(w, cid)
        change = {"state": state, "claimed_at": NOON_MS}
        await w.store.write(Update("deliveries", delivery["pk"], delivery["sk"], set=change, remove=["owed"]))
        item = await w.item(message_id)
        await w.store.write(Update("messages", item["pk"], item["sk"], set={"state": state}, add={"rev": 1}))
        return cid, message_id, delivery

    async def _retry(self, w: World, message_id: str, code: int = 202, *, k: str = "r-1") -> Any:
        return await post(w, f"/v1/messages/{message_id}/retry", code=code, k=k)

    async def test_an_unconfirmed_message_is_sent_again_only_after_a_minute(self) -> None:
        w = World()
        cid, message_id, _ = await self._attempted(w, "unsettled")
        w.base.clock.ms += 59_999
        problem = await self._retry(w, message_id, 409)
        assert problem["type"] == "/problems/too-early"
        assert "Espera 1 segundos" in problem["remedy"]
        w.base.clock.ms += 1
        await self._retry(w, message_id)
        items = await owed(w, cid)
        assert [each["part"] for each in items] == ["1", "2"]
        assert (items[1]["state"], "owed" in items[1]) == ("queued", True)

    async def test_the_same_retry_is_one_attempt_and_a_second_person_makes_no_third(self) -> None:
        w = World()
        cid, message_id, _ = await self._attempted(w, "failed")
        await asyncio.gather(*(self._retry(w, message_id) for _ in range(4)))
        await self._retry(w, message_id)
        assert (await self._retry(w, message_id, 409, k="r-2"))["type"] == "/problems/not-retryable"
        assert [each["part"] for each in await owed(w, cid)] == ["1", "2"]

    async def test_a_failed_message_that_is_tried_again_is_queued_and_announced(self) -> None:
        w = World()
        _, message_id, _ = await self._attempted(w, "failed")
        before = len(w.sent.bodies())
        assert (await self._retry(w, message_id))["state"] == "queued"
        assert (await w.item(message_id))["state"] == "queued"
        assert len(w.sent.bodies()) == before + 1
        assert (await w.store.query("due", "desk")).items == []

    @pytest.mark.parametrize(
        "state", ["queued", "sending", "handed_over", "sent", "delivered", "read", "refused"]
    )
    async def test_no_other_message_is_tried_again(self, state: str) -> None:
        w = World()
        _, message_id, _ = await self._attempted(w, state)
        w.base.clock.ms += 120_000
        assert (await self._retry(w, message_id, 409))["type"] == "/problems/not-retryable"

    async def test_a_received_message_is_not_ours_to_send(self) -> None:
        w = World()
        _, message_id = await opened(w)
        assert (await self._retry(w, message_id, 409))["type"] == "/problems/not-retryable"
        assert (await self._retry(w, "o_" + "a" * 26, 404))["field"] == "message_id"

    async def test_a_status_that_comes_meanwhile_wins(self) -> None:
        w = World()
        cid, message_id, _ = await self._attempted(w, "unsettled")
        w.base.clock.ms += 60_000
        await w.base.record.statuses.keep(status("delivered", attempt=f"{message_id}.1"))
        assert (await self._retry(w, message_id, 409))["type"] == "/problems/not-retryable"
        lane = lane_pk(whatsapp_destination(PNID), cid)
        assert len((await w.store.query("deliveries", lane, Key("sk").begins_with(message_id))).items) == 1
