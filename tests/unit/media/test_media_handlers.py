import hashlib
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.media.adapters.memory import MemoryScanner, MemorySource
from services.media.adapters.sniff import Libmagic
from services.media.budgets import Budgets
from services.media.handlers import Media
from services.media.ledger import Ledger
from services.media.look import Looker
from services.media.ports import MediaThrottledError, MediaUnavailableError, Scanner, Source
from shared.bus.attributes import body
from shared.errors import Poison, RetryAfter
from shared.events.model import MediaSettledEvent
from shared.ids import received_id
from shared.objects.cdn import served_key
from shared.objects.memory import MemoryObjects
from shared.observability.metrics import Metrics
from shared.policy.spending import Spending
from shared.queue.port import Message
from shared.record.files import Files
from shared.store.port import Update
from shared.topology import MEDIA_BUCKET
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import Told, ana, change, desk, envelope, photo
from tests.unit.record.world import NOON_MS, PNID, World, world

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 100 + b"\xff\xd9"
SHA = hashlib.sha256(JPEG).hexdigest()
ID = received_id(PNID, "wamid.2")
DAYS_31_MS = 31 * 24 * 3600 * 1000


def budgets(w: World, store: Any = None, bus: Any = None) -> Budgets:
    """The senders' budgets over a world's tables."""
    found = store or w.store
    return Budgets(found, bus, Spending(found, w.clock, w.ids, "media"))


class Failing:
    """A source that always answers with one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        raise self._error


class Room:
    """Media over the in-memory ports, with one message of one picture."""

    def __init__(self, files: dict[str, tuple[str, bytes]] | None = None) -> None:
        self.world: World = world()
        self.bucket = MemoryObjects(MEDIA_BUCKET)
        self.bus = Told()
        self.metrics = Metrics(CollectorRegistry())
        self.source: Source = MemorySource(
            self.bucket, {"1234567890": ("image/jpeg", JPEG)} if files is None else files
        )
        self.scanner: Scanner = MemoryScanner()
        self.cause = ""

    async def begin(self) -> "Room":
        inbox = desk(self.world)
        picture = photo("wamid.2")
        del picture["image"]["sha256"]
        await inbox.receive(envelope(change(contacts=ana(), messages=[picture])))
        event = next(each for each in inbox.bus.events if each.type == "desk.message.recorded.v1")
        self.cause = body(event)
        return self

    def media(self, store: Any = None, bucket: Any = None, bus: Any = None) -> Media:
        w = self.world
        return Media(
            w.record.reader,
            Ledger(store or w.store, w.clock, w.ids),
            self.source,
            Looker(bucket or self.bucket, Libmagic(), self.scanner),
            bucket or self.bucket,
            bus or self.bus,
            w.clock,
            w.ids,
            self.metrics,
            budgets(w, store, bus or self.bus),
        )

    async def receive(self, media: Media | None = None) -> None:
        await (media or self.media()).handle(Message("m", self.cause, "r", 1, NOON_MS))

    async def settled(self) -> dict[str, Any]:
        view = await self.world.record.reader.get_message(ID)
        assert view is not None
        return {**view.item["media"][0], "rev": view.item["rev"]}

    async def message(self) -> dict[str, Any]:
        view = await self.world.record.reader.get_message(ID)
        assert view is not None
        return dict(view.item)

    async def keys(self) -> list[str]:
        return [info.key async for info in self.bucket.list("")]


async def test_a_picture_is_stored_under_its_hash_and_told() -> None:
    room = await Room().begin()
    await room.receive()
    assert await room.settled() == {
        "n": 0,
        "mime": "image/jpeg",
        "state": "ready",
        "sha256": SHA,
        "size": len(JPEG),
        "rev": 2,
    }
    assert await room.keys() == [served_key(SHA)]
    info = await room.bucket.head(served_key(SHA))
    assert info is not None
    assert info.content_type == "image/jpeg"
    (event,) = room.bus.events
    assert isinstance(event, MediaSettledEvent)
    assert (event.data.state, event.data.sha256) == ("ready", SHA)
    item = await room.world.store.get("media", SHA)
    assert item is not None
    assert (item["size"], item["verdict"]) == (len(JPEG), "ready")
    assert await room.world.store.get("media", SHA, f"ref#{ID}#0") is not None


async def test_a_picture_that_was_taken_back_is_not_brought_in() -> None:
    room = await Room().begin()
    message = await room.message()
    await room.world.store.write(Update("messages", message["pk"], message["sk"], set={"files_go": True}))
    await room.receive()
    assert ((await room.settled())["state"], await room.keys(), room.bus.events) == ("pending", [], [])


async def test_one_that_is_taken_back_as_it_is_looked_at_stays_for_the_keeper_to_remove() -> None:
    room = await Room().begin()
    message, transact = await room.message(), room.world.store.transact

    async def and_before(ops: Any, token: str) -> None:
        goes = Update("messages", message["pk"], message["sk"], set={"files_go": True}, add={"rev": 1})
        await room.world.store.write(goes)
        await transact(ops, token)

    room.world.store.transact = and_before  # type: ignore[method-assign] # the moment before the outcome is written
    await room.receive()
    assert ((await room.settled())["state"], room.bus.events) == ("pending", [])
    files = Files(room.world.store, room.bucket, room.world.clock, room.world.ids)
    assert await files.drop(f"incoming/{ID}/") == 1
    assert await room.keys() == []


async def test_a_redelivery_only_tells_again() -> None:
    room = await Room().begin()
    await room.receive()
    await room.receive()
    first, again = room.bus.events
    assert first.id == again.id
    assert (await room.settled())["rev"] == 2


@pytest.mark.parametrize(
    ("data", "state", "reason"),
    [
        (b"", "failed", "zero_bytes"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "quarantined", "mismatch"),
    ],
)
async def test_what_is_no_picture_is_not_served(data: bytes, state: str, reason: str) -> None:
    room = await Room({"1234567890": ("image/jpeg", data)}).begin()
    await room.receive()
    found = await room.settled()
    assert (found["state"], found["reason"]) == (state, reason)
    assert not [key for key in await room.keys() if key.startswith(("served/", "incoming/"))]


async def test_a_file_meta_no_longer_has_is_missing_or_expired() -> None:
    for later, reason in ((0, "missing"), (DAYS_31_MS, "expired")):
        room = await Room({}).begin()
        room.world.clock.ms += later
        await room.receive()
        found = await room.settled()
        assert (found["state"], found["reason"]) == ("failed", reason)
        assert [event.type for event in room.bus.events] == ["desk.media.settled.v1"]


@pytest.mark.parametrize("error", [MediaThrottledError("x"), MediaUnavailableError("x")])
async def test_a_source_that_cannot_answer_is_waited_for(error: Exception) -> None:
    room = await Room().begin()
    room.source = Failing(error)
    with pytest.raises(RetryAfter):
        await room.receive()
    assert (await room.settled())["state"] == "pending"


async def test_a_body_that_is_no_event_is_poison() -> None:
    room = Room()
    room.cause = "{}"
    with pytest.raises(Poison):
        await room.receive()


@pytest.mark.parametrize("after", [False, True])
async def test_dying_at_any_side_effect_ends_ready_and_told(*, after: bool) -> None:
    for at in range(1, 10):
        room = await Room().begin()
        fuse = Fuse(at, after)
        w = room.world
        victim = room.media(Mortal(w.store, fuse), Mortal(room.bucket, fuse), Mortal(room.bus, fuse))
        try:
            await room.receive(victim)
        except CrashError:
            await room.receive()
        assert (await room.settled())["state"] == "ready"
        assert await room.keys() == [served_key(SHA)]
        assert room.bus.events[-1].type == "desk.media.settled.v1"
        if fuse.count < at:
            break
    assert fuse.count < at
