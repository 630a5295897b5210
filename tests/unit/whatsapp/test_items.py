import json
from pathlib import Path
from typing import Any

import pytest

from shared.whatsapp.account import AccountReviewUpdate
from shared.whatsapp.envelope import parse
from shared.whatsapp.items import (
    AccountItem,
    AnyItem,
    CallItem,
    ErrorsItem,
    HistoryItem,
    MessageItem,
    RejectedItem,
    StatusItem,
    UnknownItem,
    items,
)
from shared.whatsapp.messages import MESSAGE_TYPES, UnknownMessage
from tests.conformance.fuzz import FIXTURES

ALL = sorted(FIXTURES.glob("*.json"))
UNTYPED = {"message-new-type": ["messages.hologram.depth", "messages.hologram.layers[0].id"]}
KINDS = {
    "batch": ["message", "message", "status", "account", "unknown"],
    "bare-entry": ["message"],
    "bare-webhook": ["message", "account"],
    "account-user_preferences": ["account", "account"],
    "message-history": ["message", "message"],
    "header-old": ["message"],
    "header-sns-wrapped": ["message"],
    "event-other-source": ["unknown"],
}


def of(name: str) -> list[AnyItem]:
    return items(parse((FIXTURES / f"{name}.json").read_text()))


def entry(value: Any, field: str = "messages") -> str:
    return json.dumps({"id": "1", "changes": [{"field": field, "value": value}]})


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_shape_has_its_kind_and_no_untyped_leaf(path: Path) -> None:
    found = of(path.stem)
    expected = KINDS.get(path.stem, [path.stem.partition("-")[0].replace("echo", "message")])
    assert [item.kind for item in found] == expected
    assert [leaf for item in found for leaf in item.untyped()] == UNTYPED.get(path.stem, [])


def test_every_documented_type_has_a_fixture() -> None:
    seen = {item.message.type for path in ALL for item in of(path.stem) if isinstance(item, MessageItem)}
    assert set(MESSAGE_TYPES) - seen == set()


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_narrowed_values_hold_every_leaf_of_the_change(path: Path) -> None:
    envelope = parse(path.read_text())
    for number, entry_ in enumerate(envelope.entries):
        for index, change in enumerate(entry_["changes"]):
            place = f"entry[{number}].changes[{index}].value"
            mine = [item for item in items(envelope) if item.path.startswith(place)]
            if isinstance(mine[0], UnknownItem):
                assert mine[0].raw == change["value"]
                continue
            merged: dict[str, Any] = {}
            for item in mine:
                assert isinstance(item, MessageItem | StatusItem | AccountItem | CallItem | ErrorsItem)
                for name, member in item.value().items():
                    listed = isinstance(member, list) and name in merged and name != "errors"
                    merged[name] = _joined(name, merged[name], member) if listed else member
            unique = [
                one for n, one in enumerate(merged.get("contacts", [])) if one not in merged["contacts"][:n]
            ]
            assert {**merged, **({"contacts": unique} if unique else {})} == change["value"]


def _joined(name: str, before: list[Any], member: list[Any]) -> list[Any]:
    """Messages of one history stand in one chunk and thread."""
    if name != "history":
        return [*before, *member]
    (chunk,), (other,) = before, member
    (thread,), (more,) = chunk["threads"], other["threads"]
    said = [*thread["messages"], *more["messages"]]
    return [{**chunk, "threads": [{**thread, "messages": said}]}]


HISTORY = {
    "metadata": {"display_phone_number": "525511112222"},
    "history": [
        {
            "metadata": {"phase": 0},
            "threads": [
                {
                    "id": "5215598765432",
                    "messages": [
                        {"id": "wamid.1", "from": "5215598765432", "type": "text", "text": {"body": "a"}},
                        {"id": "wamid.2", "from": "525511112222", "type": "text", "text": {"body": "b"}},
                        {"id": "wamid.3", "from": "x", "type": "text", "history_context": {"from_me": True}},
                        {"id": "wamid.4", "to": "5215598765432", "type": "text"},
                        {"type": "text"},
                        "no message",
                    ],
                },
                {"id": "5215500000009", "messages": []},
                7,
            ],
        },
        {"errors": [{"code": 2593109}]},
    ],
}


def test_a_history_is_taken_apart_and_each_message_knows_its_thread_and_its_side() -> None:
    found = items(parse(entry(HISTORY, "history")))
    said = [item for item in found if isinstance(item, HistoryItem)]
    assert [item.wamid for item in said] == ["wamid.1", "wamid.2", "wamid.3", "wamid.4"]
    assert [item.echo for item in said] == [False, True, True, True]
    assert {item.person().waid for item in said} == {"5215598765432"}
    assert all(item.past for item in said)
    rejected = [item.path for item in found if isinstance(item, RejectedItem)]
    place = "entry[0].changes[0].value.history[0].threads"
    assert rejected == [f"{place}[0].messages[4].id", f"{place}[0].messages[5]", f"{place}[2]"]
    facts = [item.value()["history"][0] for item in found if isinstance(item, AccountItem)]
    assert facts == [
        {"metadata": {"phase": 0}, "threads": [{"id": "5215500000009", "messages": []}]},
        {"errors": [{"code": 2593109}]},
    ]


def test_leaves_nobody_knows_are_found_in_every_layer_of_a_history() -> None:
    chunk = {"threads": [{"id": "5", "mood": 1, "messages": [{"id": "w", "type": "text", "x": 1}]}], "y": 1}
    (item,) = items(parse(entry({"history": [chunk]}, "history")))
    assert item.untyped() == ["history.y", "history.threads.mood", "history.threads.messages.x"]


def test_a_batch_keeps_places_people_and_positions() -> None:
    first, second, status, review, unknown = of("batch")
    assert isinstance(first, MessageItem)
    assert isinstance(second, MessageItem)
    assert isinstance(status, StatusItem)
    assert isinstance(review, AccountItem)
    assert isinstance(unknown, UnknownItem)
    assert [item.position for item in of("batch")] == [0, 1, 2, 3, 4]
    assert (first.contact and first.contact.wa_id) == "5215500000001"
    assert (second.contact and second.contact.wa_id) == "5215500000003"
    assert (status.contact and status.contact.wa_id) == "5215500000003"
    assert first.pnid == "500100200300500"
    assert first.waba_id == "400100200300400"
    assert first.metadata.display_phone_number == "525500000000"
    assert isinstance(review.fact, AccountReviewUpdate)
    assert (unknown.what, unknown.raw) == ("novelty", {"x": 1})


def test_an_unknown_type_is_kept_whole() -> None:
    (item,) = of("message-new-type")
    assert isinstance(item, MessageItem)
    assert isinstance(item.message, UnknownMessage)
    assert item.value()["messages"][0]["hologram"] == {"depth": 3, "layers": [{"id": "a"}]}


def test_value_errors_ride_with_the_messages_or_stand_alone() -> None:
    (beside,) = of("message-interactive-without-body")
    (alone,) = of("account-errors")
    assert isinstance(beside, MessageItem)
    assert beside.value()["errors"][0]["code"] == 131000
    assert isinstance(alone, ErrorsItem)
    assert alone.value()["errors"][0]["code"] == 131016


def test_an_echo_is_about_its_recipient() -> None:
    (item,) = of("echo-text")
    assert isinstance(item, MessageItem)
    assert item.echo
    assert (item.person().waid, item.person().user_id) == ("5215500000001", "MX.7003")


def test_a_bad_contact_or_metadata_does_not_take_the_message_along() -> None:
    message = {"id": "w", "from": "5215500000001", "type": "text", "text": {"body": "x"}}
    value = {
        "contacts": [{"wa_id": 5}],
        "metadata": {"phone_number_id": 7},
        "errors": "?",
        "messages": [message],
    }
    found = items(parse(entry(value)))
    assert sorted(item.path.partition("value.")[2] for item in found if isinstance(item, RejectedItem)) == [
        "contacts[0].wa_id",
        "errors",
        "metadata.phone_number_id",
    ]
    (kept,) = [item for item in found if isinstance(item, MessageItem)]
    assert (kept.contact, kept.pnid) == (None, None)


def test_the_only_number_of_the_header_stands_in_for_missing_metadata() -> None:
    header = {
        "context": {"MetaPhoneNumberIds": [{"metaPhoneNumberId": "77"}]},
        "whatsAppWebhookEntry": entry({"messages": [{"id": "w", "type": "text"}]}),
    }
    (item,) = items(parse(json.dumps(header)))
    assert isinstance(item, MessageItem)
    assert item.pnid == "77"


def test_contacts_of_nobody_ride_on_the_first_item() -> None:
    stranger = {"wa_id": "5215500000009", "profile": {"name": "Otra"}}
    rows = [{"id": f"w{n}", "from": "5215500000001", "type": "text"} for n in (1, 2)]
    found = items(parse(entry({"contacts": [stranger], "messages": rows})))
    values = [item.value() for item in found if isinstance(item, MessageItem)]
    assert [value.get("contacts") for value in values] == [[stranger], None]
    assert all(item.contact is None for item in found if isinstance(item, MessageItem))


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"entry": [5]}, ["entry[0]"]),
        ({"entry": [{"changes": [5]}]}, ["entry[0].changes[0]"]),
        ({"entry": [{"changes": [{"field": 5}]}]}, ["entry[0].changes[0].field"]),
        ({"entry": [{"changes": [{"field": "messages", "value": []}]}]}, ["entry[0].changes[0].value"]),
    ],
)
def test_a_broken_frame_is_rejected_where_it_breaks(body: Any, paths: list[str]) -> None:
    found = items(parse(json.dumps(body)))
    assert [item.path for item in found if isinstance(item, RejectedItem)] == paths


@pytest.mark.parametrize("body", [{"id": "1", "changes": []}, {"object": "x", "entry": []}])
def test_a_frame_with_nothing_in_it_is_kept_whole(body: Any) -> None:
    (item,) = items(parse(json.dumps(body)))
    assert isinstance(item, UnknownItem)
    assert item.raw == body


def test_the_same_envelope_gives_the_same_items() -> None:
    assert of("batch") == of("batch")
