"""The world: what customers write, what sends lead to, faults, determinism, restart."""

import base64
import json
from typing import Any

import pytest

from tests.unit.twin.twin_steps import NOW, SECOND, fired_until, saying, send, statuses_of, text_to, values_of
from twin.core.model import Account, File
from twin.core.payloads import BUILDERS, BadSayError
from twin.core.world import MediaGoneError, World


@pytest.fixture
def world() -> World:
    return World(Account(), seed=7)


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_every_type_arrives_as_written(world: World, kind: str) -> None:
    step = world.customer_says("c001", saying(kind), NOW)
    (value,) = values_of(fired_until(world, NOW))
    (message,) = value["messages"]
    assert json.loads(step.rows[0].body) == message
    assert message["id"] == step.wamid
    assert base64.b64decode(step.wamid.removeprefix("wamid."))[3:16] == b"5215555000000"
    for media in step.media:
        assert step.rows[0].nonce.encode() in media.file.data or kind == "document"
        assert world.media(media.id, NOW) == media


def test_text_caption_and_file_name_carry_the_nonce(world: World) -> None:
    for say in (
        {"text": "hola"},
        {"type": "image", "text": "pie"},
        {"type": "document", "filename": "acta.pdf"},
    ):
        step = world.customer_says("c001", say, NOW)
        assert step.rows[0].nonce in step.rows[0].body


def test_exact_text_is_left_alone(world: World) -> None:
    step = world.customer_says("c001", {"text": "\ud800x", "exact": True}, NOW)
    assert json.loads(step.rows[0].body)["text"]["body"] == "\ud800x"


@pytest.mark.parametrize(
    "say", [{"type": "poem"}, {"type": "reaction"}, {"type": "image", "mime": "image/gif"}]
)
def test_what_a_customer_cannot_do(world: World, say: dict[str, Any]) -> None:
    with pytest.raises(BadSayError):
        world.customer_says("c001", say, NOW)
    with pytest.raises(BadSayError):
        world.customer_says("nobody", {"text": "x"}, NOW)


def test_a_hidden_customer_shows_no_number(world: World) -> None:
    hidden = next(c for c in world.customers.values() if c.hidden)
    step = world.customer_says(hidden.id, {"text": "hola"}, NOW)
    (value,) = values_of(fired_until(world, NOW))
    assert hidden.wa_id not in json.dumps(value)
    assert value["contacts"][0]["user_id"] == value["messages"][0]["from_user_id"] == hidden.user_id
    assert step.rows[0].wa_id == ""
    blob = {
        "messaging_product": "whatsapp",
        "recipient": hidden.user_id,
        "type": "text",
        "text": {"body": "a"},
    }
    assert send(world, json.dumps(blob).encode()).rows[1].phase == "ok"


def test_a_reply_goes_through_its_ticks_in_order(world: World) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    step = send(world, text_to("525555000000"))  # Mexico: 52 finds 521
    assert step.answer.message_id
    assert [row.kind for row in step.rows] == ["accepted", "handed_over"]
    fired = fired_until(world, NOW)
    statuses = [s for v in values_of(fired) for s in v.get("statuses", [])]
    names = [s["status"] for s in statuses]
    order = ["accepted", "sent", "delivered", "read"]
    assert names == [n for n in order if n in names]
    assert {"accepted", "sent", "read"} <= set(names)
    assert {s["biz_opaque_callback_data"] for s in statuses} == {"o_x.1"}
    assert {s["recipient_id"] for s in statuses} <= {"5215555000000", "525555000000"}
    assert [r.attempt for f in fired for r in f.rows if r.kind == "shown"] == ["o_x.1"]


def test_outside_the_window_it_fails_later_and_is_a_violation(world: World) -> None:
    step = send(world, text_to("5215555000000"))
    assert step.answer.message_id
    fired = fired_until(world, NOW)
    assert statuses_of(fired) == ["failed"]
    assert not [r for f in fired for r in f.rows if r.kind == "shown"]
    assert world.violations == {"131047": 1}
    error = values_of(fired)[0]["statuses"][0]["errors"][0]
    assert (error["code"], error["title"]) == (131047, "Re-engagement message")


def test_a_stranger_is_undeliverable_and_no_violation(world: World) -> None:
    send(world, text_to("447700900123"))
    assert statuses_of(fired_until(world, NOW)) == ["failed"]
    assert world.violations == {}


def test_another_number_is_not_found(world: World) -> None:
    step = world.send("phone-number-id-other", text_to("5215555000000"), NOW)
    assert step.answer.error == "ResourceNotFoundException"


def test_a_read_receipt_turns_the_ticks_of_the_customer(world: World) -> None:
    wamid = world.customer_says("c001", {"text": "hola"}, NOW).wamid
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert send(world, json.dumps(receipt).encode()).rows[1].phase == "ok"
    receipt["message_id"] = "wamid.none"
    assert send(world, json.dumps(receipt).encode()).rows[1].phase == "fail"


def test_stopping_marketing_stops_marketing(world: World) -> None:
    value = {"user_preferences": [{"wa_id": "5215555000000", "value": "stop"}]}
    world.account_event("user_preferences", value, NOW)
    body = {
        "type": "template",
        "template": {
            "name": "boletin_semanal",
            "language": {"code": "es_MX"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}],
        },
    }
    send(world, json.dumps({"messaging_product": "whatsapp", "to": "5215555000000"} | body).encode())
    assert world.violations == {"131050": 1}


def test_a_new_number_finds_the_same_person(world: World) -> None:
    world.customer_says("c001", {"type": "user_changed_number", "new_wa_id": "5215512345678"}, NOW)
    assert world.customers["c001"].wa_id == "5215512345678"
    assert world.state.find("525512345678", "") == world.customers["c001"]


def test_media_expires_after_30_days_and_can_be_deleted(world: World) -> None:
    media = world.upload(File(b"%PDF-1.4", "application/pdf"), NOW).media[0]
    world.media(media.id, NOW + 30 * 86400 * SECOND - 1)
    with pytest.raises(MediaGoneError):
        world.media(media.id, NOW + 30 * 86400 * SECOND)
    world.delete_media(media.id, NOW)
    with pytest.raises(MediaGoneError):
        world.media(media.id, NOW)
