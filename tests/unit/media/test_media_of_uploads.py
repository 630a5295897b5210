"""Uploads: settled once whatever order things come in and wherever the worker dies, and every message with them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.media.adapters.memory import EICAR, MemoryDecoder, MemoryScanner
from services.media.adapters.sniff import Libmagic
from services.media.inbox import Inbox
from services.media.ledger import Ledger
from services.media.look import Looker
from services.media.ports import Decoded, DecoderUnavailableError
from services.media.uploads import CONVERT, Ports, Uploads
from shared.bus.attributes import body
from shared.errors import RetryAfter
from shared.events.model import MediaSettledEvent
from shared.media.uploads import ENDED, KEPT_MS, PENDING, TABLE, Kind, upload_key
from shared.objects.cdn import served_key
from shared.objects.memory import MemoryObjects
from shared.observability.metrics import Metrics
from shared.queue.port import Message
from shared.record import events
from shared.record.files import Files
from shared.record.outbound import Draft, Outbound
from shared.store.port import Delete, Put, Update
from shared.topology import MEDIA_BUCKET
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import Told, ana, change, desk, envelope, said
from tests.unit.media.test_media_handlers import JPEG, SHA
from tests.unit.record.world import NOON_MS, World, world

UPLOAD = "u_one"
FORM = {"type": "image", "image": {"id": "0"}}


class Bench:
    """The worker's side of uploads over the in-memory ports, with one conversation that is open."""

    def __init__(self) -> None:
        self.world: World = world()
        self.bucket = MemoryObjects(MEDIA_BUCKET)
        self.bus = Told()
        self.conversation = ""

    async def begin(self) -> "Bench":
        inbox = desk(self.world)
        await inbox.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
        (conversation,) = await self.world.items("conversations")
        self.conversation = conversation["pk"]
        return self

    async def put(
        self, data: bytes = JPEG, kind: Kind = "image", mime: str = "image/jpeg", upload: str = UPLOAD
    ) -> str:
        """An upload as the desk has completed it; answers the event's body."""
        now = self.world.clock.now_ms()
        item = {
            "pk": upload,
            "sk": "-",
            "agent": "ana",
            "kind": kind,
            "mime": mime,
            "size": len(data),
            "state": PENDING,
            "made_at": now,
            "expires_at": now + KEPT_MS,
            "rev": 2,
        }
        await self.world.store.write(Put(TABLE, item))
        await self.bucket.put(upload_key(upload), data, content_type=mime)
        return body(events.upload_completed(item, events.Envelope(now)))

    async def record(self, name: str = "o_one", upload: str = UPLOAD, mime: str = "image/jpeg") -> str:
        """A reply with the upload, as the desk records it; answers the event's body."""
        w = self.world
        outbound = Outbound(w.store, w.record.reader, w.record.sealing, w.clock, w.ids, "desk", 400)
        medium: Any = {"n": 0, "mime": mime, "state": "pending", "upload_id": upload}
        kept = await outbound.record(Draft(name, self.conversation, "ana", "image", {**FORM}, media=[medium]))
        assert kept.message is not None
        return body(events.recorded(kept.message, events.Envelope(NOON_MS)))

    def uploads(self, fuse: Fuse | None = None, decoder: Any = None) -> Uploads:
        w = self.world
        parts: list[Any] = [w.store, self.bucket, self.bus]
        store, bucket, bus = parts if fuse is None else (Mortal(each, fuse) for each in parts)
        ports = Ports(
            store, bucket, decoder or MemoryDecoder(), bus, w.clock, w.ids, Metrics(CollectorRegistry())
        )
        return Uploads(ports, Ledger(store, w.clock, w.ids), Looker(bucket, Libmagic(), MemoryScanner()))

    async def receive(self, cause: str, uploads: Uploads | None = None) -> None:
        inbox = Inbox(self.world.record.reader, _Nobody(), uploads or self.uploads(), None)  # type: ignore[arg-type] # hears and does nothing
        await inbox.handle(Message("m", cause, "r", 1, NOON_MS))

    async def due(self, uploads: Uploads | None = None) -> None:
        for item in [each for each in await self.world.items("due") if each["kind"] == CONVERT]:
            await (uploads or self.uploads()).on_convert(item)
            await self.world.store.write(Delete("due", item["pk"], item["sk"]))

    async def upload(self, upload: str = UPLOAD) -> dict[str, Any]:
        item = await self.world.store.get(TABLE, upload)
        assert item is not None
        return item

    async def medium(self, name: str = "o_one") -> dict[str, Any]:
        view = await self.world.record.reader.get_message(name)
        assert view is not None
        return dict(view.item["media"][0])

    async def keys(self) -> list[str]:
        return [info.key async for info in self.bucket.list("")]

    def settled(self) -> list[tuple[str, str]]:
        found = [each for each in self.bus.events if isinstance(each, MediaSettledEvent)]
        return [(each.data.owner, each.data.state) for each in found]


class _Nobody:
    async def handle(self, message: Message) -> None:
        """Media of customers are not looked at here."""


class Refusing:
    """A converter of which every file wants something else."""

    def __init__(self, reason: str, error: Exception | None = None) -> None:
        self._reason = reason
        self._error = error

    async def convert(self, chunks: AsyncIterator[bytes], kind: str, wish: Kind) -> Decoded:
        async for _ in chunks:
            pass
        if self._error is not None:
            raise self._error
        return Decoded(reason=self._reason)

    async def release(self, decoded: Decoded) -> None:
        """Nothing is held."""


async def test_a_photo_is_scanned_made_and_settled_and_its_original_stays() -> None:
    room = await Bench().begin()
    await room.receive(await room.put())
    await room.due()
    found = await room.upload()
    assert {name: found[name] for name in ("state", "sends", "sha256", "mime", "rev")} == {
        "state": "ready",
        "sends": "wa_image.jpg",
        "sha256": SHA,
        "mime": "image/jpeg",
        "rev": 3,
    }
    assert sorted(await room.keys()) == [served_key(SHA), served_key(SHA, "wa_image.jpg")]
    assert room.settled() == [(UPLOAD, "ready")]
    assert await room.world.store.get(TABLE, SHA, f"ref#{UPLOAD}#0") is not None


async def test_a_message_is_settled_whichever_comes_first() -> None:
    for order in ("message", "upload", "between"):
        room = await Bench().begin()
        completed, recorded = await room.put(), await room.record()
        if order == "message":
            await room.receive(recorded)
        await room.receive(completed)
        if order == "between":
            await room.receive(recorded)
        await room.due()
        if order == "upload":
            await room.receive(recorded)
        medium = await room.medium()
        assert (medium["state"], medium["sends"], medium["sha256"]) == ("ready", "wa_image.jpg", SHA), order
        assert ("o_one", "ready") in room.settled()
        assert await room.world.store.get(TABLE, SHA, "ref#o_one#0") is not None
        assert not [each for each in await room.world.items(TABLE) if each["sk"].startswith("wait#")]
        assert [each["kind"] for each in await room.world.items("due") if each["kind"] == "render"]


async def test_a_redelivery_only_tells_again() -> None:
    room = await Bench().begin()
    completed, recorded = await room.put(), await room.record()
    await room.receive(completed)
    await room.due()
    for _ in range(2):
        await room.receive(completed)
        await room.receive(recorded)
    assert (await room.upload())["rev"] == 3
    first, *again = [each.id for each in room.bus.events if each.id.startswith(UPLOAD)]
    assert set(again) == {first}
    mine = [each.id for each in room.bus.events if each.id.startswith("o_one")]
    assert len(mine) == 3  # as it was settled, and for each redelivery of its recording
    assert len(set(mine)) == 1


@pytest.mark.parametrize(
    ("data", "kind", "mime", "state", "reason"),
    [
        (b"x" * 10 + EICAR, "document", "text/plain", "quarantined", "infected"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "image", "image/jpeg", "quarantined", "mismatch"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "document", "text/plain", "failed", "mismatch"),
        (b"", "image", "image/jpeg", "failed", "zero_bytes"),
    ],
)
async def test_what_must_not_go_out_is_settled_so_and_nothing_of_it_is_kept(
    data: bytes, kind: Kind, mime: str, state: str, reason: str
) -> None:
    room = await Bench().begin()
    completed, recorded = await room.put(data, kind, mime), await room.record()
    await room.receive(completed)
    await room.receive(recorded)
    found, medium = await room.upload(), await room.medium()
    assert (found["state"], found["reason"]) == (medium["state"], medium["reason"]) == (state, reason)
    assert await room.keys() == []
    assert room.settled() == [(UPLOAD, state), ("o_one", state), ("o_one", state)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [("damaged", "unreadable"), ("too_complex", "too_heavy"), ("too_long", "too_long"), ("", "unreadable")],
)
async def test_what_cannot_be_made_is_settled_in_words(told: str, reason: str) -> None:
    room = await Bench().begin()
    await room.receive(await room.put())
    await room.due(room.uploads(decoder=Refusing(told)))
    found = await room.upload()
    assert (found["state"], found["reason"]) == ("failed", reason)


async def test_an_old_office_file_stays_here() -> None:
    room = await Bench().begin()
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    await room.receive(await room.put(data, "document", "application/msword"))
    await room.due()
    found = await room.upload()
    assert (found["state"], found["reason"]) == ("failed", "no_clean_copy")


async def test_plain_text_goes_as_it_is() -> None:
    room = await Bench().begin()
    await room.receive(await room.put(b"Hola, buenas tardes.\n", "document", "text/plain"))
    await room.due()
    found = await room.upload()
    assert found["state"] == "ready"
    assert "sends" not in found


async def test_while_nothing_can_be_decoded_it_waits() -> None:
    room = await Bench().begin()
    await room.receive(await room.put())
    with pytest.raises(RetryAfter):
        await room.due(room.uploads(decoder=Refusing("", DecoderUnavailableError("no box"))))
    assert (await room.upload())["state"] == PENDING
    await room.due()
    assert (await room.upload())["state"] == "ready"


async def test_nothing_is_made_of_an_upload_that_has_ended() -> None:
    room = await Bench().begin()
    await room.receive(await room.put())
    await room.world.store.write(Update(TABLE, UPLOAD, "-", set={"state": ENDED}))
    await room.bucket.delete(served_key(SHA))
    await room.due()
    assert await room.keys() == [upload_key(UPLOAD)], "which the keeper takes with it"


async def test_a_message_whose_upload_is_gone_says_so() -> None:
    room = await Bench().begin()
    completed, recorded = await room.put(), await room.record()
    await room.receive(recorded)
    await room.world.store.write(Delete(TABLE, UPLOAD, "-"))
    await room.receive(completed)
    assert (await room.medium())["reason"] == "upload_gone"
    assert room.settled() == [("o_one", "failed")]


async def test_a_file_outlives_its_upload_in_its_messages() -> None:
    room = await Bench().begin()
    completed, recorded = await room.put(), await room.record()
    await room.receive(completed)
    await room.due()
    await room.receive(recorded)
    files = Files(room.world.store, room.bucket, room.world.clock, room.world.ids)
    assert not await files.release(SHA, UPLOAD, 0)
    assert served_key(SHA, "wa_image.jpg") in await room.keys()
    assert await files.release(SHA, "o_one", 0)
    assert await room.keys() == []


async def test_one_film_at_a_time_is_encoded() -> None:
    room = await Bench().begin()
    film = b"\0\0\0\x18ftypisom\0\0\0\0isommp41"
    for name in ("u_1", "u_2"):
        await room.receive(await room.put(film + name.encode(), "video", "video/mp4", name))
    uploads = room.uploads()
    items = [each for each in await room.world.items("due") if each["kind"] == CONVERT]
    ended = await asyncio.gather(*(uploads.on_convert(each) for each in items), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["NoneType", "RetryAfter"]
    await room.due(uploads)
    assert [(await room.upload(name))["state"] for name in ("u_1", "u_2")] == ["ready", "ready"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(("completed", "recorded", "other", "due")), min_size=1, max_size=8), st.data()
)
def test_wherever_the_worker_dies_every_message_ends_with_its_file(
    steps: list[str], data: st.DataObject
) -> None:
    async def run() -> None:
        room = await Bench().begin()
        completed = await room.put()
        causes = {
            "completed": completed,
            "recorded": await room.record(),
            "other": await room.record("o_two"),
        }
        for step in steps:
            fuse = Fuse(data.draw(st.integers(1, 12)), after=data.draw(st.booleans()))
            try:
                if step == "due":
                    await room.due(room.uploads(fuse))
                else:
                    await room.receive(causes[step], room.uploads(fuse))
            except CrashError:
                continue
        for cause in causes.values():  # what was not handled to its end comes again
            await room.receive(cause)
        await room.due()
        assert hashlib.sha256(await room.bucket.get(served_key(SHA))).hexdigest() == SHA
        assert upload_key(UPLOAD) not in await room.keys()
        for name in ("o_one", "o_two"):
            medium = await room.medium(name)
            assert (medium["state"], medium["sha256"]) == ("ready", SHA)
            assert await room.world.store.get(TABLE, SHA, f"ref#{name}#0") is not None
            assert (name, "ready") in room.settled()
        assert (await room.upload())["rev"] == 3
        assert (UPLOAD, "ready") in room.settled()

    asyncio.run(run())
