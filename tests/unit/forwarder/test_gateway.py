"""The gateway over the record, in memory: what is sent, what is not, and what is never sent twice."""

import asyncio
import json
from typing import Any

import pytest

from services.forwarder.gateway.standing import Sending
from services.forwarder.ports import NotSentError, RejectedError, UnclearError
from shared.lanes.owed import owe_receipt
from shared.policy import state as policy
from shared.policy.bucket import PAIR
from shared.policy.guard import Verdict
from shared.record.inbound import Alias, Origin, Person, StatusReport
from shared.store.port import ContendedError, StoreUnavailableError, Update
from tests.unit.forwarder.forwarder_world import NUMBER, PNID, WABA, Newsroom, play

HOUR_S = 3600


async def _answered(room: Newsroom, body: str = "claro", key: str = "1", **more: Any) -> Any:
    """A customer writes, an agent replies, the gateway works; answers the reply's item."""
    received = await room.receive("hola")
    reply = await room.reply(received["pk"], body, key, **more)
    await room.drain("send", room.sending.on_message)
    return reply


def test_a_reply_in_the_window_is_handed_over_and_its_events_are_out() -> None:
    async def story() -> None:
        room = Newsroom()
        reply = await _answered(room)
        ((pnid, blob),) = room.whatsapp.sent
        sent = json.loads(blob)
        assert (pnid, sent["to"], sent["text"]) == (PNID, NUMBER, {"body": "claro"})
        assert sent["biz_opaque_callback_data"] == f"{reply['message_id']}.1"
        attempt = await room.attempt(reply)
        assert (attempt["state"], attempt["aws_message_id"], "owed" in attempt) == (
            "handed_over",
            "aws-00000001",
            False,
        )
        assert (await room.message(reply))["state"] == "handed_over"
        events = [json.loads(body) for body in room.queues["desk"].bodies()]
        assert [e["type"] for e in events[-2:]] == ["desk.delivery.changed.v1", "desk.message.changed.v1"]
        assert room.metric("sends_total", state="handed_over") == 1
        assert (await room.store.query("due", "gateway")).items == []  # neither outbox nor claim is left

    play(story())


def test_outside_the_window_nothing_leaves() -> None:
    async def story() -> None:
        room = Newsroom()
        received = await room.receive("hola", late_ms=24 * HOUR_S * 1000)
        reply = await room.reply(received["pk"], "tarde")
        await room.drain("send", room.sending.on_message)
        assert room.whatsapp.sent == []
        assert (await room.attempt(reply))["reason"] == "window"
        assert (await room.message(reply))["state"] == "refused"
        assert room.metric("send_refused_total", rule="window") == 1

    play(story())


def test_an_unclear_answer_holds_the_lane_and_is_never_repeated() -> None:
    async def story() -> None:
        room = Newsroom()
        answers: list[Exception | None] = [UnclearError("reset"), None]
        room.whatsapp.after = lambda: answers.pop(0)
        first = await _answered(room, "uno")
        second = await room.reply(first["pk"], "dos", "2")
        await room.drain("send", room.sending.on_message)
        assert (await room.message(first))["state"] == "unsettled"
        assert len(room.whatsapp.sent) == 1
        await room.pass_time(13)
        assert [json.loads(blob)["text"]["body"] for _, blob in room.whatsapp.sent] == ["uno", "dos"]
        assert (await room.attempt(first))["state"] == "unsettled"
        assert (await room.message(second))["state"] == "handed_over"

    play(story())


@pytest.mark.parametrize("reason", ["throttled", "unreachable"])
def test_what_surely_was_not_sent_is_sent_again_by_the_lane(reason: str) -> None:
    async def story() -> None:
        room = Newsroom()
        faults: list[Exception | None] = [NotSentError(reason, 1.0)]
        room.whatsapp.before = lambda: faults.pop(0) if faults else None
        reply = await _answered(room)
        assert (await room.attempt(reply))["reason"] == reason
        await room.pass_time(5)
        assert len(room.whatsapp.sent) == 1
        assert (await room.attempt(reply))["try"] == 2
        assert (await room.message(reply))["state"] == "handed_over"

    play(story())


def test_a_refused_call_fails_with_its_reason_and_the_next_message_goes() -> None:
    async def story() -> None:
        room = Newsroom()
        faults: list[Exception | None] = [RejectedError("ValidationException")]
        room.whatsapp.before = lambda: faults.pop(0) if faults else None
        first = await _answered(room)
        await room.reply(first["pk"], "dos", "2")
        await room.drain("send", room.sending.on_message)
        assert (await room.attempt(first))["reason"] == "ValidationException"
        assert (await room.message(first))["state"] == "failed"
        assert len(room.whatsapp.sent) == 1

    play(story())


def test_a_status_that_overtakes_the_answer_is_not_undone_by_it() -> None:
    """Meta may report `sent` while our call has not returned yet."""

    async def story() -> None:
        room = Newsroom()
        received = await room.receive("hola")
        reply = await room.reply(received["pk"], "claro")
        report = StatusReport(
            origin=Origin("raw-status", 0, room.clock.now_ns()),
            pnid=PNID,
            wamid="wamid.ours",
            status="delivered",
            content={},
            ts_s=room.clock.now_ms() // 1000,
            person=Person((Alias("waid", NUMBER),)),
            attempt=f"{reply['message_id']}.1",
        )
        inner = room.whatsapp.send

        async def slow(pnid: str, blob: bytes) -> str:
            answer = await inner(pnid, blob)
            await room.record.statuses.keep(report)
            return answer

        room.whatsapp.send = slow  # type: ignore[method-assign]
        await room.drain("send", room.sending.on_message)
        assert (await room.message(reply))["state"] == "delivered"
        assert (await room.attempt(reply))["state"] == "delivered"

    play(story())


def test_an_open_breaker_keeps_messages_waiting_until_a_person_closes_it() -> None:
    async def story() -> None:
        room = Newsroom()
        await room.store.write(policy.trip(WABA, 131031, room.clock.now_ms()))
        reply = await _answered(room)
        assert room.whatsapp.sent == []
        assert (await room.attempt(reply))["reason"] == "breaker"
        await room.store.write(policy.close(WABA, room.clock.now_ms()))
        await room.pass_time(31)
        assert len(room.whatsapp.sent) == 1

    play(story())


def test_a_person_who_wants_nothing_more_gets_nothing_more() -> None:
    async def story() -> None:
        room = Newsroom()
        received = await room.receive("hola")
        pk = policy.optout_pk(received["contact_id"])
        await room.store.write(Update("policy", pk, "-", set={"opted_out": "all"}))
        reply = await room.reply(received["pk"], "oferta")
        await room.drain("send", room.sending.on_message)
        assert (room.whatsapp.sent, (await room.message(reply))["state"]) == ([], "refused")

    play(story())


def test_the_pair_rate_spreads_a_burst_instead_of_refusing_it() -> None:
    async def story() -> None:
        room = Newsroom()
        received = await room.receive("hola")
        for n in range(46):
            await room.reply(received["pk"], f"parte {n}", str(n))
        await room.drain("send", room.sending.on_message)
        assert len(room.whatsapp.sent) <= 44
        await room.pass_time(30)
        bodies = [json.loads(blob)["text"]["body"] for _, blob in room.whatsapp.sent]
        assert bodies == [f"parte {n}" for n in range(46)]

    play(story())


_PHOTO: dict[str, Any] = {
    "type": "image",
    "message": {"type": "image", "image": {"id": "0", "caption": "foto"}},
}


def test_workers_that_race_for_a_lane_spend_one_token_a_send() -> None:
    """A token is for whoever holds the head: racing ones would else starve the lane of its rate."""

    async def story() -> None:
        room = Newsroom()
        reply = await _answered(room)
        before = await room.store.get("policy", policy.pair_pk(PNID, reply["contact_id"]))
        await room.reply(reply["pk"], "dos", "2")
        await asyncio.gather(*(room.sends.run(room.lane(reply)) for _ in range(5)))
        after = await room.store.get("policy", policy.pair_pk(PNID, reply["contact_id"]))
        assert len(room.whatsapp.sent) == 2
        assert before
        assert after
        assert after["tat_us"] - before["tat_us"] == PAIR.interval_us

    play(story())


@pytest.mark.parametrize("error", [ContendedError("x"), StoreUnavailableError("x"), TimeoutError()])
def test_a_standing_that_cannot_be_asked_sends_nothing_and_leaves_nothing_unsettled(error: Exception) -> None:
    async def story() -> None:
        room = Newsroom()
        admit, errors = room.standing.admit, [error]

        async def broken(sending: Sending) -> Verdict:
            if errors:
                raise errors.pop()
            return await admit(sending)

        room.standing.admit = broken  # type: ignore[method-assign] # the one call under test fails
        reply = await _answered(room)
        assert room.whatsapp.sent == []
        assert (await room.attempt(reply))["state"] == "queued"
        await room.pass_time(5)
        assert (await room.message(reply))["state"] == "handed_over"

    play(story())


def test_a_photo_is_given_to_meta_and_sent_by_its_id() -> None:
    async def story() -> None:
        room = Newsroom()
        media = [{"n": 0, "mime": "image/jpeg", "state": "ready", "sha256": "ab" * 32}]
        await _answered(room, media=media, **_PHOTO)
        assert room.whatsapp.uploaded == [(PNID, f"served/ab/{'ab' * 32}/original")]
        assert json.loads(room.whatsapp.sent[0][1])["image"] == {"id": "10001", "caption": "foto"}

    play(story())


def test_a_photo_still_being_checked_waits_and_goes_when_it_is_settled() -> None:
    async def story() -> None:
        room = Newsroom()
        reply = await _answered(room, media=[{"n": 0, "mime": "image/jpeg", "state": "pending"}], **_PHOTO)
        assert (await room.attempt(reply))["awaits"] == "media"
        ready = [{"n": 0, "mime": "image/jpeg", "state": "ready", "sha256": "ab" * 32}]
        await room.store.write(Update("messages", reply["pk"], reply["sk"], set={"media": ready}))
        await room.sends.run(room.lane(reply))
        assert len(room.whatsapp.sent) == 1

    play(story())


def test_a_quarantined_photo_fails_with_the_reason() -> None:
    async def story() -> None:
        room = Newsroom()
        media = [{"n": 0, "mime": "image/jpeg", "state": "quarantined"}]
        reply = await _answered(room, media=media, **_PHOTO)
        assert (await room.attempt(reply))["reason"] == "media_quarantined"

    play(story())


def test_a_receipt_is_fired_once_through_the_guard() -> None:
    async def story() -> None:
        room = Newsroom()
        room.whatsapp.before = lambda: NotSentError("throttled")
        received = await room.receive("hola")
        await room.store.write(owe_receipt(received, room.clock.now_ms(), typing=True))
        await room.pass_time(5)
        assert ([what for what, _ in room.reports], room.whatsapp.sent) == (["receipt"], [])
        room.whatsapp.before = lambda: None
        await room.store.write(owe_receipt(received, room.clock.now_ms()))
        await room.pass_time(1)
        ((_, blob),) = room.whatsapp.sent
        assert json.loads(blob)["status"] == "read"

    play(story())


def test_a_held_message_goes_at_its_release_and_not_before() -> None:
    async def story() -> None:
        room = Newsroom()
        reply = await _answered(room, hold_ms=5000)
        await room.pass_time(4)
        assert (room.whatsapp.sent, (await room.message(reply))["state"]) == ([], "held")
        await room.pass_time(2)
        assert len(room.whatsapp.sent) == 1

    play(story())
