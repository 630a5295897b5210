"""The keeper over the in-memory ports, beside the ingest whose record it keeps."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.ingest.keeper.adapters.memory import MemoryEdges, MemorySearch
from services.ingest.keeper.erasers.build import Stores, erasers
from services.ingest.keeper.erasing import Erasing
from services.ingest.keeper.leaving import Leaving
from services.ingest.keeper.looking import Looker
from services.ingest.keeper.mentions import Mentions
from services.ingest.keeper.reconciler import Reconciler
from services.ingest.keeper.retention import Expiry
from services.ingest.keeper.settings import SERVICE
from services.ingest.keeper.withdrawn import Withdrawn
from services.ingest.origin import Ours
from shared.events.model import EVENT, Event
from shared.ids import received_id
from shared.objects.cdn import served_key
from shared.objects.memory import MemoryObjects
from shared.queue.memory import MemoryQueue
from shared.record.build import build
from shared.record.erasure import Backup, Requests
from shared.record.files import Files, reference_sk
from shared.record.holds import Holds
from shared.record.ledger import Ledger
from shared.record.shape import is_message_sk
from shared.store.port import Put, Update
from shared.vault.keys import ContactKeys
from sim.loop import VirtualLoop
from tests.unit.ingest.desk import ANA, WABA, Desk, change, desk, envelope, said
from tests.unit.record.world import NOON_MS, PNID, World

DAY_MS = 24 * 3600 * 1000
LUIS = "5215587654321"
OURS = Ours.of([WABA], [PNID])


@dataclass
class Keep:
    """One life of the keeper; `reborn` gives another one over the same stores."""

    desk: Desk
    bucket: MemoryObjects
    search: MemorySearch
    erasing: Erasing
    requests: Requests
    holds: Holds
    expiry: Expiry
    reconciler: Reconciler
    files: Files
    ports: dict[str, Any] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.desk.world

    async def told(self) -> list[Event]:
        """Events that the keeper's outbox still owes."""
        items = await self.world.items("due")
        return [EVENT.validate_json(item["event"]) for item in items if item["pk"] == SERVICE]

    async def through(self, erasure_id: str) -> dict[str, Any]:
        """Work until it is done; the receipt's item."""
        for _ in range(10):
            await self.erasing.work()
            found = await self.requests.get(erasure_id)
            assert found is not None
            if found["state"] in {"done", "held"}:
                return found
            self.world.clock.ms += 70_000
            if isinstance(asyncio.get_running_loop(), VirtualLoop):
                await asyncio.sleep(70)  # what somebody dead holds is visible again
        raise AssertionError(found)


def keep(d: Desk | None = None, **ports: Any) -> Keep:
    """A keeper; `ports` replaces some of store, raw, bucket, exports, search, edges, dlq, events_dlq, bus."""
    d = d or desk()
    w = d.world
    given = {
        "store": w.store,
        "raw": w.raw,
        "bucket": MemoryObjects("media"),
        "exports": MemoryObjects("exports"),
        "search": MemorySearch(),
        "edges": MemoryEdges(),
        "dlq": d.queue.dlq,
        "events_dlq": MemoryQueue("search-dlq", w.clock, max_receives=None),
        "bus": d.bus,
        **ports,
    }
    store, raw, search = given["store"], given["raw"], given["search"]
    record = build(store, raw, w.keys, w.pepper, w.clock, w.ids, service=SERVICE)
    holds = Holds(store, record.people, w.clock, w.ids, SERVICE)
    files = Files(store, given["bucket"], w.clock, w.ids)
    requests = Requests(store, record.people, w.clock, w.ids)
    stores = Stores(
        store,
        raw,
        given["bucket"],
        given["exports"],
        files,
        ContactKeys(w.keys, store, w.clock),
        search,
        given["edges"],
        {"ingest": given["dlq"], "search": given["events_dlq"]},
        ("ingest", "connect"),
        Mentions(record.people.alias_keys, "portfolio"),
        w.clock,
        w.ids,
    )
    backups = (Backup("llaves", 7),)
    asked = erasers(stores)
    erasing = Erasing(store, record.people, requests, Ledger(raw), holds, asked, backups, w.clock, w.ids)
    inner = desk(w, store=store, raw=raw, bus=given["bus"])
    leaving = Leaving(store, record.people, holds, w.clock, w.ids)
    withdrawn = Withdrawn(store, raw, files, record.changes, OURS, "portfolio", w.clock, w.ids)
    looker = Looker(store, raw, inner.ingest, search, given["bus"], OURS, "portfolio", w.clock)
    return Keep(
        d,
        given["bucket"],
        search,
        erasing,
        requests,
        holds,
        Expiry(store, raw, files, search, holds, OURS, withdrawn, leaving, w.clock),
        Reconciler(store, raw, looker, given["bus"], d.metrics, w.clock),
        files,
        given,
    )


def stamp(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def says(
    k: Keep, wamid: str, body: str, *, who: str = ANA, name: str = "", **more: Any
) -> dict[str, Any]:
    """Somebody writes, now; the message's item."""
    at = k.world.clock.ms
    message = {**said(wamid, body, ts=at // 1000), "from": who, **more}
    contact = {"profile": {"name": name or f"nombre de {who}"}, "wa_id": who}
    await k.desk.receive(envelope(change(contacts=[contact], messages=[message]), at=stamp(at)))
    return await message_of(k, wamid)


async def message_of(k: Keep, wamid: str) -> dict[str, Any]:
    found = await k.world.record.reader.get_message(received_id(PNID, wamid))
    assert found is not None
    return found.item


async def attach(k: Keep, message: dict[str, Any], body: bytes, n: int = 0) -> str:
    """A file of a message, as services/media settles it and the CDN handed it out; its hash."""
    sha = hashlib.sha256(body).hexdigest()
    w = k.world
    await k.bucket.put(served_key(sha), body)
    await k.bucket.put(served_key(sha, "thumb.webp"), b"small " + body)
    if k.ports["edges"] is not None:
        k.ports["edges"].copies[f"/{served_key(sha)}"] = body
    await w.store.write(Update("media", sha, "-", set_once={"mime": "image/jpeg", "first_seen": w.clock.ms}))
    ref = {"pk": sha, "sk": reference_sk(message["message_id"], n), "conversation_id": message["pk"]}
    await w.store.write(Put("media", ref))
    media = [*message["media"], {"n": n, "mime": "image/jpeg", "state": "ready", "sha256": sha}]
    await w.store.write(
        Update("messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1})
    )
    message["media"] = media
    return sha


def index(k: Keep, message: dict[str, Any]) -> None:
    """What the indexer does."""
    k.search.messages[message["message_id"]] = (message["contact_id"], 10**6)
    k.search.threads[message["pk"]] = (message["contact_id"], True)


async def messages(k: Keep) -> list[dict[str, Any]]:
    return [each for each in await k.world.items("messages") if is_message_sk(each["sk"])]


async def stored(k: Keep) -> bytes:
    """Every byte of every object and of every clear attribute."""
    found = [repr(item).encode() for table in TABLES for item in await k.world.items(table)]
    for bucket in (k.world.raw, k.bucket, k.ports["exports"]):
        found += [await bucket.get(info.key) async for info in bucket.list("")]
    found += [body.encode() for name in ("dlq", "events_dlq") for body in k.ports[name].bodies()]
    found += k.ports["edges"].copies.values() if k.ports["edges"] else ()
    return b"\n".join(found)


TABLES = (
    "ids",
    "messages",
    "contacts",
    "aliases",
    "contact_keys",
    "conversations",
    "media",
    "deliveries",
    "policy",
    "config",
    "due",
)
__all__ = ["ANA", "DAY_MS", "LUIS", "NOON_MS", "PNID", "Keep", "keep"]
