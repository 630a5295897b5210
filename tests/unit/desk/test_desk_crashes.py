"""The desk dies at each side effect of an upload, a reply with it, its end, or a name's placing; asked again all ends alike."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.desk.adapters.memory import PlainTickets
from services.desk.audit import AuditLog
from services.desk.drafts import PictureReply
from services.desk.names import Names
from services.desk.replies import Replies
from services.desk.uploads import KIND, SERVICE, UploadIn, Uploads
from shared.due import OUTBOX_KIND, outbox_handler
from shared.http.principal import Principal
from shared.ids import upload_id
from shared.media.uploads import upload_key
from shared.objects.cdn import served_key
from shared.record.build import build
from shared.record.files import Files, reference_sk
from shared.store.port import Delete, Item, Put, Update
from tests.unit.desk.test_desk_names import RUN, known, run
from tests.unit.desk.test_desk_replies import opened
from tests.unit.desk.world import World
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal

ANA = Principal("ana", frozenset({"editor"}), 2_000_000_000)
ASKED = UploadIn(kind="image", mime="image/jpeg", size=5)
UPLOAD = upload_id("ana", "u-1")
SHA = "ab" * 32


class Desk:
    """One desk task over a world's ports, which die where the fuse says."""

    def __init__(self, w: World, fuse: Fuse) -> None:
        base = w.base
        ports: list[Any] = [Mortal(each, fuse) for each in (base.store, w.bucket, w.bus)]
        store, bucket, bus = ports
        record = build(store, base.raw, base.keys, base.pepper, base.clock, base.ids, service=SERVICE)
        files = Files(store, bucket, base.clock, base.ids)
        self.uploads = Uploads(store, bucket, files, PlainTickets(), bus, base.clock, base.ids)
        self.replies = Replies(store, record.reader, record.outbound, self.uploads, bus, base.clock, base.ids)
        audit = AuditLog(store, base.clock, base.ids)
        self.names = Names(store, record.people, w.exports, audit, bus, base.clock, base.ids)


async def dying(w: World, act: Callable[[Desk], Awaitable[Any]], fuse: Fuse) -> bool:
    """Act, die, and have another task do it again and publish what is owed; whether it died."""
    died = False
    try:
        await act(Desk(w, fuse))
    except CrashError:
        died = True
        await act(Desk(w, Fuse(None)))
    for item in (await w.store.query("due", SERVICE)).items:
        if item["kind"] == OUTBOX_KIND:
            await outbox_handler(w.bus)(item)
            await w.store.write(Delete("due", item["pk"], item["sk"]))
    return died


async def each_crash(story: Callable[[Fuse], Awaitable[tuple[Any, bool]]]) -> None:
    """Every side effect, before it and after it; all ends are the undisturbed one's."""
    sound, _ = await story(Fuse(None))
    deaths = 0
    for after in (False, True):
        for at in range(1, 50):
            end, died = await story(Fuse(at, after=after))
            assert end == sound, (at, after)
            if not died:
                break
            deaths += 1
    assert deaths >= 4


async def test_an_upload_and_the_reply_with_it() -> None:
    async def story(fuse: Fuse) -> tuple[Any, bool]:
        w = World()
        cid, _ = await opened(w)
        reply = PictureReply(type="image", upload_id=UPLOAD, caption="mira")

        async def act(desk: Desk) -> None:
            item = await desk.uploads.open(ASKED, ANA, "u-1")
            await desk.uploads.ticket(item)
            if item["state"] == "open":
                await w.bucket.put(upload_key(UPLOAD), b"12345")
            await desk.uploads.complete(UPLOAD, ANA)
            await desk.replies.reply(cid, reply, ANA, "k-1", None)

        died = await dying(w, act, fuse)
        told = sorted(dict.fromkeys(w.for_media.bodies()))
        return [len(told), await shape(w, "media"), await shape(w, "deliveries"), len(await due(w))], died

    await each_crash(story)


async def test_the_end_of_an_upload() -> None:
    async def story(fuse: Fuse) -> tuple[Any, bool]:
        w = World()
        await Desk(w, Fuse(None)).uploads.open(ASKED, ANA, "u-1")
        await w.bucket.put(upload_key(UPLOAD), b"12345")
        await w.store.write(Update("media", UPLOAD, "-", set={"state": "ready", "sha256": SHA}))
        await w.store.write(Put("media", {"pk": SHA, "sk": "-", "mime": "image/jpeg"}))
        await w.store.write(Put("media", {"pk": SHA, "sk": reference_sk(UPLOAD, 0), "at": 1}))
        await w.bucket.put(served_key(SHA), b"12345")
        (end,) = await due(w)
        died = await dying(w, lambda desk: desk.uploads.on_due(end), fuse)
        assert await w.base.items("media") == []
        return [info.key async for info in w.bucket.list("")], died

    await each_crash(story)


async def test_a_name_that_is_given_to_a_person() -> None:
    async def story(fuse: Fuse) -> tuple[Any, bool]:
        w = World()
        ana = await known(w)
        found = await run(w, Anita=2)
        died = await dying(w, lambda desk: desk.names.place(RUN, found["Anita"], ana, ANA), fuse)
        placed = [each["action"] for each in await w.audited()]
        one = {(await w.record.people.root(each) or {})["pk"] for each in (ana, found["Anita"])}
        return (placed, len(one), await w.parts.names.unplaced(RUN, ANA)), died

    await each_crash(story)


async def shape(w: World, table: str) -> list[Item]:
    """A table without what two runs of one story never have in common."""
    items = sorted(await w.base.items(table), key=lambda each: (each["pk"], each["sk"]))
    return [{name: each.get(name) for name in ("state", "rev", "kind", "part")} for each in items]


async def due(w: World) -> list[Item]:
    return [each for each in (await w.store.query("due", SERVICE)).items if each["kind"] == KIND]


@pytest.mark.parametrize("at", [1, 2])
async def test_the_check_notices_a_step_that_is_done_twice(at: int) -> None:
    """The comparison itself: a story that adds to what it did before does not end alike."""

    async def story(fuse: Fuse) -> tuple[Any, bool]:
        w = World()

        async def act(desk: Desk) -> None:
            for n in range(at):
                await desk.uploads.open(ASKED, ANA, f"u-{n}-{fuse.count}")

        died = await dying(w, act, fuse)
        return len(await due(w)), died

    with pytest.raises(AssertionError):
        await each_crash(story)
