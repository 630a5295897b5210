"""What was in a world before its morning: messages, files and events of long ago, some of which have reached their end."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from services.ingest.compose import ingest
from services.ingest.handlers import Ingest
from services.ingest.keeper.settings import KeeperSettings
from services.media.readings import Readings
from services.search.adapters.memory import MemoryIndex
from services.search.batcher import Batcher
from services.search.indexer import Indexer
from services.search.wiring import parts
from shared import topology
from shared.bus.memory import MemoryBus
from shared.ids import received_id
from shared.objects.cdn import ORIGINAL, served_key
from shared.queue.port import Message
from shared.record.build import Record, build
from shared.record.holds import Holds
from shared.record.retention import CLASSES, DEFAULT_DAYS, put
from shared.record.shape import lane_pk
from shared.store.port import Delete, Item, Put, Update
from sim.app import SimApp
from sim.chaos import Chaos, Errors
from sim.clock import EPOCH_MS, VirtualClock
from sim.connect import event, item
from sim.desks import Desks
from sim.outside import ACCOUNT
from sim.people import HUGE
from sim.process import Process
from sim.servers import Servers
from twin.audit.observed import Elder
from twin.core import events
from twin.core.files import make
from twin.core.mint import Mint

DAY_MS = 24 * 3600 * 1000
LONG, NOT_LONG, RECENT = 500, 30, 2  # days: 400 are kept, and nobody may be answered after one
HELD, SOMEBODY, TALKER, LONE = "525550001001", "525550001002", "525550001003", "525550001004"
JUDGED, FREED = "525550001005", "525550001006"  # under a hold that stands, and under one that is over
LEFT = "525550001007"


class PlainApp(SimApp[KeeperSettings]):
    """A process of another day: nothing fails, and nobody hears of what it does."""

    def wrap(self, port: Any, errors: Errors) -> Any:
        """The port itself."""
        del errors
        return port


class UnkeptError(Exception):
    """What was written before this morning, while nothing went wrong, was not kept."""


@dataclass
class Past:
    """What somebody wrote long ago; `told` is what the audit must know of it."""

    servers: Servers
    index: MemoryIndex
    chaos: Chaos
    settings: KeeperSettings
    rng: Random
    told: list[Elder]

    async def write(self) -> None:
        """All of it."""
        ended, kept = (
            make("image/jpeg", self.rng.randbytes(8).hex()),
            make("image/jpeg", self.rng.randbytes(8).hex()),
        )
        old = await self._ingest(LONG)
        await self._said(
            old, LONG, [self._text(HELD, "bajo resguardo"), self._text(SOMEBODY, "de hace mucho")]
        )
        await self._said(old, LONG, [self._text(SOMEBODY, HUGE)])
        await self._said(old, LONG, [self._text(LONE, "y nada más")])
        await self._said(old, LONG, [self._image(SOMEBODY)], file=ended)
        await self._said(old, LONG, [self._image(SOMEBODY)], file=kept)
        await self._said(await self._ingest(NOT_LONG), NOT_LONG, [self._image(SOMEBODY)], file=kept)
        await self._said(await self._ingest(0), LONG, [self._text(SOMEBODY, "llegó hoy, tarde")])
        await self._account(old)
        await self._connect(old)
        await self._taken_back()
        await self._leaving(old)
        await self._held()

    # --- messages

    async def _said(self, at: Ingest, days: int, messages: list[dict[str, Any]], file: Any = None) -> None:
        """One envelope; whether its messages stay follows from who wrote them and when they were kept."""
        stamp = self._stamp(days)
        for each in messages:
            each["timestamp"] = str(stamp // 1_000_000_000)
        await at.handler("ingest")(self._envelope("messages", stamp, messages=messages))
        for each in messages:
            found = await self._found(each["id"])
            stays = each["from"] == HELD or found["kept_at"] > EPOCH_MS - 90 * DAY_MS
            if file is not None:
                found = await self._filed(found, file)
            await self._delivered(found)
            await self._indexed(found)
            sha256 = file.sha256 if file is not None else ""
            self.told.append(Elder(each["id"], found["message_id"], found["pk"], stays, _words(each), sha256))

    async def _filed(self, message: Item, file: Any) -> Item:
        """Its file is there, decoded, under its hash."""
        bucket, sha256 = self.servers.buckets[topology.MEDIA_BUCKET], file.sha256
        medium = {"n": 0, "mime": file.mime, "state": "ready", "sha256": sha256, "size": len(file.data)}
        medium["renditions"] = ["thumb.webp"]
        reference = {"pk": sha256, "sk": f"ref#{message['message_id']}#0", "at": message["kept_at"]}
        reference |= {name: message[name] for name in ("contact_id", "direction")}
        reference |= {"conversation_id": message["pk"], "order_key": message["sk"]}
        known = {"mime": file.mime, "verdict": "ready", "first_seen": message["kept_at"], "rendered": 1}
        known |= {"renditions": {"thumb.webp": "image/webp"}, "size": len(file.data)}
        await self.servers.store.write(Put("media", {"pk": sha256, "sk": "-", **known}))
        await self.servers.store.write(Put("media", reference))
        for name in (ORIGINAL, "thumb.webp"):
            await bucket.put(served_key(sha256, name), file.data, content_type=file.mime)
        op = Update("messages", message["pk"], message["sk"], set={"media": [medium]}, add={"rev": 1})
        return await self.servers.store.write(op) or message

    async def _delivered(self, message: Item) -> None:
        """It was routed, and a destination has it."""
        pk, sk, message_id = message["pk"], message["sk"], message["message_id"]
        mark = {"pk": pk, "sk": f"{sk}#routed", "destinations": ["hook-a"], "version": 1}
        lane = {"pk": lane_pk("hook-a", pk), "sk": f"{message_id}#0", "state": "delivered", "part": "0"}
        await self.servers.store.write(Put("messages", mark))
        await self.servers.store.write(Put("deliveries", {**lane, "message_id": message_id, "try": 1}))

    async def _indexed(self, message: Item) -> None:
        app = self._app(0)
        made = await parts(app, self.index)
        record = made.record
        indexer = Indexer(made.store, record.reader, record.people, self.index, Batcher(self.index, 0))
        await indexer.message(message["pk"], message["sk"], message["message_id"], message["rev"])
        await indexer.conversation(message["pk"])

    async def _taken_back(self) -> None:
        """People took messages back while the policy was to erase such; some of them under a hold."""
        await self._policy("erase")
        for who, text in ((TALKER, "mejor no"), (TALKER, HUGE), (JUDGED, "esto tampoco"), (FREED, "ni esto")):
            await self._one_back(who, self._text(who, text))
        for who, read in ((TALKER, "se lee"), (TALKER, HUGE), (JUDGED, "se lee"), (FREED, "se lee")):
            await self._one_back(who, self._image(who, "con pie"), read)
        await self._policy("keep")

    async def _one_back(self, who: str, said: dict[str, Any], read: str = "") -> None:
        """One message, with a file if something is to be read on it, and its end."""
        found = await self._written(said)
        sha256 = ""
        if read:
            file = make("image/jpeg", self.rng.randbytes(8).hex())
            found, sha256 = await self._filed(found, file), file.sha256
            await self._read(found, read)
        until = {JUDGED: None, FREED: EPOCH_MS - DAY_MS}
        if who in until:
            await self._hold(found["pk"], RECENT, until[who])
        gone: dict[str, Any] = {"from": who, "id": self._wamid(), "type": "revoke"}
        gone["revoke"] = {"original_message_id": said["id"]}
        revoke = await self._written(gone)
        for message in (found, revoke):
            await self._delivered(message)
        for each, file_of, withdrawn in ((said, sha256, who != JUDGED), (gone, "", False)):
            message = await self._found(each["id"])
            await self._indexed(message)
            told = (each["id"], message["message_id"], message["pk"], True, _words(each), file_of, withdrawn)
            self.told.append(Elder(*told))

    async def _written(self, said: dict[str, Any]) -> Item:
        stamp = self._stamp(RECENT)
        said["timestamp"] = str(stamp // 1_000_000_000)
        await (await self._ingest(RECENT)).handler("ingest")(
            self._envelope("messages", stamp, messages=[said])
        )
        return await self._found(said["id"])

    async def _read(self, message: Item, text: str) -> None:
        """What was read on its file."""
        app = self._app(RECENT)
        sealing = (await self._record(app)).sealing
        op = await Readings(self.servers.store, sealing, app.clock).op(message, 0, {"text": text})
        if op is not None:
            await self.servers.store.transact([op], app.ids.token())

    async def _leaving(self, old: Ingest) -> None:
        """Of one person nothing will be left, and they were told from the others yesterday; so was one who wrote since."""
        await self._said(old, LONG, [self._text(LEFT, "nunca más")])
        self.told[-1] = replace(self.told[-1], leaves=True)
        came_back = next(each for each in self.told if each.stays and each.sha256)
        for each in (self.told[-1], came_back):
            thread = await self.servers.store.get("conversations", each.conversation_id) or {}
            mark = Update("contacts", thread["contact_id"], "-", set={"leaving": EPOCH_MS - DAY_MS})
            await self.servers.store.write(mark)

    async def _policy(self, revoked: str) -> None:
        setting = {"pk": "settings", "sk": "changes", "edited": "keep", "revoked": revoked}
        await self.servers.store.write(Put("config", setting))

    async def _held(self) -> None:
        held = next(each for each in self.told if each.stays)
        await self._hold(held.conversation_id, 0, None)
        await self._silent()

    async def _hold(self, subject: str, days: int, until_ms: int | None) -> None:
        app = self._app(days)
        people = (await self._record(app)).people
        holds = Holds(self.servers.store, people, app.clock, app.ids, "past")
        await holds.place(subject, "exp-0", "ana", until_ms)

    async def _record(self, app: PlainApp) -> Record:
        store, raw = self.servers.store, await app.objects(topology.RAW_BUCKET)
        keys, pepper = self.servers.keys, self.servers.pepper
        return build(store, raw, keys, pepper, app.clock, app.ids, service="past")

    # --- what else there was

    async def _account(self, at: Ingest) -> None:
        """What Meta told of the account, one of it too large for an item."""
        for said in ("poco", HUGE):
            body = self._envelope("account_alerts_of_old", self._stamp(LONG), any=said)
            await at.handler("ingest")(body)

    async def _connect(self, at: Ingest) -> None:
        """What Connect told, and what EventBridge did."""
        for number, text in enumerate(("poco", HUGE)):
            body = item("c0ffee00-0000-4000-8000-000000000077", "message", 500 + number, text)
            await at.handler("connect")(Message("", _aged(body, LONG), "", 1, EPOCH_MS - LONG * DAY_MS))
        body = event("c0ffee00-0000-4000-8000-000000000077", 500)
        await at.handler("connect")(Message("", _aged(body, LONG), "", 1, EPOCH_MS - LONG * DAY_MS))
        mint = Mint(Random(self.rng.random()))  # noqa: S311 - reproducible
        told = events.witness(ACCOUNT, mint, "received", self._stamp(LONG), "m-old", [])
        await at.handler("connect")(Message("", told, "", 1, EPOCH_MS - LONG * DAY_MS))

    # --- how

    async def _ingest(self, days: int) -> Ingest:
        return await ingest(self._app(days))

    def _app(self, days: int) -> PlainApp:
        quiet = replace(self.servers, bus=MemoryBus({}))
        process = Process("past", _nothing)
        seed = f"past:{days}:{self.rng.random()}"
        return PlainApp(self.settings, quiet, self.chaos, process, seed, -days * DAY_MS)

    async def _silent(self) -> None:
        """What those days owed was done long ago."""
        for owed in [each async for each in self.servers.store.scan("due")]:
            await self.servers.store.write(Delete("due", owed["pk"], owed["sk"]))

    async def _found(self, wamid: str) -> Item:
        known = await self.servers.store.get("ids", received_id(ACCOUNT.pnid, wamid)) or {}
        found = None
        if "conversation_id" in known:
            found = await self.servers.store.get("messages", known["conversation_id"], known["order_key"])
        if found is None:
            raise UnkeptError(f"{wamid} of long ago is not in the record")
        return found

    def _stamp(self, days: int) -> int:
        return (EPOCH_MS - days * DAY_MS + self.rng.randint(0, 3_600_000)) * 1_000_000

    def _envelope(self, field: str, stamp: int, **said: Any) -> Message:
        people = [HELD, SOMEBODY, TALKER, LONE, JUDGED, FREED, LEFT]
        contacts = [{"wa_id": who, "profile": {"name": f"Antaño {who[-1]}"}} for who in people]
        named = {"contacts": contacts[:0]} if "messages" not in said else {}
        if "messages" in said:
            theirs = {each["from"] for each in said["messages"]}
            named = {"contacts": [each for each in contacts if each["wa_id"] in theirs]}
        body = events.envelope(
            ACCOUNT, events.entry(ACCOUNT, [(field, events.value(ACCOUNT, **named, **said))]), stamp
        )
        return Message("", body, "", 1, stamp // 1_000_000)

    def _text(self, who: str, text: str) -> dict[str, Any]:
        words = f"{text} {self.rng.randbytes(6).hex()}"
        return {"from": who, "id": self._wamid(), "type": "text", "text": {"body": words}}

    def _image(self, who: str, caption: str = "") -> dict[str, Any]:
        part = {"id": str(self.rng.randint(10**14, 10**15)), "mime_type": "image/jpeg"}
        part |= {"caption": f"{caption} {self.rng.randbytes(6).hex()}"} if caption else {}
        return {"from": who, "id": self._wamid(), "type": "image", "image": part}

    def _wamid(self) -> str:
        return f"wamid.past.{self.rng.randbytes(8).hex()}"


def _words(message: dict[str, Any]) -> str:
    return str(message.get("text", {}).get("body", "") or message.get("image", {}).get("caption", ""))


def _aged(body: str, days: int) -> str:
    """An event of Connect with the time of another day."""
    said = json.loads(body)
    at = datetime.fromtimestamp(EPOCH_MS / 1000 - days * DAY_MS / 1000, UTC).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z"
    )
    return json.dumps({name: at if name in {"AbsoluteTime", "time"} else part for name, part in said.items()})


async def _nothing(_process: Process) -> None:
    return


async def policy(desks: Desks) -> None:
    """An editor says how long what is kept, which is as long as before."""
    now_ms = VirtualClock().now_ms()
    for kind in CLASSES:
        await desks.backstage(lambda stage, of=kind: put(stage.store, of, DEFAULT_DAYS, "ana", now_ms))  # type: ignore[misc] # the default binds the loop's value
