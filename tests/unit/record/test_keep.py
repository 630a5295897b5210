import asyncio
import random

import pytest

from shared.ids import received_id
from shared.policy.window import DAY_MS, MARGIN_MS
from tests.unit.record.world import NOON_MS, PNID, origin, person, reaction, text, world


async def test_a_new_message_is_kept_once_and_told_again_with_the_same_ids() -> None:
    w = world()
    first = await w.record.keeper.keep(text("wamid.1"))
    second = await w.record.keeper.keep(text("wamid.1"))
    assert (first.kind, second.kind) == ("new", "again")
    told = {each.id for each in first.events if not each.type.startswith("desk.contact")}
    assert told == {each.id for each in second.events}
    assert len(await w.items("messages")) == 1


async def test_what_was_sealed_is_opened_and_stands_nowhere_in_clear() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1", "secreto", who=person(name="Ana")))
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    content = await w.record.reader.open(view.item)
    assert content.message["text"]["body"] == "secreto"
    assert content.typed.type == "text"
    for table in ("messages", "conversations", "contacts", "ids", "aliases"):
        for item in await w.items(table):
            assert "secreto" not in repr(item)
            assert "Ana" not in repr(item)
            assert "wamid.1" not in repr(item)
            assert "5512345678" not in repr(item)
    found = await w.record.reader.contact(view.item["contact_id"])
    assert found is not None
    assert found[1]["name"] == "Ana"


async def test_the_window_opens_and_never_goes_back() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.2", at_ms=NOON_MS))
    await w.record.keeper.keep(text("wamid.1", at_ms=NOON_MS - 60_000))
    assert kept.message is not None
    thread = await w.record.reader.thread(kept.message["pk"])
    assert thread is not None
    assert thread.window_ends_at == NOON_MS + DAY_MS - MARGIN_MS
    assert thread.item["last_order_key"] == kept.message["sk"]
    assert thread.unread == 2
    assert await w.record.reader.preview(thread.item) == {"text": "hola", "type": "text", "direction": "in"}


async def test_other_content_of_the_same_wamid_is_kept_beside() -> None:
    w = world()
    await w.record.keeper.keep(text("wamid.1", "uno"))
    kept = await w.record.keeper.keep(text("wamid.1", "dos"))
    assert kept.kind == "variant"
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    assert (await w.record.reader.open(view.item)).message["text"]["body"] == "uno"
    assert (await w.record.reader.open(view.variants[0])).message["text"]["body"] == "dos"
    assert view.item["rev"] == 2
    await w.record.keeper.keep(text("wamid.1", "dos"))
    again = await w.record.reader.get_message(kept.item_id)
    assert again is not None
    assert again.item["rev"] == 2


async def test_a_reaction_finds_its_message_whichever_came_first() -> None:
    for order in (0, 1):
        w = world()
        todo = [text("wamid.1"), reaction("wamid.r", "wamid.1", at_ms=NOON_MS + 1000)]
        kept = [await w.record.keeper.keep(each) for each in (todo if order == 0 else todo[::-1])]
        view = await w.record.reader.get_message(received_id(PNID, "wamid.1"))
        assert view is not None
        assert [each["message_id"] for each in view.reactions] == [received_id(PNID, "wamid.r")]
        assert view.item["rev"] == 2
        changed = [e for e in kept[1].events if e.type == "desk.message.changed.v1"]
        assert [e.id for e in changed] == [f"{view.item['message_id']}:2"]
        assert not [i for i in await w.items("ids") if i["sk"].startswith("wait#")]


async def test_large_content_lies_in_the_raw_bucket() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1", "x" * 100_000))
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    assert "sealed" not in view.item
    assert (await w.record.reader.open(view.item)).message["text"]["body"] == "x" * 100_000


@pytest.mark.parametrize("seed", range(6))
async def test_fifty_first_messages_at_once_make_one_contact_and_one_conversation(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - seeded conflicts
    w = world(seed, contend=lambda _ops: dice.random() < 0.02 * seed)
    kept = await asyncio.gather(
        *(w.record.keeper.keep(text(f"wamid.{n}", at_ms=NOON_MS + n)) for n in range(50))
    )
    assert {each.kind for each in kept} == {"new"}
    assert len({each.message["pk"] for each in kept if each.message}) == 1
    contacts = [item for item in await w.items("contacts") if item["sk"] == "-"]
    assert len(contacts) == 1
    assert len(await w.items("contact_keys")) == 1
    (conversation,) = await w.items("conversations")
    assert conversation["unread"] == 50


async def test_two_owners_become_one_person_and_one_thread() -> None:
    w = world()
    by_number = await w.record.keeper.keep(text("wamid.1", who=person("5215511111111")))
    only_id = person("5215522222222", user_id="MX.2")
    by_id = await w.record.keeper.keep(text("wamid.2", who=only_id, at_ms=NOON_MS + 1000))
    both = person("5215511111111", user_id="MX.2")
    merged = await w.record.keeper.keep(text("wamid.3", who=both, at_ms=NOON_MS + 2000))
    assert by_number.message is not None
    assert by_id.message is not None
    assert merged.message is not None
    assert merged.message["pk"] == by_number.message["pk"]
    assert next(e.type for e in merged.events if "contact" in e.type) == "desk.contact.merged.v1"
    page = await w.record.reader.page(by_id.message["pk"])
    assert [v.item["message_id"] for v in page.views] == [by_number.item_id, by_id.item_id, merged.item_id]
    gone = await w.store.get("conversations", by_id.message["pk"])
    assert gone is not None
    assert gone["merged_into"] == merged.message["pk"]
    assert "inbox" not in gone


async def test_an_import_opens_no_window_and_is_not_unread() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1", origin=origin("raw-i", source="import")))
    assert kept.message is not None
    thread = await w.record.reader.thread(kept.message["pk"])
    assert thread is not None
    assert (thread.window_ends_at, thread.unread) == (None, 0)
