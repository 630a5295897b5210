"""Over budget a file waits unopened, words wait unread; the message stands, a person is told, the rest goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.media.adapters.memory import MemoryDecoder
from services.media.beside import Beside
from services.media.handlers import SETTLE
from services.media.ports import Decoded
from services.media.readings import Readings
from services.media.renderer import READ
from services.media.rereading import Rereading
from services.media.shelf import Shelf
from shared.bus.attributes import body
from shared.errors import RetryAfter
from shared.events.model import AlertRaisedEvent, MediaSettledEvent, MessageChanged
from shared.ids import received_id
from shared.objects.cdn import served_key
from shared.policy.budget import DAY_MS
from shared.queue.port import Message
from shared.store.port import Delete, Put, Update
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import ana, change, desk, envelope, photo
from tests.unit.media.test_media_handlers import JPEG, SHA, Room, budgets
from tests.unit.media.test_renderer import renderer
from tests.unit.record.world import NOON_MS, PNID


async def set_budget(room: Room, kind: str, amount: int) -> None:
    await room.world.store.write(Put("config", {"pk": "budget", "sk": kind, "amount": amount}))


async def used_up(room: Room, kind: str) -> None:
    """Somebody's budget with nothing left of it."""
    (contact,) = [each["pk"] for each in await room.world.items("contacts") if each["sk"] == "-"]
    await set_budget(room, kind, 1)
    state = {"since_ms": room.world.clock.now_ms(), "used": 1, "told": False, "rev": 1}
    await room.world.store.write(Put("policy", {"pk": f"BUDGET#{kind}#{contact}", "sk": "-", **state}))


def alerts(room: Room) -> list[str]:
    return [each.data.name for each in room.bus.events if isinstance(each, AlertRaisedEvent)]


async def run_due(room: Room, kind: str, handler: Any) -> None:
    for item in [each for each in await room.world.items("due") if each["kind"] == kind]:
        if item["due_ms"] <= room.world.clock.now_ms():
            await handler(item)
            await room.world.store.write(Delete("due", item["pk"], item["sk"]))


async def test_a_file_over_budget_waits_where_the_source_put_it() -> None:
    room = await Room().begin()
    await used_up(room, "media_bytes")
    await room.receive()
    assert (await room.settled())["state"] == "pending"
    assert [key.split("/")[0] for key in await room.keys()] == ["incoming"]
    assert alerts(room) == ["budget_media_bytes"]
    await room.receive()
    assert alerts(room) == ["budget_media_bytes"]
    room.world.clock.ms += DAY_MS
    await run_due(room, SETTLE, room.media().on_due)
    assert (await room.settled())["state"] == "ready"
    assert await room.keys() == [served_key(SHA)]
    assert [each.data.state for each in room.bus.events if isinstance(each, MediaSettledEvent)] == ["ready"]


async def test_what_is_imported_costs_its_sender_nothing() -> None:
    room = await Room().begin()
    await used_up(room, "media_bytes")
    (message,) = [each for each in await room.world.items("messages") if "#" not in each["sk"]]
    await room.world.store.write(Update("messages", message["pk"], message["sk"], set={"source": "import"}))
    await room.receive()
    assert (await room.settled())["state"] == "ready"


async def test_a_retry_for_our_own_trouble_costs_its_sender_nothing_more() -> None:
    class Down:
        calls = 0

        async def scan(self, chunks: Any) -> str | None:
            self.calls += 1
            if self.calls < 5:
                raise RetryAfter(1.0, "scanner_down")
            async for _ in chunks:
                pass
            return None

        async def probe(self) -> None:
            """It answers."""

    room = await Room().begin()
    room.scanner = Down()
    for _ in range(4):
        try:
            await room.receive()
        except RetryAfter:
            continue
        raise AssertionError("the scanner was down")
    await room.receive()
    (spent,) = [
        each for each in await room.world.items("policy") if each["pk"].startswith("BUDGET#media_bytes")
    ]
    assert spent["used"] == len(JPEG)


def rereading(room: Room, decoder: MemoryDecoder | None = None) -> Rereading:
    w = room.world
    shelf, readings = Shelf(w.store, w.clock, w.ids), Readings(w.store, w.record.sealing, w.clock)
    beside = Beside(w.store, readings, room.bus, w.clock, w.ids)
    return Rereading(shelf, renderer(room, decoder or MemoryDecoder()), budgets(w, None, room.bus), beside)


async def read(room: Room) -> str:
    view = await room.world.record.reader.get_message(received_id(PNID, "wamid.2"))
    assert view is not None
    said = [await room.world.record.reader.open_child(each) for each in view.readings]
    return str(said[0].get("text", "")) if said else ""


async def test_words_over_budget_are_read_later_and_the_renditions_come_at_once() -> None:
    room = await Room().begin()
    await room.receive()
    await used_up(room, "ocr_pages")
    await run_due(room, "render", renderer(room, MemoryDecoder()).on_due)
    assert (await room.settled())["renditions"]
    assert await read(room) == ""
    assert alerts(room) == ["budget_ocr_pages"]
    await run_due(room, READ, rereading(room).on_due)  # it is not due yet
    room.world.clock.ms += DAY_MS
    await run_due(room, READ, rereading(room).on_due)
    assert (await read(room)).startswith("texto")
    told = [each.data.changed for each in room.bus.events if isinstance(each, MessageChanged)]
    assert told == [("media",), ("ocr",)]


class Wordless(MemoryDecoder):
    """Decodes pictures without a word on them."""

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        return replace(await super().decode(chunks, kind, read=read), text="")


async def test_a_message_whose_picture_has_no_words_is_told_as_well_for_its_revision_moved() -> None:
    """Found by the simulator (seed 32 of f36a8c8): search stayed at the revision before."""
    room = await Room().begin()
    await room.receive()
    await used_up(room, "ocr_pages")
    await run_due(room, "render", renderer(room, MemoryDecoder()).on_due)
    room.world.clock.ms += DAY_MS
    await run_due(room, READ, rereading(room, Wordless()).on_due)
    view = await room.world.record.reader.get_message(received_id(PNID, "wamid.2"))
    assert view is not None
    told = [each.data.rev for each in room.bus.events if isinstance(each, MessageChanged)]
    assert told[-1] == view.item["rev"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, DAY_MS // 2), min_size=1, max_size=6), st.integers(1, 400), st.data())
def test_whatever_is_sent_nothing_is_lost_and_no_window_costs_more(
    pauses: list[int], limit: int, data: st.DataObject
) -> None:
    """Files come, the worker dies at any call, budgets run out: in the end each is served, each paid for once."""

    async def run() -> None:
        room = await Room().begin()
        await set_budget(room, "media_bytes", limit)
        inbox, causes = desk(room.world), [room.cause]
        for n, pause in enumerate(pauses):
            room.world.clock.ms += pause
            picture = photo(f"wamid.x{n}")
            del picture["image"]["sha256"]
            inbox.bus.events.clear()
            await inbox.receive(envelope(change(contacts=ana(), messages=[picture])))
            causes.append(body(next(e for e in inbox.bus.events if e.type == "desk.message.recorded.v1")))
            fuse = Fuse(data.draw(st.integers(1, 10)), after=data.draw(st.booleans()))
            store, bucket = Mortal(room.world.store, fuse), Mortal(room.bucket, fuse)
            try:
                await room.media(store, bucket).handle(Message("m", causes[-1], "r", 1, NOON_MS))
            except CrashError:
                continue
        for cause in causes:
            await room.media().handle(Message("m", cause, "r", 2, NOON_MS))
        for _ in range(len(causes) + 1):
            spent = [
                each["used"] for each in await room.world.items("policy") if each["pk"].startswith("BUDGET#")
            ]
            assert max(spent, default=0) <= max(limit, len(JPEG))
            room.world.clock.ms += DAY_MS
            await run_due(room, SETTLE, room.media().on_due)
        ids = [received_id(PNID, "wamid.2"), *(received_id(PNID, f"wamid.x{n}") for n in range(len(pauses)))]
        views = [await room.world.record.reader.get_message(each) for each in ids]
        assert [view.item["media"][0]["state"] for view in views if view] == ["ready"] * len(ids)
        paid = [each["pk"] for each in await room.world.items("ids") if each["pk"].startswith("paid#")]
        assert sorted(paid) == sorted(f"paid#media_bytes#{each}#0" for each in ids)
        assert len(set(alerts(room))) <= 1

    asyncio.run(run())
