"""The writing run over the in-memory ports: once, again, from another phone, with files later, and taken back."""

# ruff: noqa: DTZ001, FBT001 - local times as phones print them; letters and marks of all languages

import asyncio
import contextlib
import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.imports.ports import Ports
from ops.imports.undo import NoRunError
from services.forwarder.ordering import routable
from shared.bus.attributes import attributes
from shared.record.inbound import Alias, Origin, Person
from shared.record.runs import named
from tests.unit.imports import exports
from tests.unit.imports.exports import WORDS, Kind, Wrote
from tests.unit.imports.newsroom import CDMX, ME, Newsroom, write
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.record.world import text

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 100
NOON = datetime(2024, 3, 13, 12, 0)


def chat(count: int = 6) -> list[Wrote]:
    """Ana and the newsroom, one message a quarter of an hour."""
    return [
        Wrote(NOON + timedelta(minutes=15 * n), ME if n % 3 == 2 else "Ana", "text", f"mensaje {n}")
        for n in range(count)
    ]


def android(
    tmp: Path, said: list[Wrote], name: str = "Chat de WhatsApp con Ana.txt", files: Any = None
) -> Path:
    return write(tmp / name, exports.android(said, "es_MX", WORDS["es"]), files)


async def test_a_chat_becomes_a_conversation(tmp_path: Path) -> None:
    room = Newsroom()
    done = await room.take(android(tmp_path, chat()))
    assert done.counts == {"new": 6}
    items = await room.messages()
    assert len({item["pk"] for item in items}) == 1
    assert [item["direction"] for item in items] == ["in", "in", "out", "in", "in", "out"]
    assert await room.texts() == [f"mensaje {n}" for n in range(6)]
    assert {item["source"] for item in items} == {"import"}
    assert all({"imported", "unverified"} <= set(item["flags"]) for item in items)
    assert room.unmatched == ["Ana"]


async def test_whom_a_run_knows_by_name_alone_is_put_down_with_the_count(tmp_path: Path) -> None:
    room = Newsroom()
    path = android(tmp_path, chat())
    done = await room.take(path)
    (conversation,) = await room.world.items("conversations")
    assert list(done.named) == [conversation["contact_id"]]
    assert await named(room.exports, done.run) == {conversation["contact_id"]: 4}
    assert await named(room.exports, "m" + "0" * 15) is None
    again = await room.take(path)
    assert await named(room.exports, again.run) == {conversation["contact_id"]: 4}, "counted once"
    await room.undo(done.run)
    assert await named(room.exports, done.run) == {}
    known = await room.take(path, mapped=["Ana=+525512345678"])
    assert await named(room.exports, known.run) == {}, "with a number nobody is asked for"


async def test_an_import_opens_no_window_counts_as_no_news_and_is_never_routed(tmp_path: Path) -> None:
    room = Newsroom()
    await room.take(android(tmp_path, chat()))
    (conversation,) = await room.world.items("conversations")
    assert conversation["unread"] == 0
    assert "window_ends_at" not in conversation
    items = await room.messages()
    assert not any("opens_window" in item or routable(item) for item in items)
    told = [attributes(event) for event in room.bus.events if event.type == "desk.message.recorded.v1"]
    assert len(told) == 6
    assert {(each["source"], each["has_media"]) for each in told} == {("import", "false")}
    assert not await room.world.items("deliveries")
    assert not [item for item in await room.world.items("due") if item["kind"] != "event"]


async def test_the_same_import_again_changes_nothing(tmp_path: Path) -> None:
    room = Newsroom()
    path = android(tmp_path, chat())
    await room.take(path)
    before = [await room.world.items(table) for table in ("messages", "ids", "conversations", "contacts")]
    told = len(room.bus.events)
    await room.take(path)
    after = [await room.world.items(table) for table in ("messages", "ids", "conversations", "contacts")]
    assert after == before
    assert len(room.bus.events) == told


KINDS: tuple[Kind, ...] = ("text", "text", "attached", "poll")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["Ana", ME]),
            st.sampled_from(["ok", "ok", "hola", "va"]),
            st.sampled_from(KINDS),
        ),
        min_size=2,
        max_size=24,
    ),
    st.data(),
)
def test_an_overlapping_export_adds_only_new_lines(
    rows: list[tuple[int, str, str, Kind]], data: st.DataObject
) -> None:
    """Another day, another phone (iOS, other seconds), with or without files: the union, once."""
    at = datetime(2024, 3, 13, 23, 50, 7)
    said: list[Wrote] = []
    for gap, who, words, kind in rows:
        at += timedelta(minutes=gap)
        said.append(
            Wrote(at, who, kind, words if kind != "attached" else "", f"IMG-20240313-WA{len(said):04d}.jpg")
        )
    cut = data.draw(st.integers(1, len(said)))
    bare = [
        Wrote(each.at, each.who, "omitted" if each.kind == "attached" else each.kind, each.text)
        for each in said
    ]
    first, second = data.draw(st.permutations([said[:cut], bare, said])), None
    phones = [data.draw(st.sampled_from(["android", "ios"])) for _ in first]

    async def scenario(tmp: Path) -> None:
        room = Newsroom()
        for n, (part, phone) in enumerate(zip(first, phones, strict=True)):
            lines = getattr(exports, phone)(part, "es_MX", WORDS["es"])
            path = write(
                tmp / f"WhatsApp Chat - Ana ({n}).zip", lines, {each.file: JPEG for each in part if each.file}
            )
            await room.take(path, order="day-first")
        assert len(await room.messages()) == len(said), second
        assert [item["kind"] for item in await room.world.items("messages") if "kind" in item] == []

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder)))


async def test_files_go_to_the_scan_like_everything(tmp_path: Path) -> None:
    room = Newsroom()
    said = [Wrote(NOON, "Ana", "attached", "mira", "IMG-20240313-WA0001.jpg"), Wrote(NOON, "Ana", "omitted")]
    await room.take(
        android(tmp_path, said, "Chat de WhatsApp con Ana.zip", {"IMG-20240313-WA0001.jpg": JPEG})
    )
    first, second = await room.messages()
    assert first["media"] == [{"n": 0, "mime": "image/jpeg", "state": "pending"}]
    assert second["media"] == [
        {"n": 0, "mime": "application/octet-stream", "state": "failed", "reason": "omitted"}
    ]
    key = f"incoming/{first['message_id']}/0/file"
    assert await room.media.get(key) == JPEG
    told = [attributes(event) for event in room.bus.events if event.type == "desk.message.recorded.v1"]
    assert told[0]["has_media"] == "true"


async def test_a_fuller_export_brings_the_files_later(tmp_path: Path) -> None:
    room = Newsroom()
    bare = [Wrote(NOON, "Ana", "omitted", "mira"), Wrote(NOON, "Ana", "text", "hola")]
    await room.take(android(tmp_path, bare))
    full = [Wrote(NOON, "Ana", "attached", "mira", "IMG-20240313-WA0001.jpg"), bare[1]]
    files = {"IMG-20240313-WA0001.jpg": JPEG}
    done = await room.take(android(tmp_path, full, "Chat de WhatsApp con Ana.zip", files))
    assert done.counts == {"file": 1, "again": 1}
    photo, hello = await room.messages()
    assert photo["media"] == [{"n": 0, "mime": "image/jpeg", "state": "pending"}]
    assert (photo["type"], photo["rev"] - hello["rev"]) == ("image", 1)
    assert await room.media.get(f"incoming/{photo['message_id']}/0/file") == JPEG
    assert (await room.texts())[0] == "mira"
    last = [event for event in room.bus.events if event.type == "desk.message.recorded.v1"][-1]
    assert attributes(last)["has_media"] == "true"


async def test_people_are_found_by_number_map_and_address_book(tmp_path: Path) -> None:
    room = Newsroom()
    people = room.world.record.people
    ana = Person(
        (Alias("waid", "5215512345678"), Alias("phone", "525512345678")),
        {"wa_id": "5215512345678", "saved_name": "Ana"},
    )
    origin = Origin("raw", 0, 10**18)
    known = await people.resolve(ana, origin)
    await room.take(android(tmp_path, chat()))
    assert room.unmatched == []
    assert {item["contact_id"] for item in await room.messages()} == {known.contact_id}
    luis = [Wrote(NOON, "Luis", "text", "yo soy Luis")]
    await room.take(
        android(tmp_path, luis, "Chat de WhatsApp con Luis.txt"), mapped=["Luis=+52 55 8765 4321"]
    )
    found = await people.find(Person((Alias("phone", "525587654321"),)))
    assert found in {item["contact_id"] for item in await room.messages()}
    number = [Wrote(NOON, "+52 1 55 8765 4321", "text", "otro teléfono")]
    await room.take(android(tmp_path, number, "Chat de WhatsApp con +52 1 55 8765 4321.txt"))
    assert len({item["contact_id"] for item in await room.messages()}) == 2


async def test_a_name_is_resolved_later_and_nothing_is_written_twice(tmp_path: Path) -> None:
    """Imported under a printed name, then live, then imported again with the number: one thread, each line once."""
    room = Newsroom()
    path = android(tmp_path, chat())
    await room.take(path)
    await room.world.record.keeper.keep(text("wamid.1", "ya en vivo"))
    assert len(await room.world.items("conversations")) == 2
    done = await room.take(path, mapped=["Ana=+52 1 55 1234 5678"])
    assert done.counts == {"again": 6}
    assert len(await room.messages()) == 7
    for item in await room.world.items("conversations"):
        thread = await room.world.record.reader.thread(item["pk"])
        assert thread is not None
        assert len(thread.members) == 2


async def test_a_group_keeps_who_wrote(tmp_path: Path) -> None:
    room = Newsroom()
    said = [Wrote(NOON, who, "text", f"soy {who}") for who in ("Ana", "Luis", "~ Beto", ME)]
    said.append(Wrote(NOON, "Grupo Vecinos", "system"))
    done = await room.take(android(tmp_path, said, "Chat de WhatsApp con Grupo Vecinos.txt"))
    assert [sum(each.values()) for each in done.named.values()] == [1, 1, 1]
    items = await room.messages()
    assert len({item["pk"] for item in items}) == 1
    assert len({item["contact_id"] for item in items if item["type"] == "text"}) == 4
    (conversation,) = await room.world.items("conversations")
    assert conversation["contact_id"] == ""
    assert "Vecinos" not in repr(conversation)
    assert room.unmatched == ["Ana", "Luis", "Beto"]


async def test_an_undone_run_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    room = Newsroom()
    said = [*chat(), Wrote(NOON + timedelta(hours=9), "Ana", "attached", "", "IMG-20240313-WA0001.jpg")]
    path = android(tmp_path, said, "Chat de WhatsApp con Ana.zip", {"IMG-20240313-WA0001.jpg": JPEG})
    done = await room.take(path)
    undone = await room.undo(done.run)
    assert undone.counts == {"removed": 7}
    assert await room.left() == {}
    assert [info.key async for info in room.media.list("")] == []
    erased = [event for event in room.bus.events if event.type == "desk.message.changed.v1"]
    assert len(erased) == 7
    with pytest.raises(NoRunError):
        await room.undo(done.run)
    assert (await room.take(path)).counts == {"new": 7}
    assert len(await room.messages()) == 7


async def test_an_undo_touches_only_its_own_run(tmp_path: Path) -> None:
    room = Newsroom()
    await room.take(android(tmp_path, chat(4)))
    await room.world.record.keeper.keep(text("wamid.1", "en vivo", at_ms=1_800_000_000_000))
    before = await room.world.items("messages")
    done = await room.take(android(tmp_path, chat(6), "Chat de WhatsApp con Ana (1).txt"))
    assert done.counts == {"again": 4, "new": 2}
    await room.undo(done.run)
    assert await room.world.items("messages") == before
    newest = await room.messages()
    for conversation in await room.world.items("conversations"):
        mine = [item for item in newest if item["pk"] == conversation["pk"]]
        assert conversation["last_order_key"] == mine[-1]["sk"]
        shown = await room.world.record.reader.preview(conversation)
        assert shown is not None
        assert shown["text"] == (await room.world.record.reader.open(mine[-1])).preview


def mortal(room: Newsroom, fuse: Fuse) -> Ports:
    """Ports that die at the fuse's call."""
    parts = {"store": room.world.store, "bus": room.bus, "media": room.media, "exports": room.exports}
    return room.ports(**{name: Mortal(part, fuse) for name, part in parts.items()})


@pytest.mark.parametrize("after", [False, True])
async def test_a_run_that_dies_anywhere_goes_on(tmp_path: Path, after: bool) -> None:
    """The process dies before or after each side effect in turn; the same command then ends the run."""
    path = android(tmp_path, chat(3))
    died, at = True, 0
    while died:
        at += 1
        room = Newsroom()
        try:
            await room.take(path, ports=mortal(room, Fuse(at, after)))
            died = False
        except CrashError:
            await room.take(path)
        assert await room.texts() == ["mensaje 0", "mensaje 1", "mensaje 2"]
        recorded = {
            event.data.message_id for event in room.bus.events if event.type == "desk.message.recorded.v1"
        }
        assert len(recorded) == 3
    assert at > 10


@pytest.mark.parametrize("after", [False, True])
async def test_an_undo_that_dies_anywhere_goes_on(tmp_path: Path, after: bool) -> None:
    path = android(tmp_path, chat(3))
    died, at = True, 0
    while died:
        at += 1
        room = Newsroom()
        run = (await room.take(path)).run
        try:
            await room.undo(run, mortal(room, Fuse(at, after)))
            died = False
        except CrashError:
            with contextlib.suppress(NoRunError):
                await room.undo(run)
        assert await room.left() == {}, at
        told = {event.id for event in room.bus.events if event.type == "desk.message.changed.v1"}
        owed = [item["id"] for item in await room.world.items("due")]
        assert len(told | {each for each in owed if each.startswith("h_")}) == 3
    assert at > 10


async def test_a_run_that_died_anywhere_can_be_taken_back(tmp_path: Path) -> None:
    said = [*chat(2), Wrote(NOON + timedelta(hours=9), "Ana", "attached", "", "IMG-20240313-WA0001.jpg")]
    path = android(tmp_path, said, "Chat de WhatsApp con Ana.zip", {"IMG-20240313-WA0001.jpg": JPEG})
    died, at = True, 0
    while died:
        at += 1
        room = Newsroom()
        try:
            await room.take(path, ports=mortal(room, Fuse(at, after=True)))
            died = False
        except CrashError:
            pass
        runs = {info.key.split("/")[1] async for info in room.exports.list("imports/")}
        for run in runs:
            await room.undo(run)
        assert await room.left() == {}, at
        assert [info.key async for info in room.media.list("")] == []


async def test_a_backup_and_an_export_of_one_chat_are_one(tmp_path: Path) -> None:
    """whatsapp-chat-exporter knows the number, the text only the name: the same lines, and one person."""
    room = Newsroom()
    await room.take(android(tmp_path, chat()))
    rows = {}
    for n, one in enumerate(chat(8)):
        at = int(one.at.replace(tzinfo=CDMX).timestamp()) + 17
        rows[str(n)] = {
            "from_me": one.who == ME,
            "timestamp": at,
            "media": False,
            "meta": False,
            "data": one.text,
        }
    group = {
        "0": {
            "from_me": True,
            "timestamp": 1710360300,
            "media": False,
            "meta": False,
            "data": "hola, vecinos",
        }
    }
    path = tmp_path / "result.json"
    chats = {
        "5215512345678@s.whatsapp.net": {"name": "Ana", "messages": rows},
        "120363@g.us": {"name": "Vecinos", "messages": group},
    }
    path.write_text(json.dumps(chats))
    done = await room.take(path, me="")
    assert done.counts == {"again": 6, "new": 3}
    threads = await room.world.items("conversations")
    assert len(threads) == 2
    assert await room.world.record.people.find(Person((Alias("phone", "525512345678"),))) in {
        item["contact_id"] for item in threads
    }
    said = {
        text: item["direction"] for item, text in zip(await room.messages(), await room.texts(), strict=True)
    }
    assert said["hola, vecinos"] == said["mensaje 2"] == "out"
    assert said["mensaje 7"] == "in"
