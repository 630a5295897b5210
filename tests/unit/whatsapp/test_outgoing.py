import json
from typing import Any

import pytest

from shared.errors import Poison
from shared.whatsapp import outgoing

SENDABLE: list[dict[str, Any]] = [
    {"type": "text", "text": {"body": "Hola", "preview_url": True}, "context": {"message_id": "wamid.1"}},
    {"type": "image", "image": {"id": "1", "caption": "pie"}},
    {"type": "video", "video": {"id": "1"}},
    {"type": "audio", "audio": {"id": "1", "voice": True}},
    {"type": "document", "document": {"id": "1", "filename": "acta.pdf", "caption": "pie"}},
    {"type": "sticker", "sticker": {"id": "1"}},
    {
        "type": "location",
        "location": {"latitude": 19.43, "longitude": -99.13, "name": "Zócalo", "address": "Centro"},
    },
    {
        "type": "contacts",
        "contacts": [
            {"name": {"formatted_name": "Beto", "first_name": "Beto"}, "phones": [{"phone": "+52"}]}
        ],
    },
    {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}},
    {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}},
    {
        "type": "template",
        "template": {
            "name": "aviso_1",
            "language": {"code": "es_MX"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}],
        },
    },
    {
        "type": "interactive",
        "interactive": {
            "type": "list",
            "body": {"text": "Elige"},
            "action": {"button": "Ver", "sections": [{"rows": [{"id": "1", "title": "Norte"}]}]},
        },
    },
    {
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "¿Sí?"},
            "footer": {"text": "f"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Sí"}}]},
        },
    },
]


@pytest.mark.parametrize("form", SENDABLE, ids=lambda form: str(form["type"]))
def test_the_blob_is_metas_json_with_address_and_attempt(form: dict[str, Any]) -> None:
    message = outgoing.parse(form)
    assert outgoing.record_form(message) == form
    assert json.loads(outgoing.to_blob(message, "o_abc.1", to="5215500000001")) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "5215500000001",
        "biz_opaque_callback_data": "o_abc.1",
        **form,
    }


def test_a_person_without_a_number_is_reached_by_bsuid() -> None:
    blob = json.loads(outgoing.to_blob(outgoing.parse(SENDABLE[0]), "o_abc.1", recipient="MX.7001"))
    assert blob["recipient"] == "MX.7001"
    assert "to" not in blob
    both = json.loads(outgoing.to_blob(outgoing.parse(SENDABLE[0]), "a", to="52155", recipient="MX.7001"))
    assert (both["to"], "recipient" in both) == ("52155", False)


@pytest.mark.parametrize(
    ("form", "reason", "field"),
    [
        ({"type": "text", "text": {"body": "x" * 4097}}, "too_long", "text.text.body"),
        ({"type": "text", "text": {"body": ""}}, "empty_field", "text.text.body"),
        ({"type": "text", "text": {"body": "\ud800"}}, "lone_surrogate", "text.body"),
        ({"type": "text"}, "missing_field", "text.text"),
        ({"type": "image", "image": {"id": "../x"}}, "bad_field", "image.image.id"),
        ({"type": "image", "image": {"id": "1", "caption": "x" * 1025}}, "too_long", "image.image.caption"),
        (
            {"type": "location", "location": {"latitude": 91, "longitude": 0}},
            "wrong_type",
            "location.location.latitude",
        ),
        (
            {"type": "template", "template": {"name": "Con Espacio", "language": {"code": "es"}}},
            "bad_field",
            "template.template.name",
        ),
        (
            {"type": "contacts", "contacts": [{"name": {"formatted_name": "B"}}]},
            "bad_field",
            "contacts.contacts[0].name",
        ),
        ({"type": "hologram"}, "wrong_type", ""),
        ([], "wrong_type", ""),
    ],
)
def test_what_meta_would_refuse_is_refused_by_name(form: Any, reason: str, field: str) -> None:
    with pytest.raises(Poison) as caught:
        outgoing.parse(form)
    assert (caught.value.reason, caught.value.detail) == (reason, field)


def test_limits_of_buttons_and_lists() -> None:
    button = {"type": "reply", "reply": {"id": "1", "title": "Sí"}}
    four = {"type": "button", "body": {"text": "x"}, "action": {"buttons": [button] * 4}}
    section = {"rows": [{"id": "1", "title": "N"}] * 6}
    twelve = {
        "type": "list",
        "body": {"text": "x"},
        "action": {"button": "Ver", "sections": [section, section]},
    }
    for interactive in (four, twelve):
        with pytest.raises(Poison):
            outgoing.parse({"type": "interactive", "interactive": interactive})


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt": "a"},
        {"attempt": "a", "to": "MX.7001"},
        {"attempt": "", "to": "5215500000001"},
        {"attempt": "a" * 513, "to": "5215500000001"},
    ],
)
def test_an_attempt_needs_an_address_and_an_id(wrong: dict[str, str]) -> None:
    with pytest.raises(Poison):
        outgoing.to_blob(outgoing.parse(SENDABLE[0]), **wrong)


def test_a_blob_over_the_limit_is_refused() -> None:
    huge = {"name": "a", "language": {"code": "es"}, "components": [{"text": "x" * outgoing.MAX_BLOB}]}
    with pytest.raises(Poison):
        outgoing.to_blob(outgoing.parse({"type": "template", "template": huge}), "a", to="52155")


def test_read_receipt_and_typing() -> None:
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert json.loads(outgoing.read_receipt("wamid.1")) == receipt
    typing = {**receipt, "typing_indicator": {"type": "text"}}
    assert json.loads(outgoing.read_receipt("wamid.1", typing=True)) == typing
