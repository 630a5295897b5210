import json
from collections.abc import Sequence
from typing import Any

import pytest

from services.ingest.archive import arrived, raw_key
from shared.bus.port import BusUnavailableError
from shared.errors import Poison
from shared.events.model import Event, MessageRecorded
from shared.ids import raw_id, received_id
from shared.policy.state import breaker_pk, opted_out, optout_pk
from shared.queue.port import Message
from shared.record.accounts import account_id
from tests.unit.ingest.desk import (
    ANA,
    WABA,
    Desk,
    Told,
    ana,
    change,
    desk,
    envelope,
    photo,
    reacted,
    said,
    went,
)
from tests.unit.record.world import NOON_MS, PNID


def types(d: Desk) -> list[str]:
    return [event.type for event in d.bus.events]


async def archived(d: Desk) -> list[str]:
    return [info.key async for info in d.world.raw.list("raw/")]


async def test_a_text_is_archived_exactly_kept_and_told() -> None:
    d = desk()
    body = envelope(change(contacts=ana(), messages=[said("wamid.1")]))
    await d.receive(body)
    (key,) = await archived(d)
    assert key == f"raw/eum/2027/01/15/0800/00/{raw_id(body.encode())}.json"
    assert await d.world.raw.get(key) == body.encode()
    view = await d.world.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert view is not None
    content = await d.world.record.reader.open(view.item)
    assert content.message == said("wamid.1")
    assert content.contact == ana()[0]
    assert types(d) == [
        "desk.contact.changed.v1",
        "desk.message.recorded.v1",
        "desk.conversation.changed.v1",
    ]
    assert {event.correlation for event in d.bus.events} == {raw_id(body.encode())}
    assert await d.owed() == []


async def test_a_redelivery_tells_the_same_again_and_writes_nothing() -> None:
    d = desk()
    body = envelope(change(contacts=ana(), messages=[said("wamid.1"), photo("wamid.2")]))
    await d.receive(body)
    first = {event.id for event in d.bus.events if "contact" not in event.type}
    before = [await d.world.items(table) for table in ("messages", "conversations", "contacts", "ids")]
    d.bus.events.clear()
    await d.receive(body)
    assert {event.id for event in d.bus.events} >= {i for i in first if i.startswith("i_")}
    assert [
        await d.world.items(table) for table in ("messages", "conversations", "contacts", "ids")
    ] == before


async def test_a_picture_is_told_with_its_medium() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[photo("wamid.2")])))
    (event,) = [each for each in d.bus.events if isinstance(each, MessageRecorded)]
    assert [(m.n, m.mime) for m in event.data.media] == [(0, "image/jpeg")]
    view = await d.world.record.reader.get_message(received_id(PNID, "wamid.2"))
    assert view is not None
    assert view.item["media"] == [{"n": 0, "mime": "image/jpeg", "state": "pending"}]
    assert (await d.world.record.reader.open(view.item)).media_ids == {0: "1234567890"}


async def test_a_bad_item_is_parked_and_its_neighbours_are_kept() -> None:
    d = desk()
    bad: dict[str, Any] = {"from": ANA, "id": "wamid.bad", "type": "text", "text": "not an object"}
    body = envelope(change(contacts=ana(), messages=[said("wamid.1"), bad, said("wamid.2", "dos")]))
    await d.receive(body)
    await d.receive(body)
    kept = {item["message_id"] for item in await d.world.items("messages")}
    assert kept == {received_id(PNID, "wamid.1"), received_id(PNID, "wamid.2")}
    (parked,) = await d.parked()
    assert parked.body == body
    assert parked.attributes["reason"] == "wrong_type"
    assert parked.attributes["raw_id"] == raw_id(body.encode())
    assert ANA not in repr(parked.attributes)
    assert len([info async for info in d.world.raw.list("poison/")]) == 1
    assert await d.world.record.accounts.get(account_id(raw_id(body.encode()), 1)) is None


@pytest.mark.parametrize(
    "body", ["not json", '{"whatsAppWebhookEntry": "{\\"id\\": \\"1\\", "}', "[" * 100_000]
)
async def test_what_cannot_be_read_is_archived_and_poison(body: str) -> None:
    d = desk()
    with pytest.raises(Poison):
        await d.receive(body)
    (key,) = await archived(d)
    assert await d.world.raw.get(key) == body.encode()
    assert d.bus.events == []


async def test_a_foreign_account_is_quarantined() -> None:
    d = desk()
    with pytest.raises(Poison, match="foreign_waba"):
        await d.receive(envelope(change(messages=[said("wamid.1")]), waba="999"))
    assert len(await archived(d)) == 1
    assert await d.world.items("messages") == []


async def test_a_foreign_number_is_parked_beside_ours() -> None:
    d = desk()
    foreign = change(pnid="999", contacts=ana(), messages=[said("wamid.f")])
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")]), foreign))
    (parked,) = await d.parked()
    assert parked.attributes["reason"] == "foreign_number"
    assert len(await d.world.items("messages")) == 1


async def test_an_unknown_field_is_kept_whole_and_counted() -> None:
    d = desk()
    body = envelope({"field": "brand_new", "value": {"a": {"b": [1, 2]}}})
    await d.receive(body)
    found = await d.world.record.accounts.get(account_id(raw_id(body.encode()), 0))
    assert found is not None
    assert found[1]["value"] == {"a": {"b": [1, 2]}}
    assert types(d) == ["desk.account.changed.v1"]
    assert d.metrics.registry.get_sample_value("cdmx_unknown_total", {"field": "brand_new"}) == 1


async def test_a_template_event_sets_facts_and_an_old_one_does_not_undo_them() -> None:
    d = desk()
    template = {"message_template_name": "aviso", "message_template_language": "es_MX"}
    newer = {"field": "message_template_status_update", "value": {"event": "PAUSED", **template}}
    older = {"field": "message_template_status_update", "value": {"event": "APPROVED", **template}}
    await d.receive(envelope(newer, at="2027-01-15T08:00:01Z"))
    await d.receive(envelope(older, at="2027-01-15T08:00:00Z"))
    item = await d.world.store.get("policy", f"TEMPLATE#{WABA}#aviso#es_MX")
    assert item is not None
    assert (item["status"], item["rev"]) == ("PAUSED", 1)


async def test_a_stopped_preference_is_an_opt_out_of_the_person() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
    stop = {"wa_id": ANA, "category": "marketing_messages", "value": "stop", "timestamp": NOON_MS // 1000}
    await d.receive(envelope(change("user_preferences", contacts=ana(), user_preferences=[stop])))
    (contact,) = [item for item in await d.world.items("contacts") if item["sk"] == "-"]
    item = await d.world.store.get("policy", optout_pk(contact["pk"]))
    assert item is not None
    assert opted_out(item) == "marketing"


async def test_a_locked_account_opens_the_breaker_once() -> None:
    d = desk()
    failed = went("failed", errors=[{"code": 131031, "title": "locked"}])
    await d.receive(envelope(change(contacts=ana(), statuses=[failed])))
    item = await d.world.store.get("policy", breaker_pk(WABA))
    assert item is not None
    assert (item["open"], item["code"]) == (True, 131031)


async def test_a_status_without_its_message_waits_sealed() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), statuses=[went("sent")])))
    (wait,) = [item for item in await d.world.items("ids") if item["sk"].startswith("wait#")]
    assert wait["status"] == "sent"
    assert ANA not in repr(wait)


async def test_a_reaction_before_its_message_is_joined_when_it_comes() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[reacted("wamid.r", "wamid.1")])))
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
    view = await d.world.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert view is not None
    (reaction,) = view.reactions
    assert (await d.world.record.reader.open(reaction)).message["reaction"]["emoji"] == "👍"


async def test_an_echo_of_our_own_phone_is_kept_as_out() -> None:
    d = desk()
    echo = {
        "from": "5255550107",
        "to": ANA,
        "id": "wamid.e",
        "timestamp": str(NOON_MS // 1000),
        "type": "text",
    }
    body = envelope(
        change("smb_message_echoes", contacts=ana(), message_echoes=[{**echo, "text": {"body": "va"}}])
    )
    await d.receive(body)
    view = await d.world.record.reader.get_message(received_id(PNID, "wamid.e"))
    assert view is not None
    assert (view.item["direction"], view.item["flags"]) == ("out", ["echo"])
    assert "opens_window" not in view.item


async def test_a_changed_number_stays_one_person() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
    system = {"type": "user_changed_number", "wa_id": "5215587654321", "body": "cambió"}
    moved = {
        "from": ANA,
        "id": "wamid.s",
        "timestamp": str(NOON_MS // 1000),
        "type": "system",
        "system": system,
    }
    await d.receive(envelope(change(messages=[moved])))
    later = {**said("wamid.2"), "from": "5215587654321"}
    await d.receive(envelope(change(messages=[later])))
    assert len([item for item in await d.world.items("contacts") if item["sk"] == "-"]) == 1
    (conversation,) = await d.world.items("conversations")
    assert conversation["unread"] == 2


async def test_a_witness_and_a_chat_message_are_archived_under_their_source() -> None:
    d = desk()
    witness = {
        "source": "aws.social-messaging",
        "detail-type": "WhatsApp Message Sent",
        "time": "2027-01-15T08:00:35Z",
        "detail": {},
    }
    await d.receive(json.dumps(witness))
    chat = {
        "AbsoluteTime": "2027-01-15T08:00:00.000Z",
        "ContactId": "c",
        "ParticipantRole": "AGENT",
        "Type": "MESSAGE",
    }
    await d.receive(json.dumps(chat))
    found = sorted(key.rsplit("/", 1)[0] for key in await archived(d))
    assert found == ["raw/connect/2027/01/15/0800/00", "raw/witness/2027/01/15/0800/30"]
    assert d.bus.events == []


def test_a_stamp_beyond_64_bits_leaves_the_queues_own_time() -> None:
    message = Message("m", '{"message_timestamp": "9999-12-31T23:59:59Z"}', "r", 1, NOON_MS)
    assert raw_key(arrived(message, "ingest")).startswith("raw/eum/2027/01/15/0800/00/")


class _Mute(Told):
    async def publish(self, events: Sequence[Event]) -> None:
        raise BusUnavailableError("down")


async def test_an_envelope_whose_events_are_not_out_is_not_done() -> None:
    """Nothing else would publish them: the message must come again (found by the simulator, seed 36)."""
    d = desk(bus=_Mute())
    with pytest.raises(BusUnavailableError):
        await d.receive(envelope(change(messages=[said("wamid.1")])))
