"""Connect's chats and contact lives become rows, each once; what an agent wrote for the customer can be relayed."""

import json
from typing import Any

import pytest

from services.ingest import connect
from shared.ids import conversation_id
from shared.record.inbound import Origin
from shared.store.port import Put
from shared.whatsapp.envelope import parse
from shared.whatsapp.item import ConnectItem
from shared.whatsapp.items import items
from tests.unit.ingest.desk import ANA, Desk, ana, change, desk, envelope, said
from tests.unit.record.world import NOON_MS, PNID, person

CONTACT = "c0ffee00-0000-4000-8000-000000000001"
INSTANCE = "d0d00000-0000-4000-8000-000000000001"
AT = "2027-01-15T08:00:00.123Z"


def chat(item_id: str = "m-1", **more: Any) -> dict[str, Any]:
    known = {
        "AbsoluteTime": AT,
        "Content": "Hola, soy de la mesa",
        "ContentType": "text/plain",
        "Id": item_id,
        "Type": "MESSAGE",
        "ParticipantId": "pa-1",
        "DisplayName": "Mesa",
        "ParticipantRole": "AGENT",
        "InitialContactId": CONTACT,
        "ContactId": CONTACT,
    }
    return {**known, **more}


def seen_by(visibility: str | None = "ALL") -> dict[str, str]:
    known = {"InstanceId": INSTANCE, "ContactId": CONTACT}
    return known if visibility is None else {**known, "MessageVisibility": visibility}


def life(kind: str, *, pascal: bool = False, event_id: str = "e-1", at: str = "2027-01-15T08:00:00Z") -> str:
    detail = {
        "eventType": kind,
        "contactId": CONTACT,
        "channel": "CHAT",
        "instanceArn": f"arn:aws:connect:us-east-1:111111111111:instance/{INSTANCE}",
    }
    named = {name[0].upper() + name[1:]: each for name, each in detail.items()} if pascal else detail
    known = {"version": "0", "id": event_id, "detail-type": "Amazon Connect Contact Event", "time": at}
    return json.dumps({**known, "source": "aws.connect", "resources": [], "detail": named})


async def receive(d: Desk, body: dict[str, Any] | str, attributes: dict[str, str] | None = None) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    await d.receive(text, attributes)


async def test_a_contact_is_read_from_its_first_event_to_its_last() -> None:
    d = desk()
    await receive(d, life("DISCONNECTED", event_id="e-9", pascal=True, at="2027-01-15T08:05:00Z"))
    await receive(d, chat(), seen_by())
    await receive(d, life("INITIATED"))
    await receive(d, chat("ev-1", Type="EVENT", ContentType="application/vnd.amazonaws.connect.event.typing"))
    files = [{"AttachmentId": "at-1", "AttachmentName": "a.pdf", "ContentType": "application/pdf"}]
    attachment = chat("at-1", Type="ATTACHMENT", Attachments=files, AbsoluteTime="2027-01-15T08:01:00Z")
    await receive(d, attachment, seen_by())
    rows = await d.world.record.connect.of(CONTACT)
    assert [(item["kind"], item["what"]) for item, _ in rows] == [
        ("contact", "INITIATED"),
        *sorted(
            [("message", "textplain"), ("event", "applicationvnd.amazonaws.connect.event.typing")],
            key=lambda each: [item["what"] for item, _ in rows].index(each[1]),
        ),
        ("attachment", "textplain"),
        ("contact", "DISCONNECTED"),
    ]
    assert [content for item, content in rows if item["kind"] == "attachment"] == [attachment]
    assert rows[-1][1]["detail"]["EventType"] == "DISCONNECTED"
    assert "Hola" not in repr(await d.world.items("chats"))


async def test_the_same_event_again_and_in_another_envelope_is_one_row() -> None:
    d = desk()
    for visibility in ("ALL", "ALL", "CUSTOMER"):
        await receive(d, chat(), seen_by(visibility))
    await receive(d, chat(DisplayName="otra envoltura"), seen_by())
    assert len(await d.world.record.connect.of(CONTACT)) == 1


async def test_what_an_open_chat_says_is_sealed_under_the_persons_key_and_goes_with_it() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
    contact = await d.world.record.people.find(person(ANA))
    assert contact is not None
    thread = conversation_id(PNID, contact)
    await d.world.store.write(
        Put("chats", {"pk": thread, "sk": "0000000001", "connect_contact_id": CONTACT, "state": "open"})
    )
    await receive(d, chat(), seen_by())
    ((row, content),) = await d.world.record.connect.of(CONTACT)
    assert (row["key_id"], row["conversation_id"], content) == (contact, thread, chat())
    tombstone = {"pk": contact, "sk": "-", "destroyed_at": NOON_MS}
    await d.world.store.write(Put("contact_keys", tombstone))
    d.world.record.sealing._keys.forget(contact)
    assert [content for _, content in await d.world.record.connect.of(CONTACT)] == [None]


def read(body: dict[str, Any], attributes: dict[str, str]) -> ConnectItem:
    (item,) = items(parse(json.dumps(body), attributes))
    assert isinstance(item, ConnectItem)
    return item


APPROVED = {"AttachmentId": "a", "AttachmentName": "f.jpg", "ContentType": "image/jpeg", "Status": "APPROVED"}


@pytest.mark.parametrize(
    ("body", "visibility", "goes"),
    [
        (chat(), "ALL", True),
        (chat(), "CUSTOMER", True),
        (chat(), "AGENT", False),
        (chat(), None, False),
        (chat(ParticipantRole="CUSTOMER"), "ALL", False),
        (chat(ParticipantRole="SYSTEM"), "ALL", False),
        (chat(ParticipantRole="CUSTOM_BOT"), "ALL", False),
        (chat(Content=""), "ALL", False),
        (chat(ContentType="application/json"), "ALL", False),
        (chat(Type="EVENT", ContentType="application/vnd.amazonaws.connect.event.typing"), "ALL", False),
        (chat(Type="ATTACHMENT", Attachments=[APPROVED]), "ALL", True),
        (chat(Type="ATTACHMENT", Attachments=[{**APPROVED, "Status": "REJECTED"}]), "ALL", False),
        (chat(Id=None), "ALL", False),
    ],
)
def test_only_an_agents_words_and_checked_files_for_the_customer_are_relayed(
    body: dict[str, Any],
    visibility: str | None,
    goes: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    found = connect.relayed(read(body, seen_by(visibility)))
    assert (found is not None) is goes
    if found:
        assert (found.contact, found.instance, found.participant) == (CONTACT, INSTANCE, "pa-1")
        assert found.at_ns == 1_800_000_000_123_000_000
        assert bool(found.text) is (body["Type"] == "MESSAGE")


def test_what_names_neither_contact_nor_id_nor_time_is_a_row_of_nobody() -> None:
    item = read({"ContactId": None, "AbsoluteTime": "no time"}, {})
    row = connect.row(item, Origin("raw", 3, NOON_MS * 1_000_000))
    assert (row.contact, row.item_id, row.at_ms, row.kind) == ("-", "raw.3", NOON_MS, "event")
