"""Events against a real record in memory: whatever their order, the index ends at the record's revision."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.search.handlers import Handlers
from services.search.port import IndexUnavailableError
from shared.errors import Poison
from shared.events.model import (
    Change,
    Changed,
    ContactChanged,
    ContactChangedEvent,
    ConversationChanged,
    ConversationChangedEvent,
    MediaSettled,
    MediaSettledEvent,
    MessageChanged,
)
from shared.ids import received_id
from shared.media.reading import KIND, reading_sk
from shared.queue.port import Message
from shared.record.inbound import Inbound, Relation
from shared.store.port import Delete, Item, Put, Update
from tests.unit.record.world import NOON_MS, PNID, origin, person, reaction, text
from tests.unit.search.world import World

COMMON: dict[str, Any] = {"id": "x:1", "source": "test", "subject": "c", "time": "2027-01-15T08:00:00.000Z"}
PHONE = "5215512345678"


async def message_of(w: World, message_id: str) -> Item:
    view = await w.record.reader.get_message(message_id)
    assert view is not None
    return view.item


def changed(item: Item, rev: int | None = None, what: Change = "status") -> MessageChanged:
    data = Changed(
        conversation_id=item["pk"],
        message_id=item["message_id"],
        order_key=item["sk"],
        rev=rev or item["rev"],
        direction=item["direction"],
        type=item["type"],
        source="live",
        changed=(what,),
    )
    return MessageChanged(**COMMON, data=data)


def conversation_changed(cid: str) -> ConversationChangedEvent:
    return ConversationChangedEvent(
        **COMMON, data=ConversationChanged(conversation_id=cid, rev=2, changed=("tags",))
    )


def contact(contact_id: str, verb: str = "changed") -> ContactChangedEvent:
    return ContactChangedEvent(
        **COMMON,
        type=f"desk.contact.{verb}.v1",
        data=ContactChanged(contact_id=contact_id, rev=2),
    )


async def test_what_was_read_out_of_a_file_is_found() -> None:
    w = World()
    item = await message_of(w, (await w.keep(text("wamid.1", "mira"))).item_id)
    sk = reading_sk(item["sk"], 0)
    said = {"text": "CERRADO", "transcript": {"text": "ya vamos", "confidence": 90, "words": []}}
    sealed = await w.record.sealing.fields(item["key_id"], said, "messages", item["pk"], sk)
    beside = {"pk": item["pk"], "sk": sk, "kind": KIND, "n": 0, "key_id": item["key_id"], **sealed}
    await w.base.store.write(Put("messages", beside))
    await w.base.store.write(Update("messages", item["pk"], item["sk"], add={"rev": 1}))
    await w.poke(changed({**item, "rev": item["rev"] + 1}, what="ocr"))
    document = w.index.documents("messages")[item["message_id"]][1]
    assert (document["ocr"], document["transcript"]) == (["CERRADO"], ["ya vamos"])


async def test_a_recorded_message_is_indexed_with_its_words_and_place() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "Sismo en #Oaxaca", who=person(name="Ana")))
    version, document = w.index.documents("messages")[kept.item_id]
    item = await message_of(w, kept.item_id)
    assert version == item["rev"] == document["rev"]
    assert document["body"] == ["Sismo en #Oaxaca"]
    assert (document["conversation_id"], document["order_key"]) == (item["pk"], item["sk"])
    thread = w.index.documents("conversations")[item["pk"]][1]
    assert thread["name"] == ["Ana"]
    assert thread["alias"].startswith("Fuente ")


async def test_no_number_and_no_wamid_reach_the_index() -> None:
    w = World()
    await w.keep(text("wamid.HBgNSECRET", f"soy {PHONE}, llámame", who=person(PHONE, name="Ana")))
    stored = repr(
        [{k: v for k, v in each.items() if k != "body"} for _, each in w.index.documents("messages").values()]
    )
    stored += repr(w.index.documents("conversations"))
    assert PHONE not in stored
    assert PHONE[-10:] not in stored
    assert "HBgN" not in stored


async def test_visibility_is_measured_for_live_messages_only() -> None:
    w = World()
    w.base.clock.ms = NOON_MS + 400
    await w.keep(text("wamid.1"))
    await w.keep(text("wamid.2", origin=origin("r2", source="replay")))
    assert w.visible == [pytest.approx(1.4)]


async def test_a_change_is_indexed_at_the_new_revision() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "antes"))
    await w.keep(reaction("wamid.2", "wamid.1"))
    item = await message_of(w, kept.item_id)
    assert item["rev"] > 1
    await w.poke(changed(item))
    assert w.index.documents("messages")[kept.item_id][0] == item["rev"]


def edit(wamid: str, target: str, body: str, at_ms: int = NOON_MS + 1000) -> Inbound:
    new = {"type": "text", "text": {"body": body}}
    message = {"type": "edit", "edit": {"original_message_id": target, "message": new}}
    return replace(
        text(wamid, at_ms=at_ms),
        type="edit",
        message=message,
        content={"value": {"messages": [message]}, "wamid": wamid},
        relation=Relation("edit", target),
    )


def revoke(wamid: str, target: str, at_ms: int = NOON_MS + 5000) -> Inbound:
    message = {"type": "revoke", "revoke": {"original_message_id": target}}
    return replace(
        text(wamid, at_ms=at_ms),
        type="revoke",
        message=message,
        content={"value": {"messages": [message]}, "wamid": wamid},
        relation=Relation("revoke", target),
    )


async def test_an_edited_message_says_its_last_wording_and_the_earlier_ones_apart() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "antes #uno 55 9876 5432"))
    await w.keep(edit("wamid.2", "wamid.1", "luego #dos"))
    await w.keep(edit("wamid.3", "wamid.1", "al final", NOON_MS + 2000))
    await w.poke(changed(await message_of(w, kept.item_id), what="edit"))
    document = w.index.documents("messages")[kept.item_id][1]
    assert document["body"] == ["al final"]
    assert document["former"] == ["antes #uno 55 9876 5432", "luego #dos"]
    assert (document["former_hashtags"], document.get("hashtags")) == (["uno", "dos"], None)
    assert document["former_phones"] == ["5598765432"]
    assert "revoked" not in document


@pytest.mark.parametrize("order", ["edit first", "message first"])
async def test_an_edit_has_no_words_of_its_own_once_its_message_is_known(order: str) -> None:
    w = World()
    first, later = text("wamid.1", "antes"), edit("wamid.2", "wamid.1", "secreto")
    if order == "edit first":
        strayed = await w.keep(later)
        assert w.index.documents("messages")[strayed.item_id][1]["body"] == ["secreto"]
        await w.keep(first)
    else:
        await w.keep(first)
        strayed = await w.keep(later)
    assert "secreto" not in repr(w.index.documents("messages")[strayed.item_id])
    target = w.index.documents("messages")[received_id(PNID, "wamid.1")][1]
    assert (target["body"], target["former"]) == (["secreto"], ["antes"])


async def test_a_deleted_message_is_marked() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto"))
    await w.keep(revoke("wamid.2", "wamid.1"))
    await w.poke(changed(await message_of(w, kept.item_id), what="revoke"))
    assert w.index.documents("messages")[kept.item_id][1]["revoked"] is True


async def test_an_old_event_indexes_what_the_record_holds_now() -> None:
    w = World()
    kept = await w.keep(text("wamid.1"))
    await w.keep(reaction("wamid.2", "wamid.1"))
    item = await message_of(w, kept.item_id)
    await w.poke(changed(item))
    await w.poke(*kept.events)
    assert w.index.documents("messages")[kept.item_id][0] == item["rev"]


async def test_an_erased_message_leaves_and_never_comes_back() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto"))
    item = await message_of(w, kept.item_id)
    await w.base.store.write(Update("messages", item["pk"], item["sk"], set={"erased": True}, add={"rev": 1}))
    await w.poke(changed(item, item["rev"] + 1, "erased"))
    await w.poke(*kept.events)
    assert kept.item_id not in w.index.documents("messages")


async def test_a_message_that_retention_took_leaves_too() -> None:
    w = World()
    kept = await w.keep(text("wamid.1"))
    item = await message_of(w, kept.item_id)
    await w.base.store.write(Delete("messages", item["pk"], item["sk"]))
    await w.poke(changed(item, item["rev"] + 1, "erased"))
    assert kept.item_id not in w.index.documents("messages")


async def test_a_destroyed_key_takes_the_words_out() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto"))
    item = await message_of(w, kept.item_id)
    await w.record.sealing._keys.destroy(item["contact_id"])
    await w.poke(changed(item))
    assert kept.item_id not in w.index.documents("messages")


async def test_erasing_a_person_takes_all_their_messages_out() -> None:
    w = World()
    one = await w.keep(text("wamid.1", "uno"))
    other = await w.keep(text("wamid.2", "dos", who=person("5215599999999")))
    await w.poke(contact((await message_of(w, one.item_id))["contact_id"], "erased"))
    assert set(w.index.documents("messages")) == {other.item_id}


@pytest.mark.parametrize("where", ["conversations", "contacts"])
async def test_protection_takes_words_out_and_its_end_brings_them_back(where: str) -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto", who=person(name="Ana")))
    await w.keep(text("wamid.2", "también", who=person(name="Ana")))
    item = await message_of(w, kept.item_id)
    pk = item["pk"] if where == "conversations" else item["contact_id"]
    for protected in (True, False):
        await w.base.store.write(Update(where, pk, "-", set={"protected": protected}, add={"rev": 1}))
        if where == "contacts":
            await w.base.store.write(Update("conversations", item["pk"], "-", add={"rev": 1}))
        await w.poke(
            conversation_changed(item["pk"]) if where == "conversations" else contact(item["contact_id"])
        )
        everything = repr(w.index.documents("messages")) + repr(w.index.documents("conversations"))
        assert ("secreto" in everything) is not protected
        assert ("Ana" in everything) is not protected


async def test_a_crash_between_protection_and_its_mark_is_made_good() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto"))
    item = await message_of(w, kept.item_id)
    await w.base.store.write(
        Update("conversations", item["pk"], "-", set={"protected": True}, add={"rev": 1})
    )
    task = asyncio.create_task(w.poke(conversation_changed(item["pk"])))
    for _ in range(12):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    w.handlers._indexer = w.fresh_indexer()
    await w.poke(conversation_changed(item["pk"]))
    assert "secreto" not in repr(w.index.documents("messages"))


async def test_a_new_message_of_a_protected_thread_is_never_in_clear() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "uno"))
    item = await message_of(w, kept.item_id)
    await w.base.store.write(
        Update("conversations", item["pk"], "-", set={"protected": True}, add={"rev": 1})
    )
    await w.keep(text("wamid.2", "secreto", at_ms=NOON_MS + 1000))
    everything = repr(w.index.documents("messages"))
    assert "secreto" not in everything
    assert "uno" not in everything, "the first message's event sweeps the thread too"


async def test_settled_media_of_an_upload_are_none_of_ours() -> None:
    w = World()
    data = MediaSettled(owner="u_1", conversation_id="c_1", n=0, state="ready", rev=1, direction="in")
    await w.poke(MediaSettledEvent(**COMMON, data=data))
    assert w.index.documents("messages") == {}


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"type":"desk.message.recorded.v1"}', '{"type":"x"}', '"\\ud800"']
)
async def test_what_is_no_event_is_poison_and_names_the_field(body: str) -> None:
    w = World()
    with pytest.raises(Poison) as caught:
        await w.handlers.handle(Message("m", body, "r", 1, 0))
    assert caught.value.reason == "bad_event"


async def test_an_unreachable_index_makes_the_event_wait() -> None:
    w = World()
    w.index.fail = True
    with pytest.raises(IndexUnavailableError):
        await w.keep(text("wamid.1"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 3))
async def test_duplicates_and_any_order_end_at_the_records_revision(seed: int, tasks: int) -> None:
    """Several indexers, each with its own memory, get every event up to three times in any order."""
    source = random.Random(seed)  # noqa: S311 - a seeded shuffle
    w = World()
    events = []
    for n in range(4):
        kept = await w.record.keeper.keep(text(f"wamid.{n}", f"texto {n}", at_ms=NOON_MS + n))
        events += [each for each in kept.events for _ in range(source.randint(1, 3))]
        if n:
            kept = await w.record.keeper.keep(
                reaction(f"wamid.r{n}", f"wamid.{source.randrange(n)}", at_ms=NOON_MS + 50)
            )
            events += list(kept.events)
    source.shuffle(events)
    indexers = [w.fresh_indexer() for _ in range(tasks)]

    async def consume(indexer: Any, mine: list[Any]) -> None:
        handlers = Handlers(indexer, w.base.clock, lambda _: None)
        for event in mine:
            await handlers.handle(Message("m", event.model_dump_json(), "r", 1, 0))

    await asyncio.gather(*(consume(each, events[n::tasks]) for n, each in enumerate(indexers)))
    stored = w.index.documents("messages")
    for item in await w.base.items("messages"):
        if "message_id" in item and "#" not in item["sk"]:
            assert stored[item["message_id"]][0] == item["rev"]
