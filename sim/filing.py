"""Files at the desks of a world: agents send their own, and look at what came of everybody's."""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from services.desk.api.conversations import message as message_detail
from services.desk.api.conversations import transcribe
from services.desk.drafts import DocumentReply, PictureReply, SoundReply
from services.desk.uploads import SERVICE, UploadIn
from services.media.adapters.memory import EICAR
from shared import topology
from shared.due import due_item, outbox
from shared.media.uploads import PENDING, upload_key
from shared.objects.cdn import ORIGINAL, served_key
from shared.policy.budget import DAY_MS, Kind
from shared.record import events
from shared.store.port import Attr, Check, ConditionFailedError, Key, Put, Update
from sim.clock import EPOCH_MS
from sim.desks import ANA, Desks
from sim.outside import Outside
from sim.servers import Servers
from twin.audit.observed import Acknowledged
from twin.core.files import make

LOOK_S, WATCH_S = 2.5, 0.02
TRIES = 40
SPENT: tuple[Kind, ...] = ("media_bytes", "ocr_pages", "transcription_s")
NOTES = 3


@dataclass(frozen=True, slots=True)
class _File:
    """A file an agent has: how it goes out, and whether it may."""

    kind: Any
    mime: str
    data: bytes
    good: bool = True


def _files(rng: Random) -> list[_File]:
    nonce = rng.randbytes(12).hex()
    photo, voice, paper = (make(mime, nonce).data for mime in ("image/jpeg", "audio/ogg", "application/pdf"))
    return [
        _File("image", "image/jpeg", photo),
        _File("voice", "audio/ogg", voice),
        _File("document", "text/plain", nonce.encode()),
        _File("document", "application/pdf", paper),
        _File("image", "image/jpeg", photo + EICAR, good=False),
        _File("document", "application/pdf", photo, good=False),
    ]


class Filing:
    """An agent who sends files.

    Args:
        desks: whose API is asked.
        servers: whose bucket the browser puts the bytes into.
    """

    def __init__(self, desks: Desks, servers: Servers, rng: Random) -> None:
        self._desks = desks
        self._servers = servers
        self._bucket = servers.buckets[topology.MEDIA_BUCKET]
        self._rng = rng

    async def send(self, seconds: float) -> None:
        """One file after another, each to two people: before it is checked, and again after."""
        for number, file in enumerate(_files(self._rng)):
            await asyncio.sleep(self._rng.uniform(0, seconds / 8))
            upload = await self._uploaded(file, f"file-{number}")
            if upload is None:
                continue
            await self._replied(file, upload, f"file-{number}.early")
            await asyncio.sleep(self._rng.uniform(0, 8))
            await self._replied(file, upload, f"file-{number}.late")

    async def to(self, conversation: str) -> None:
        """A photo into one thread."""
        photo = _files(self._rng)[0]
        upload = await self._uploaded(photo, "file-to")
        if upload is not None:
            await self._reply(photo, upload, "file-to.one", conversation)

    async def waiting(self, conversation: str, seconds: float) -> None:
        """A photo into one thread and another; the desk died before it told that the bytes are there, so both wait."""
        photo = _files(self._rng)[0]
        asked = UploadIn(kind="image", mime=photo.mime, size=len(photo.data))
        opened = await self._desks.insist(lambda parts: parts.uploads.open(asked, ANA, "file-waits"))
        page = await self._desks.insist(lambda parts: parts.inbox.page(50))
        others = [each["pk"] for each in page.items if each["pk"] != conversation] if page else []
        if opened is None or not others:
            return
        upload, now_ms = str(opened["pk"]), _now_ms()
        await self._bucket.put(upload_key(upload), photo.data, content_type=photo.mime, absent=True)
        told = events.upload_completed({**opened, "rev": 2}, events.Envelope(now_ms, correlation=upload))
        owed = outbox(SERVICE, now_ms + int(seconds * 1000), [told])
        moved = Update("media", upload, "-", set={"state": PENDING, "rev": 2})
        await self._servers.store.transact([moved, *owed], upload[:32])
        for number, thread in enumerate((conversation, self._rng.choice(others))):
            await self._reply(photo, upload, f"file-waits.{number}", thread)

    async def _uploaded(self, file: _File, key: str) -> str | None:
        """Declared, put and completed, each of it twice, the bytes cut off the first time."""
        asked = UploadIn(kind=file.kind, mime=file.mime, size=len(file.data))
        opened = [
            await self._desks.insist(lambda parts: parts.uploads.open(asked, ANA, key)) for _ in range(2)
        ]
        if opened[0] is None:
            return None
        upload = str(opened[0]["pk"])
        for turn in range(TRIES):
            data = file.data if turn else file.data[:-1]
            await self._bucket.put(upload_key(upload), data, content_type=file.mime, absent=True)
            done = await asyncio.gather(*(self._complete(upload) for _ in range(2)))
            if any(done):
                return upload
        return None

    async def _complete(self, upload: str) -> object:
        return await self._desks.insist(lambda parts: parts.uploads.complete(upload, ANA))

    async def _replied(self, file: _File, upload: str, key: str) -> None:
        page = await self._desks.insist(lambda parts: parts.inbox.page(50))
        if page and page.items:
            await self._reply(file, upload, key, self._rng.choice(page.items)["pk"])

    async def _reply(self, file: _File, upload: str, key: str, conversation: str) -> None:
        """A message with the file, asked for twice."""
        asked = _asked(file, upload, key)
        for _ in range(2):
            found = await self._desks.insist(
                lambda parts: parts.replies.reply(conversation, asked, ANA, key, None)
            )
            for item in found or ():
                words = "" if file.kind == "voice" else key
                self._desks.acknowledged.append(Acknowledged(item["message_id"], words, _sent(file)))
            await asyncio.sleep(self._rng.uniform(0, 5))


def _asked(file: _File, upload: str, key: str) -> PictureReply | SoundReply | DocumentReply:
    if file.kind == "image":
        return PictureReply(type="image", upload_id=upload, caption=key)
    if file.kind == "voice":
        return SoundReply(type="voice", upload_id=upload)
    return DocumentReply(type="document", upload_id=upload, filename=key)


def _sent(file: _File) -> str | None:
    """The hash of what WhatsApp is given of a file (services/media/adapters/memory.py); "" = nothing may be."""
    if not file.good:
        return ""
    made = {"image": "wa_image.jpg", "voice": "wa_voice.ogg"}.get(file.kind, "")
    made = made or ("clean.pdf" if file.mime == "application/pdf" else "")
    data = made.encode() + hashlib.sha256(file.data).digest() if made else file.data
    return hashlib.sha256(data).hexdigest()


async def abandoned(servers: Servers, rng: Random, seconds: float) -> None:
    """Uploads of two days ago that are in no message end: checked, not checked, gone, and wanted at the last moment."""
    raced = []
    for number, what in enumerate(("ready", PENDING, "", "raced", "raced")):
        await asyncio.sleep(rng.uniform(0, seconds / 6))
        upload, data = f"u_{number:026d}", b"\xff\xd8\xff" + rng.randbytes(24)
        sha256, now_ms = hashlib.sha256(data).hexdigest(), _now_ms()
        made_at = now_ms - 2 * DAY_MS
        item = {"pk": upload, "sk": "-", "agent": "ana", "kind": "image", "mime": "image/jpeg", "rev": 2}
        item |= {"size": len(data), "made_at": made_at, "expires_at": made_at + DAY_MS, "state": PENDING}
        if what in {"ready", "raced"}:
            item |= {"state": "ready", "sha256": sha256}
            await _kept(servers, sha256, data, upload, made_at)
        if what == "raced":
            raced.append(asyncio.ensure_future(_wanted(servers, rng, sha256)))
        if what:
            await servers.store.write(Put("media", item))
        await servers.buckets[topology.MEDIA_BUCKET].put(upload_key(upload), data, content_type="image/jpeg")
        await servers.store.write(due_item("desk", now_ms, "upload", upload, upload_id=upload))
    await asyncio.gather(*raced)


async def _kept(servers: Servers, sha256: str, data: bytes, upload: str, at_ms: int) -> None:
    """A file that was checked and decoded, with what stands elsewhere about it."""
    known = {"mime": "image/jpeg", "size": len(data), "verdict": "ready", "first_seen": at_ms}
    known |= {"near_sk": f"0#{sha256}"}
    await servers.store.write(Put("media", {"pk": sha256, "sk": "-", **known}))
    for member in (hashlib.sha256(f"{sha256}{n}".encode()).hexdigest() for n in range(2)):
        await servers.store.write(Put("media", {"pk": sha256, "sk": f"like#{member}", "at": at_ms}))
        await servers.store.write(
            Put("media", {"pk": member, "sk": "-", "mime": "image/jpeg", "like": sha256})
        )
    await servers.store.write(Put("media", {"pk": sha256, "sk": f"ref#{upload}#0", "at": at_ms}))
    for name in (ORIGINAL, "wa_image.jpg"):
        await servers.buckets[topology.MEDIA_BUCKET].put(
            served_key(sha256, name), data, content_type="image/jpeg"
        )


async def _wanted(servers: Servers, rng: Random, sha256: str) -> None:
    """Somebody sends the same file just as its last reference has gone; where it is going already they come too late."""
    while (await servers.store.query("media", sha256, Key("sk").begins_with("ref#"))).items:  # noqa: ASYNC110 - a store tells nobody
        await asyncio.sleep(WATCH_S)
    await asyncio.sleep(rng.uniform(0.2, 1.2))
    stays = Check("media", sha256, "-", Attr("pk").exists() & Attr("going").not_exists())
    late = {"conversation_id": "c_late", "order_key": "1", "contact_id": "p_late", "direction": "in"}
    reference = Put("media", {"pk": sha256, "sk": "ref#i_late#0", "at": _now_ms(), **late})
    with suppress(ConditionFailedError):
        await servers.store.transact([stays, reference], sha256[:32])


def _now_ms() -> int:
    return EPOCH_MS + int(asyncio.get_running_loop().time() * 1000)


class Looking:
    """A person who looks at everything known of each message with a file, and wants to read what is said in it."""

    def __init__(self, desks: Desks, servers: Servers, rng: Random) -> None:
        self._desks = desks
        self._servers = servers
        self._rng = rng

    async def look(self, seconds: float) -> None:
        """Again and again, at a few of those there are; whatever is spoken they ask to read, once."""
        loop, asked = asyncio.get_running_loop(), dict[str, None]()
        while loop.time() < seconds:
            await asyncio.sleep(LOOK_S)
            items = [each async for each in self._servers.store.scan("messages") if each.get("media")]
            heard = [
                each for each in items if any(map(_spoken, each["media"])) and each["message_id"] not in asked
            ]
            chosen = heard or self._rng.sample(items, min(len(items), 1))
            await asyncio.gather(*(self._one(item, asked) for item in chosen))

    async def _one(self, item: Mapping[str, Any], asked: dict[str, None]) -> None:
        message_id = str(item["message_id"])
        await self._desks.insist(lambda parts: message_detail(ANA, parts, message_id))
        spoken = [each["n"] for each in item["media"] if _spoken(each)]
        if spoken and message_id not in asked:
            asked[message_id] = None
            found = await self._desks.insist(
                lambda parts: transcribe(ANA, parts, message_id, spoken[0], f"read-{message_id}")
            )
            if found is not None:  # what was taken back is hidden, and not read out
                self._desks.read.append(message_id)


def _spoken(medium: Mapping[str, Any]) -> bool:
    return medium["state"] == "ready" and str(medium["mime"]).startswith("audio/")


async def overdrawn(outside: Outside, servers: Servers, rng: Random, seconds: float) -> None:
    """Everybody who wrote has used up what a day may cost; the day ends soon, and they send on."""
    for number in range(NOTES):
        outside.says(rng.choice(outside.customers), type="voice" if number % 2 else "image")
    for _ in range(2):
        await asyncio.sleep(rng.uniform(4, seconds / 3))
        now_ms = _now_ms()
        spent = {"since_ms": now_ms - DAY_MS + rng.randint(20_000, 50_000), "used": 10**12, "told": False}
        for contact in [item["pk"] async for item in servers.store.scan("contacts") if item["sk"] == "-"]:
            for kind in SPENT:
                await servers.store.write(
                    Update("policy", f"BUDGET#{kind}#{contact}", "-", set=spent, add={"rev": 1})
                )
        for number in range(2 * NOTES):
            outside.says(rng.choice(outside.customers), type="voice" if number % 2 else "image")
            await asyncio.sleep(rng.uniform(0, 2))


async def notes(outside: Outside, rng: Random, seconds: float) -> None:
    """Voice notes, long ones and short ones; one of them is sent on by somebody else."""
    for _ in range(2 * NOTES):
        await asyncio.sleep(rng.uniform(0, seconds / 4 / NOTES))
        outside.says(rng.choice(outside.customers), type=rng.choice(("voice", "audio")))
    note = make("audio/ogg", rng.randbytes(8).hex()).data
    for _ in range(2):
        outside.says(rng.choice(outside.customers), type="voice", mime="audio/ogg", data=note)
        await asyncio.sleep(rng.uniform(0, seconds / 4))


async def infected(outside: Outside, rng: Random, seconds: float) -> str:
    """Somebody sends a file that the scanner knows; answers its hash."""
    await asyncio.sleep(rng.uniform(0, seconds))
    data = make("image/jpeg", rng.randbytes(8).hex()).data + EICAR
    outside.says(rng.choice(outside.customers), type="image", mime="image/jpeg", data=data)
    return hashlib.sha256(data).hexdigest()
