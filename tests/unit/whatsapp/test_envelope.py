import json
from typing import Any

import pytest

from shared.errors import Poison
from shared.whatsapp.envelope import instant_ns, parse
from shared.whatsapp.items import ConnectItem, RejectedItem, items
from tests.conformance.fuzz import FIXTURES


def body(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text()


def eum(entry: Any, **header: Any) -> str:
    inner = entry if isinstance(entry, str) else json.dumps(entry)
    return json.dumps({"whatsAppWebhookEntry": inner, "message_timestamp": "2026-03-02T15:04:05Z", **header})


def one(message: Any) -> dict[str, Any]:
    return {"id": "1", "changes": [{"field": "messages", "value": {"messages": [message]}}]}


def test_header_of_eum_social() -> None:
    envelope = parse(body("message-text"))
    assert (envelope.kind, envelope.shape, envelope.account) == ("whatsapp", "eum", "123456789012")
    assert envelope.arrival_ns == 1772463845_123456789
    assert envelope.wabas == ("400100200300400",)
    assert envelope.numbers == ("500100200300500",)
    assert envelope.message_id == "0f0f0f0f-0000-4000-8000-000000000001"


def test_older_header_without_context_and_message_id() -> None:
    envelope = parse(body("header-old"))
    assert (envelope.message_id, envelope.wabas, envelope.arrival_ns) == (None, (), 1772463845_000000000)


def test_sns_wrapping_is_taken_off() -> None:
    assert parse(body("header-sns-wrapped")).shape == "eum"


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-11-11T02:24:28.476795989Z", 1762827868_476795989),
        ("2025-11-11T02:24:28.4767959899999Z", 1762827868_476795989),
        ("2025-11-11T02:24:28.4Z", 1762827868_400000000),
        ("2025-11-10T20:24:28-06:00", 1762827868_000000000),
        ("2025-11-11 02:24:28", 1762827868_000000000),
        ("9999-12-31T23:59:59Z", None),
        ("1960-01-01T00:00:00Z", None),
        ("2025-13-41T02:24:28Z", None),
        ("yesterday", None),
        (1762827868, None),
        (None, None),
    ],
)
def test_instants(stamp: object, ns: int | None) -> None:
    assert instant_ns(stamp) == ns


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("not json", "not_json"),
        ("5", "not_envelope"),
        ('"text"', "not_envelope"),
        ("[" * 131_072 + "]" * 131_072, "too_deep"),
        (eum('{"id": "1", "changes": [{"value'), "not_json"),
        (eum('{"...JSON STRING....'), "not_json"),
        (eum("[]"), "not_an_entry"),
        (eum('{"id": "1"}'), "not_an_entry"),
        (eum("7"), "not_an_entry"),
        (json.dumps({"whatsAppWebhookEntry": 5}), "not_an_entry"),
        (eum("[" * 131_072), "too_deep"),
    ],
)
def test_what_cannot_be_read_is_poison(text: str, reason: str) -> None:
    with pytest.raises(Poison) as caught:
        parse(text)
    assert caught.value.reason == reason
    assert caught.value.detail


@pytest.mark.parametrize(
    ("message", "reason", "at"),
    [
        ('{"id": "w", "type": "text", "text": {"body": "\\ud800"}}', "lone_surrogate", "text.body"),
        ('{"id": "w", "type": "location", "location": {"latitude": NaN}}', "bad_number", "location.latitude"),
        ('{"id": "w", "type": "x", "depth": 123456789012345678901234567890}', "bad_number", "depth"),
        ('{"id": "w", "type": "x", "depth": ' + "9" * 5000 + "}", "bad_number", "depth"),
        ('{"id": "w", "type": "x", "deep": ' + "[" * 200 + "]" * 200 + "}", "too_deep", ""),
        ('{"id": "w", "type": "text", "text": {"body": 5}}', "wrong_type", "text.body"),
        ('{"id": "w", "type": "text", "text": "hola"}', "wrong_type", "text"),
        ('{"id": "w", "type": "audio", "audio": {"voice": "true"}}', "wrong_type", "audio.voice"),
        ('{"id": "w", "type": "image", "image": {"id": "../../x"}}', "bad_field", "image.id"),
        ('{"id": "' + "w" * 10_000 + '", "type": "text"}', "too_long", "id"),
        ('{"id": "", "type": "text"}', "empty_field", "id"),
        ('{"type": "text", "text": {"body": "x"}}', "missing_field", "id"),
        ('{"id": "w", "type": "text", "from_": "x"}', "bad_field", ""),
        ('"text"', "wrong_type", ""),
    ],
)
def test_a_bad_message_is_rejected_by_name_and_its_neighbours_stay(
    message: str, reason: str, at: str
) -> None:
    good = '{"id": "good", "type": "text", "text": {"body": "hola"}}'
    rows = f"[{message}, {good}]"
    inner = '{"id": "1", "changes": [{"field": "messages", "value": {"messages": ' + rows + "}}]}"
    found = items(parse(eum(inner)))
    rejected = [item for item in found if isinstance(item, RejectedItem)]
    assert [item.reason for item in rejected] == [reason]
    base = "entry[0].changes[0].value.messages[0]"
    assert rejected[0].path == (f"{base}.{at}" if at else base)
    assert [item.kind for item in found if item not in rejected] == ["message"]


def test_a_member_name_that_may_be_data_is_not_shown() -> None:
    found = items(
        parse(
            eum('{"changes": [{"field": "messages", "value": {"messages": [{"id": "w", "+52 55 1": NaN}]}}]}')
        )
    )
    assert found[0].path.endswith("messages[0].?")


def test_trailing_commas_and_pascal_case_of_contact_events() -> None:
    plain, pascal = (items(parse(body(name)))[0] for name in ("connect-event", "connect-event-pascal"))
    assert isinstance(plain, ConnectItem)
    assert isinstance(pascal, ConnectItem)
    assert plain.contact_id == pascal.contact_id == "c-1"
    assert plain.instance_id == pascal.instance_id == "i-1"
    assert plain.raw["detail"]["contactId"] == pascal.raw["detail"]["ContactId"]


def test_a_comma_inside_a_string_is_not_a_trailing_comma() -> None:
    text = '{"detail-type": "x", "source": "aws.connect", "detail": {"disconnectReason": "a,}", "channel": "b,]",},}'
    found = items(parse(text))[0]
    assert isinstance(found, ConnectItem)
    assert found.raw["detail"] == {"disconnectReason": "a,}", "channel": "b,]"}


def test_trailing_commas_take_linear_time() -> None:
    with pytest.raises(Poison):
        parse('{"detail-type": "' + '\\"' * 130_000)


def test_chat_attributes_from_the_queue_or_from_sns() -> None:
    raw = items(parse(body("connect-chat"), {"InstanceId": "i-2", "MessageVisibility": "ALL"}))[0]
    wrapped = items(parse(body("connect-chat-sns-wrapped")))[0]
    assert isinstance(raw, ConnectItem)
    assert isinstance(wrapped, ConnectItem)
    assert (raw.instance_id, wrapped.instance_id) == ("i-2", "i-1")
    assert wrapped.attributes["MessageVisibility"] == raw.attributes["MessageVisibility"] == "ALL"
    assert parse(body("connect-chat")).arrival_ns == 1772463845_250000000


def test_a_hostile_header_never_reaches_labels() -> None:
    envelope = parse(
        eum(one({"id": "w", "type": "text"}), aws_account_id="x" * 10_000, messageId=5, context=[])
    )
    assert (envelope.account, envelope.message_id, envelope.numbers) == (None, None, ())
