"""A person's part comes out of a shared envelope, and nobody else's."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.archive import arrived, raw_key
from services.ingest.archived import Archived, numbered
from services.ingest.redact import without
from shared.objects.memory import MemoryObjects
from shared.queue.port import Message
from shared.store.port import Update
from shared.whatsapp.envelope import parse
from shared.whatsapp.items import items
from tests.unit.ingest.desk import ANA, change, desk, envelope, said, went
from tests.unit.record.world import NOON_MS

LUIS = "5215587654321"


def one(wamid: str, who: str = ANA, nonce: str = "") -> dict[str, Any]:
    return {**said(wamid, f"hola {wamid} {nonce}"), "from": who}


def cards(*people: str) -> list[dict[str, Any]]:
    return [{"profile": {"name": f"nombre {who}"}, "wa_id": who} for who in people]


def texts(body: str) -> list[str]:
    return [item.part.text.body for item in items(parse(body)) if item.kind == "message"]  # type: ignore[union-attr] # all are texts here


def test_one_of_two_people_goes_with_the_contact_and_the_other_stays() -> None:
    body = envelope(change(contacts=cards(ANA, LUIS), messages=[one("wamid.1"), one("wamid.2", LUIS)]))
    left = without(body, parse(body), {0})
    assert left is not None
    assert ANA not in left
    assert "wamid.1" not in left
    assert texts(left) == ["hola wamid.2 "]
    assert f"nombre {LUIS}" in left


def test_the_contact_stays_while_something_of_the_person_does() -> None:
    body = envelope(change(contacts=cards(ANA), messages=[one("wamid.1"), one("wamid.2")]))
    left = without(body, parse(body), {0})
    assert left is not None
    assert texts(left) == ["hola wamid.2 "]
    assert f"nombre {ANA}" in left


def test_an_envelope_with_nothing_left_goes_whole() -> None:
    body = envelope(change(contacts=cards(ANA), messages=[one("wamid.1")]))
    assert without(body, parse(body), {0}) is None
    assert without(body, parse(body), set()) == body
    assert without("{", None, set()) is None


def test_every_layer_is_opened() -> None:
    inner = envelope(change(messages=[one("wamid.1"), one("wamid.2", LUIS)]))
    body = json.dumps({"Type": "Notification", "Message": inner, "MessageId": "m"})
    left = without(body, parse(body), {0})
    assert left is not None
    assert json.loads(left)["MessageId"] == "m"
    assert texts(left) == ["hola wamid.2 "]


def test_a_bare_webhook_of_several_entries_loses_one() -> None:
    entries = [{"id": "w", "changes": [change(messages=[one(f"wamid.{n}")])]} for n in range(3)]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries})
    left = without(body, parse(body), {1})
    assert left is not None
    assert texts(left) == ["hola wamid.0 ", "hola wamid.2 "]


@given(st.data())
def test_exactly_the_chosen_parts_are_gone(data: Any) -> None:
    people = (ANA, LUIS, "5215500000001")
    changes: list[Any] = []
    nonces: list[str] = []
    for _ in range(data.draw(st.integers(1, 3))):
        chosen = data.draw(st.lists(st.sampled_from(people), min_size=1, max_size=3))
        rows = []
        for who in chosen:
            nonces.append(f"n{len(nonces):04d}x")
            rows.append(one(f"wamid.{len(nonces)}", who, nonces[-1]))
        changes.append(change(contacts=cards(*dict.fromkeys(chosen)), messages=rows))
        if data.draw(st.booleans()):
            nonces.append(f"n{len(nonces):04d}x")
            changes.append(change(statuses=[went("read", f"wamid.{nonces[-1]}")]))
    body = envelope(*changes)
    gone = data.draw(st.sets(st.integers(0, len(nonces) - 1)))
    left = without(body, parse(body), gone) or ""
    assert [nonce in left for nonce in nonces] == [n not in gone for n in range(len(nonces))]


async def test_positions_stay_those_of_the_whole_envelope() -> None:
    raw = MemoryObjects("raw")
    body = envelope(change(messages=[one(f"wamid.{n}") for n in range(4)]))
    found = arrived(Message("", body, "", 1, NOON_MS, {}), "ingest")
    key = raw_key(found)
    await raw.put(key, found.body, metadata={"arrival-ns": str(found.arrival_ns)})
    archived = Archived(raw)
    assert not await archived.rewrite(await archived.read(key), {1})
    once = await archived.read(key)
    assert (once.raw_id, once.arrival_ns) == (found.raw_id, found.arrival_ns)
    assert [item.position for item in numbered(once)] == [0, 2, 3]
    assert not await archived.rewrite(once, {2})
    twice = await archived.read(key)
    assert [item.position for item in numbered(twice)] == [0, 3]
    assert await archived.rewrite(twice, {0, 3})
    assert await raw.head(key) is None


async def test_what_is_dropped_as_erased_does_not_stay_in_the_archive() -> None:
    d = desk()
    await d.receive(
        envelope(change(contacts=cards(ANA), messages=[one("wamid.0")]), at="2027-01-15T08:00:00Z")
    )
    (alias, *_) = await d.world.items("aliases")
    gone = {"erased": True, "erased_at": NOON_MS + 3600_000}
    await d.world.store.write(Update("contacts", alias["contact_id"], "-", set=gone))
    late = envelope(
        change(contacts=cards(ANA, LUIS), messages=[one("wamid.1", nonce="secreto"), one("wamid.2", LUIS)]),
        at="2027-01-15T08:00:01Z",
    )
    for _ in range(2):  # it may come again
        await d.receive(late)
        bodies = [await d.world.raw.get(info.key) async for info in d.world.raw.list("raw/")]
        assert not any(b"secreto" in body for body in bodies)
        assert any(b"wamid.2" in body for body in bodies)
