"""Renditions are owed with the verdict, made once a file, told once a message, and survive a crash at any side effect."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.media.adapters.memory import MemoryDecoder
from services.media.ledger import RENDER, medium
from services.media.ports import Decoded, Decoder, DecoderUnavailableError
from services.media.readings import Readings
from services.media.renderer import Renderer, unheard
from services.media.shelf import LEASE_MS, MOST_RENDERS, Shelf
from services.media.similar import Similar
from shared.errors import RetryAfter
from shared.events.model import MessageChanged
from shared.media.reading import reading_sk
from shared.objects.cdn import served_key
from shared.record.files import Files
from shared.store.port import Delete, Item, Update
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.media.test_media_handlers import ID, SHA, Room, budgets

NAMES = ["clean.jpg", "photo.jpg", "thumb.webp"]


class Counting:
    """A decoder that counts, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self._inner = MemoryDecoder()
        self._failures = failures
        self.calls = 0
        self.released = 0

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        self.calls += 1
        if self.calls <= self._failures:
            raise DecoderUnavailableError("none")
        return await self._inner.decode(chunks, kind, read=read)

    async def release(self, decoded: Decoded) -> None:
        self.released += 1
        await self._inner.release(decoded)


def renderer(
    room: Room, decoder: Decoder, store: Any = None, bucket: Any = None, bus: Any = None
) -> Renderer:
    w = room.world
    store = store or w.store
    return Renderer(
        store,
        Shelf(store, w.clock, w.ids),
        Similar(store, w.clock, w.ids),
        Readings(store, w.record.sealing, w.clock),
        decoder,
        bucket or room.bucket,
        bus or room.bus,
        w.clock,
        w.ids,
        budgets(w, store, bus or room.bus),
        unheard,
    )


async def owed(room: Room) -> Item:
    (item,) = [each for each in await room.world.items("due") if each["kind"] == RENDER]
    return item


async def served() -> tuple[Room, Item]:
    room = await Room().begin()
    await room.receive()
    room.bus.events.clear()
    return room, await owed(room)


async def renditions(room: Room) -> list[str]:
    return [key.rpartition("/")[2] for key in await room.keys() if "/r/" in key]


async def test_a_served_picture_gets_its_renditions_hashes_and_text() -> None:
    room, item = await served()
    decoder = Counting()
    await renderer(room, decoder).on_due(item)
    assert await renditions(room) == NAMES
    shown = await room.settled()
    assert (shown["renditions"], shown["rev"]) == (NAMES, 3)
    known = await room.world.store.get("media", SHA)
    assert known is not None
    assert known["renditions"]["thumb.webp"] == "image/webp"
    assert len(known["hashes"]["index"]) == 3
    assert "rendering_by" not in known
    (event,) = room.bus.events
    assert isinstance(event, MessageChanged)
    assert event.data.changed == ("media", "ocr")
    assert (decoder.calls, decoder.released) == (1, 1)


async def test_what_was_read_is_sealed_beside_the_message_and_nowhere_else() -> None:
    room, item = await served()
    await renderer(room, MemoryDecoder()).on_due(item)
    view = await room.world.record.reader.get_message(ID)
    assert view is not None
    (reading,) = view.readings
    assert reading["sk"] == reading_sk(view.item["sk"], 0)
    assert not {"text", "card"} & set(reading)
    said = await room.world.record.reader.open_child(reading)
    assert said["text"].startswith("texto ")
    assert said["card"]["camera"]
    others = [each for table in ("media", "due", "messages") for each in await room.world.items(table)]
    assert said["text"] not in repr(others)


async def test_again_only_tells_again() -> None:
    room, item = await served()
    decoder = Counting()
    for _ in range(2):
        await renderer(room, decoder).on_due(item)
    first, again = room.bus.events
    assert (first.id, decoder.calls) == (again.id, 1)


async def test_a_second_message_with_the_same_file_is_told_without_decoding_it_again() -> None:
    room, item = await served()
    decoder = Counting()
    await renderer(room, decoder).on_due(item)
    room.bus.events.clear()
    message = await room.world.store.get("messages", item["conversation_id"], item["order_key"])
    assert message is not None
    second = {**message, "sk": message["sk"][:-6] + "second", "message_id": "i_second"}
    second["media"] = [{name: value for name, value in second["media"][0].items() if name != "renditions"}]
    await room.world.store.write(
        Update(
            "messages",
            second["pk"],
            second["sk"],
            set={k: v for k, v in second.items() if k not in {"pk", "sk"}},
        )
    )
    await renderer(room, decoder).on_due({**item, "order_key": second["sk"]})
    found = await room.world.store.get("messages", second["pk"], second["sk"])
    assert found is not None
    assert medium(found, 0)["renditions"] == NAMES
    assert await room.world.store.get("messages", second["pk"], reading_sk(second["sk"], 0)) is not None
    assert decoder.calls == 1
    assert [event.type for event in room.bus.events] == ["desk.message.changed.v1"]


async def test_while_nothing_can_be_decoded_it_waits() -> None:
    room, item = await served()
    decoder = Counting(failures=1)
    mine = renderer(room, decoder)
    with pytest.raises(RetryAfter):
        await mine.on_due(item)
    assert "renditions" not in await room.settled()
    await mine.on_due(item)
    assert await renditions(room) == NAMES


async def test_another_task_waits_for_its_turn_until_the_lease_ends() -> None:
    room, item = await served()
    shelf = Shelf(room.world.store, room.world.clock, room.world.ids)
    assert await shelf.take(SHA) == 1
    with pytest.raises(RetryAfter):
        await renderer(room, MemoryDecoder()).on_due(item)
    room.world.clock.ms += LEASE_MS + 1
    await renderer(room, MemoryDecoder()).on_due(item)
    assert await renditions(room) == NAMES


async def test_a_file_that_brought_the_task_down_too_often_is_decoded_no_more() -> None:
    room, item = await served()
    shelf = Shelf(room.world.store, room.world.clock, room.world.ids)
    for _ in range(MOST_RENDERS):
        await shelf.take(SHA)
    room.world.clock.ms += LEASE_MS + 1
    decoder = Counting()
    await renderer(room, decoder).on_due(item)
    assert (await room.settled())["reason"] == "too_complex"
    assert decoder.calls == 0


@pytest.mark.parametrize("gone", ["message", "file", "erased", "files_go"])
async def test_of_what_is_gone_nothing_is_made_and_nothing_left(gone: str) -> None:
    room, item = await served()
    store = room.world.store
    await room.bucket.put(served_key(SHA, "thumb.webp"), b"late")
    place = ("messages", item["conversation_id"], item["order_key"])
    if gone == "message":
        await store.write(Delete(*place))
    elif gone in {"erased", "files_go"}:
        await store.write(Update(*place, set={gone: True}))
    await Files(store, room.bucket, room.world.clock, room.world.ids).release(SHA, ID, 0)
    await room.bucket.put(served_key(SHA, "thumb.webp"), b"late")
    await renderer(room, MemoryDecoder()).on_due(item)
    assert await room.keys() == []
    assert room.bus.events == []


async def test_a_file_that_is_being_deleted_keeps_its_bytes_for_the_next_message() -> None:
    room = await Room().begin()
    await room.world.store.write(Update("media", SHA, "-", set={"going": 1}))
    with pytest.raises(RetryAfter):
        await room.receive()
    assert (await room.settled())["state"] == "pending"
    assert [key for key in await room.keys() if key.startswith("incoming/")]
    await room.world.store.write(Delete("media", SHA, "-"))
    await room.bucket.delete(served_key(SHA))
    await room.receive()
    assert (await room.settled())["state"] == "ready"
    assert served_key(SHA) in await room.keys()


async def test_a_file_that_is_not_back_yet_is_waited_for() -> None:
    room, item = await served()
    data = await room.bucket.get(served_key(SHA))
    await room.bucket.delete(served_key(SHA))
    with pytest.raises(RetryAfter):
        await renderer(room, MemoryDecoder()).on_due(item)
    assert "renditions" not in await room.settled()
    await room.bucket.put(served_key(SHA), data)
    await renderer(room, MemoryDecoder()).on_due(item)
    assert (await room.settled())["renditions"]


async def test_a_file_deleted_between_its_copy_and_its_reference_is_put_there_again() -> None:
    room = await Room().begin()
    bucket = room.bucket

    class Late:
        """A ledger's store in which the keeper was quicker."""

        def __getattr__(self, name: str) -> Any:
            return getattr(room.world.store, name)

        async def transact(self, ops: Any, token: str) -> None:
            await bucket.delete(served_key(SHA))
            await room.world.store.transact(ops, token)

    await room.receive(room.media(store=Late()))
    assert (await room.settled())["state"] == "ready"
    assert await bucket.head(served_key(SHA)) is not None


@pytest.mark.parametrize("after", [False, True])
async def test_dying_at_any_side_effect_ends_rendered_and_told(*, after: bool) -> None:
    for at in range(1, 30):
        room, item = await served()
        fuse = Fuse(at, after)
        w = room.world
        ports = (Mortal(w.store, fuse), Mortal(room.bucket, fuse), Mortal(room.bus, fuse))
        try:
            await renderer(room, MemoryDecoder(), *ports).on_due(item)
        except CrashError:
            w.clock.ms += LEASE_MS + 1
            await renderer(room, MemoryDecoder()).on_due(item)
        assert await renditions(room) == NAMES
        assert (await room.settled())["renditions"] == NAMES
        assert room.bus.events[-1].type == "desk.message.changed.v1"
        if fuse.count < at:
            break
    assert fuse.count < at
