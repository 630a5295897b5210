"""A file's whole road in whatever order its events come: the desk, the media worker, the gateway, and what is shown."""

import itertools
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from services.forwarder.adapters.memory import MemoryWhatsapp
from services.forwarder.gateway.handlers import Handlers as Sending
from services.forwarder.gateway.ledger import Ledger as Attempts
from services.forwarder.gateway.letter import Letters
from services.forwarder.gateway.sender import Gateway, Tools
from services.forwarder.gateway.standing import Standing
from services.media.adapters.memory import EICAR, MemoryDecoder, MemoryScanner
from services.media.adapters.sniff import Libmagic
from services.media.ledger import Ledger
from services.media.look import Looker
from services.media.uploads import CONVERT, Ports
from services.media.uploads import Uploads as Worker
from shared.events.model import EVENT, MessageRecorded, UploadCompletedEvent
from shared.lanes.runner import Lanes
from shared.media.uploads import upload_key
from shared.objects.cdn import served_key
from shared.observability.metrics import Metrics
from shared.queue.port import Message
from shared.store.port import Delete, Update
from tests.unit.desk.test_desk_replies import opened, owed, say
from tests.unit.desk.test_uploads import begun, completed, due
from tests.unit.desk.world import WABA, World
from tests.unit.media.test_media_handlers import JPEG
from tests.unit.record.world import PNID


class Road:
    """Everybody on a file's way, over one record."""

    def __init__(self) -> None:
        self.w = World()
        w, base = self.w, self.w.base
        metrics = Metrics(CollectorRegistry())
        ports = Ports(base.store, w.bucket, MemoryDecoder(), w.bus, base.clock, base.ids, metrics)
        looker = Looker(w.bucket, Libmagic(), MemoryScanner())
        self.worker = Worker(ports, Ledger(base.store, base.clock, base.ids), looker)
        self.whatsapp = MemoryWhatsapp(frozenset({PNID}))
        tools = Tools(base.store, self.whatsapp, w.bus, base.clock, base.ids, metrics)
        letters = Letters(w.record.reader, self.whatsapp)
        standing = Standing(base.store, base.clock, (WABA,))
        gateway = Gateway(tools, letters, standing, Attempts(base.store, base.clock))
        self.troubles: list[BaseException] = []
        lanes = Lanes(
            base.store, base.clock, base.ids, gateway, lambda _what, error: self.troubles.append(error)
        )
        self.sending = Sending(base.store, lanes)

    async def media(self, body: str) -> None:
        """What the media worker's queue brings."""
        event = EVENT.validate_json(body)
        if isinstance(event, UploadCompletedEvent):
            await self.worker.completed(event.data.upload_id)
        elif isinstance(event, MessageRecorded):
            await self.worker.recorded(await self.w.item(event.data.message_id))

    async def convert(self) -> None:
        for item in [each for each in await self.w.base.items("due") if each["kind"] == CONVERT]:
            await self.worker.on_convert(item)
            await self.w.store.write(Delete("due", item["pk"], item["sk"]))

    async def send(self) -> None:
        for body in self.w.sent.bodies():
            await self.sending.on_message(Message("m", body, "r", 1, 0))

    async def started(
        self, data: bytes, kind: str = "image", mime: str = "image/jpeg", **more: Any
    ) -> tuple[str, str]:
        """An upload whose bytes are there and a reply with it; upload_id and message_id."""
        cid, _ = await opened(self.w)
        upload = (await begun(self.w, {"kind": kind, "mime": mime, "size": len(data)}))["upload_id"]
        await self.w.bucket.put(upload_key(upload), data)
        await completed(self.w, upload)
        (accepted,) = (await say(self.w, cid, {"type": kind, "upload_id": upload, **more}))["messages"]
        return upload, accepted["message_id"]


STEPS = ("completed", "recorded", "convert", "send")


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids="-".join)
async def test_a_reply_goes_out_once_with_its_file_whatever_comes_first(order: tuple[str, ...]) -> None:
    road = Road()
    upload, message_id = await road.started(JPEG, caption="mira")
    done, recorded = road.w.for_media.bodies()
    acts = {
        "completed": lambda: road.media(done),
        "recorded": lambda: road.media(recorded),
        "convert": road.convert,
        "send": road.send,
    }
    for step in (*order, *order, "convert", "send"):  # everything comes twice
        await acts[step]()
    item = await road.w.item(message_id)
    (medium,) = item["media"]
    assert (medium["state"], medium["upload_id"], medium["sends"]) == ("ready", upload, "wa_image.jpg")
    assert road.whatsapp.uploaded == [(PNID, served_key(medium["sha256"], "wa_image.jpg"))]
    ((_, blob),) = road.whatsapp.sent
    assert orjson.loads(blob)["image"] == {"id": "10001", "caption": "mira"}
    (delivery,) = await owed(road.w, item["pk"])
    assert delivery["state"] == item["state"] == "handed_over"
    assert await road.w.bucket.head(upload_key(upload)) is None, "moved to where it is kept"
    async with road.w.client() as client:
        (shown,) = (await client.get(f"/v1/messages/{message_id}")).json()["media"]
    assert (shown["phase"], shown["origin"]["sources"], shown["origin"]["messages"]) == ("ready", 0, 1)
    (end,) = await due(road.w, "upload")
    await road.w.uploads.on_due(end)
    assert await road.w.bucket.head(served_key(medium["sha256"])) is not None, "the message keeps its file"


async def test_a_refused_file_ends_its_message_in_words_and_nothing_is_sent() -> None:
    road = Road()
    upload, message_id = await road.started(EICAR, "document", "text/plain", filename="nota.txt")
    for body in road.w.for_media.bodies():
        await road.media(body)
    await road.send()
    item = await road.w.item(message_id)
    assert item["state"] == "failed"
    assert (road.whatsapp.sent, road.whatsapp.uploaded) == ([], [])
    async with road.w.client() as client:
        shown = (await client.get(f"/v1/messages/{message_id}")).json()
        told = (await client.get(f"/v1/uploads/{upload}")).json()
    assert shown["attempts"][0]["reason"] == "media_quarantined"
    assert shown["media"][0]["explained"] == told["explained"]
    assert "no se manda" in told["explained"]["text"]


async def test_one_upload_serves_two_messages() -> None:
    road = Road()
    upload, first = await road.started(JPEG)
    cid = (await road.w.item(first))["pk"]
    (accepted,) = (await say(road.w, cid, {"type": "image", "upload_id": upload}, k="k-2"))["messages"]
    for body in road.w.for_media.bodies():
        await road.media(body)
    await road.convert()
    await road.send()
    road.w.base.clock.ms += 60_000  # past the pair's pace
    await road.send()
    assert len(road.whatsapp.sent) == 2
    for message_id in (first, accepted["message_id"]):
        assert (await road.w.item(message_id))["state"] == "handed_over"


async def test_a_message_does_not_wait_for_ever_for_an_upload_that_is_gone() -> None:
    road = Road()
    upload, message_id = await road.started(JPEG)
    await road.w.store.write(Update("media", upload, "-", set={"state": "pending"}))
    (end,) = await due(road.w, "upload")
    await road.w.uploads.on_due(end)
    for body in road.w.for_media.bodies():
        await road.media(body)
    await road.send()
    assert (await road.w.item(message_id))["state"] == "failed"
    async with road.w.client() as client:
        (shown,) = (await client.get(f"/v1/messages/{message_id}")).json()["media"]
    assert shown["explained"]["code"] == "upload_gone"
