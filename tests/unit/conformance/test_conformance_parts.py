"""Shapes, rewriting and expectations, each by itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.conformance import documented, report, shapes
from tests.conformance.__main__ import good
from tests.conformance.expect import expected
from tests.conformance.judge import Row, exceptions, raw_id
from tests.conformance.leaves import leaves, pattern, same, without
from tests.conformance.own import Owner
from tests.conformance.shapes import Sample, Sent
from tests.unit.conformance.memory import ACCOUNT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["entry", "changes", "value", "field", "messages", "id", "statuses", "contacts"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


def sample(content: Any, name: str = "a.json") -> Sample:
    return Sample(name, json.dumps(content), shapes.told(content), content)


def entry(value: Any, field: str = "messages") -> dict[str, Any]:
    return {"id": "7", "changes": [{"field": field, "value": value}]}


def inner(sent: Sent) -> Any:
    return json.loads(json.loads(sent.body)["whatsAppWebhookEntry"])


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ({"whatsAppWebhookEntry": "{}"}, "envelope"),
        ({"Type": "Notification", "Message": '{"whatsAppWebhookEntry": "x"}'}, "envelope"),
        ({"Type": "Notification", "Message": '{"ContactId": "c", "ParticipantRole": "AGENT"}'}, "chat"),
        ({"Type": "Notification", "Message": "hello"}, "other"),
        ({"Type": "Notification", "Message": '{"detail-type": "x", "source": "y"}'}, "other"),
        ({"ContactId": "c", "AbsoluteTime": "t"}, "chat"),
        ({"detail-type": "x", "source": "y"}, "event"),
        ({"id": "1", "changes": [{}]}, "entry"),
        ({"object": "o", "entry": [{}]}, "webhook"),
        ({"id": "1", "changes": []}, "other"),
        ({"messages": []}, "other"),
        ([{"changes": [1]}], "other"),
        ("text", "other"),
        (None, "other"),
    ],
)
def test_shape(content: Any, shape: str) -> None:
    assert shapes.told(content) == shape


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "[1e999]", "[" * 100_000, "[" * 300 + "]" * 300])
def test_what_is_no_json_or_absurdly_deep_is_read_as_nothing(text: str) -> None:
    assert shapes.parsed(text) is None


def test_a_file_with_a_mark_or_with_bytes_that_are_no_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "mark.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(entry({})).encode())
    (tmp_path / "bytes.json").write_bytes(b'{"a": "\xff\xfe"}')
    (tmp_path / "commas.json").write_text('{"detail-type": "x", "source": "aws.connect", "detail": {},}')
    assert shapes.read(tmp_path / "mark.json", tmp_path).shape == "entry"
    assert shapes.read(tmp_path / "bytes.json", tmp_path).shape == "other"
    commas = shapes.read(tmp_path / "commas.json", tmp_path)
    assert commas.shape == "event"
    (sent,) = Owner("r", ACCOUNT).bodies(commas)
    assert (sent.road, sent.body) == ("connect", commas.text)
    assert expected(sent)[0].parts[0].kinds[0] == "connect"


def test_ids_are_the_runs_own_and_the_same_wherever_they_stand() -> None:
    message = {"id": "wamid.A", "type": "text", "context": {"id": "wamid.B"}, "text": {"body": "wamid.A"}}
    value = {"metadata": {"phone_number_id": "9"}, "messages": [message], "statuses": [{"id": "wamid.B"}]}
    (sent,) = Owner("r", ACCOUNT).bodies(sample(entry(value)))
    header, own = json.loads(sent.body), inner(sent)
    change = own["changes"][0]["value"]
    assert own["id"] == header["context"]["MetaWabaIds"][0]["wabaId"] == ACCOUNT.waba
    assert change["metadata"]["phone_number_id"] == ACCOUNT.number
    assert change["messages"][0]["id"] == change["messages"][0]["text"]["body"] != "wamid.A"
    assert change["messages"][0]["context"]["id"] == change["statuses"][0]["id"] != "wamid.B"


def test_ids_that_look_like_nothing_are_rewritten_where_they_are_ids_and_nowhere_else() -> None:
    message = {"id": "hola", "type": "text", "text": {"body": "hola"}, "edit": {"original_message_id": "x"}}
    (sent,) = Owner("r", ACCOUNT).bodies(sample(entry({"messages": [message]})))
    own = inner(sent)["changes"][0]["value"]["messages"][0]
    assert own["text"]["body"] == "hola"
    assert own["id"].startswith("wamid.")
    assert own["edit"]["original_message_id"].startswith("wamid.")


def test_the_same_run_sends_the_same_bytes_and_another_run_or_file_others() -> None:
    content = entry({"messages": [{"id": "wamid.A"}]})
    one, two = Owner("r", ACCOUNT), Owner("s", ACCOUNT)
    assert one.bodies(sample(content)) == Owner("r", ACCOUNT).bodies(sample(content))
    others = [one.bodies(sample(content, "b.json")), two.bodies(sample(content))]
    assert one.bodies(sample(content)) not in others
    assert one.echo("wamid.A") == Owner("r", ACCOUNT).echo("wamid.A")


def test_each_entry_of_a_webhook_travels_in_an_envelope_of_its_own() -> None:
    bodies = Owner("r", ACCOUNT).bodies(sample({"object": "x", "entry": [entry({}), entry({}), 5]}))
    assert [sent.road for sent in bodies] == ["whatsapp-events"] * 3
    assert len({json.loads(sent.body)["messageId"] for sent in bodies}) == 3


def test_events_and_chats_take_their_own_roads_and_what_has_no_shape_stays_as_it_is() -> None:
    owner = Owner("r", ACCOUNT)
    event = {
        "detail-type": "x",
        "source": "aws.social-messaging",
        "id": "e",
        "detail": {"wabaId": "1", "originationPhoneNumberId": "2"},
    }
    chat = {
        "Type": "Notification",
        "Message": '{"ContactId": "c", "AbsoluteTime": "t"}',
        "MessageAttributes": {"A": {"Type": "String", "Value": "v"}, "B": 5, "C": {"Value": ""}},
    }
    (witness,) = owner.bodies(sample(event))
    (streamed,) = owner.bodies(sample(chat))
    (other,) = owner.bodies(sample({"x": 1}))
    assert (witness.road, json.loads(witness.body)["detail"]["wabaId"]) == ("connect", ACCOUNT.waba)
    assert (streamed.road, dict(streamed.attributes)) == ("connect-chat", {"A": "v"})
    assert (other.road, other.body) == ("whatsapp-events", '{"x": 1}')


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_any_file_can_be_sent_and_something_is_expected_of_each_body(content: Any) -> None:
    for sent in Owner("r", ACCOUNT).bodies(sample(content)):
        changes = expected(sent)
        assert changes
        assert all(change.parts for change in changes)
        assert len(raw_id(sent.body)) == 32


def kinds(value: Any, field: str = "messages") -> list[tuple[str, ...]]:
    sent = Sent("whatsapp-events", json.dumps({"whatsAppWebhookEntry": json.dumps(entry(value, field))}))
    return [part.kinds for change in expected(sent) for part in change.parts]


ASIDE = ("rejected", "unknown")
TEXT = {"id": "wamid.1", "type": "text", "timestamp": "1", "text": {"body": "x"}}


@pytest.mark.parametrize(
    ("value", "field", "wanted"),
    [
        ({"messages": [TEXT]}, "messages", [("message",)]),
        ({"message_echoes": [TEXT]}, "smb_message_echoes", [("message",)]),
        ({"messages": [{**TEXT, "type": "hologram"}]}, "messages", [("unknown",)]),
        ({"messages": [{**TEXT, "text": {"body": 7}}]}, "messages", [("message", *ASIDE)]),
        ({"messages": [{**TEXT, "id": None}]}, "messages", [("message", *ASIDE)]),
        ({"messages": [{**TEXT, "from": "5" * 600}]}, "messages", [("message", *ASIDE)]),
        ({"messages": [{**TEXT, "text": {"body": "\ud800"}}]}, "messages", [("message", *ASIDE)]),
        ({"messages": [{**TEXT, "weight": 1 << 70}]}, "messages", [("message", *ASIDE)]),
        ({"messages": ["x"]}, "messages", [ASIDE]),
        ({"statuses": [{"id": "w", "status": "sent"}]}, "messages", [("status",)]),
        ({"statuses": [{"id": "w", "status": "sent"}]}, "calls", [("account",)]),
        ({"statuses": [{"status": "sent"}]}, "messages", [("status", *ASIDE)]),
        ({"calls": [{"id": "wacid.1"}]}, "calls", [("message",)]),
        ({"calls": [{"event": "connect"}]}, "calls", [("account",)]),
        (
            {
                "history": [
                    {"threads": [{"id": "5", "messages": [TEXT, TEXT]}, {"messages": [5]}]},
                    {"errors": []},
                ]
            },
            "history",
            [("message",), ("message",), ASIDE, ("account",)],
        ),
        ({"user_preferences": [{}, {}]}, "user_preferences", [("account",), ("account",)]),
        ({"event": "X"}, "account_update", [("account",)]),
        ({"event": 5}, "account_update", [("account", *ASIDE)]),
        ({"errors": [{"code": 1}]}, "messages", [("account",)]),
        ({"galaxies": [1]}, "galaxies", [("unknown",)]),
        ({"messages": []}, "messages", [("unknown",)]),
        (7, "messages", [ASIDE]),
    ],
)
def test_what_must_become_of_a_change(value: Any, field: str, wanted: list[tuple[str, ...]]) -> None:
    assert kinds(value, field) == wanted


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (
            Sent("connect", '{"detail-type": "x", "source": "aws.social-messaging", "detail": {}}'),
            ("witness",),
        ),
        (Sent("connect", '{"detail-type": "x", "source": "aws.connect"}'), ("connect",)),
        (Sent("connect", '{"detail-type": "x", "source": "aws.connect", "id": 5}'), ("connect", *ASIDE)),
        (Sent("connect", '{"detail-type": "x", "source": "aws.ec2"}'), ASIDE),
        (Sent("connect-chat", '{"ContactId": "c", "AbsoluteTime": "t"}'), ("connect",)),
        (Sent("connect-chat", '{"ContactId": "c", "AbsoluteTime": 7}'), ("connect", *ASIDE)),
        (Sent("whatsapp-events", '{"whatsAppWebhookEntry": "{"}'), ASIDE),
        (Sent("whatsapp-events", '{"whatsAppWebhookEntry": "{\\"changes\\": [5]}"}'), ASIDE),
        (Sent("whatsapp-events", "no"), ASIDE),
    ],
)
def test_what_must_become_of_a_body(sent: Sent, wanted: tuple[str, ...]) -> None:
    (change,) = expected(sent)
    assert [part.kinds for part in change.parts] == [wanted]


def test_leaves_are_scalars_and_empty_containers_and_types_count() -> None:
    value = {"a": [1, {"b": None}], "c": {}, "d": []}
    assert list(leaves(value)) == [(("a", 0), 1), (("a", 1, "b"), None), (("c",), {}), (("d",), [])]
    assert pattern(("a", 1, "b")) == "a[].b"
    assert without(value, ("a", 1, "b")) == {"a": [1, {}], "c": {}, "d": []}
    assert without(value, ("a", 0)) == {"a": [{"b": None}], "c": {}, "d": []}
    assert not any(same(one, other) for one, other in [(1, 1.0), (1, True), ("1", 1), (None, {})])
    assert same(2.5, 2.5)


def test_documentation_names_nested_members_of_nested_messages() -> None:
    row = {
        "type": "edit",
        "edit": {"message": {"type": "text", "text": {"body": "x", "tone": "y"}}},
        "errors": [],
    }
    tree = documented.message(row)
    assert documented.named(row, tree, ("edit", "message", "text", "body"))
    assert documented.named(row, tree, ("errors",))
    assert not documented.named(row, tree, ("edit", "message", "text", "tone"))
    assert not documented.named(row, tree, ("sparkle",))


def test_the_committed_exceptions_all_have_a_reason(tmp_path: Path) -> None:
    committed = exceptions(Path(documented.__file__).parent / "exceptions.toml")
    assert all(committed.values())
    file = tmp_path / "e.toml"
    file.write_text('[[leaf]]\npath = "a[].b"\nreason = "why"\n')
    assert exceptions(file) == {"a[].b": "why"}


def test_a_count_of_nothing_is_no_success() -> None:
    row = Row("a", "entry", read=1, leaves=1)
    facts = {"bodies": 1, "items": 1, "added by a second feeding": 0}
    assert good([row], facts)
    assert not good([row], facts | {"items": 0})
    assert not good([row], facts | {"added by a second feeding": 1})
    assert not good([Row("a", "other")], facts)
    assert not good([row, Row("b", "entry", wrong=["x"])], facts)


def test_the_rows_and_the_last_line_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("a", "entry", read=1, leaves=1), Row("b", "entry", wrong=["lost"])]
    report.show(rows, {"run": "r"}, Console(width=report.WIDTH), as_json=False)
    report.show(rows, {"run": "r"}, Console(), as_json=True)
    shown = capsys.readouterr().out
    assert "leaves 1 of 1" in shown
    assert json.loads(shown.splitlines()[-2])["wrong"] == ["lost"]
    assert json.loads(shown.splitlines()[-1])["kept"] == 1
    assert report.last_line(rows) == "1 of 2 kept"
