"""What the audit sees of a world: the stores read raw, and the record as its reader shows it."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.search.adapters.memory import MemoryIndex
from services.search.port import Kind
from shared import topology
from shared.ids import Ids
from shared.objects.port import ObjectMissingError
from shared.queue.port import Message
from shared.record.build import build
from shared.record.codec import loads
from shared.record.reader import Reader, View
from shared.record.shape import lane_pk, whatsapp_destination
from shared.store.port import Key
from sim.clock import VirtualClock, token_bytes
from sim.desks import Desks
from sim.servers import Servers
from twin.audit.observed import Breaker, Document, Elder, Erased, Observed, Parked, Route, Seen, Thread

KINDS: tuple[Kind, ...] = ("messages", "conversations")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the world itself knows of what happened; see twin/audit/observed.py. `overdrawn`: budgets were written."""

    reopened: Sequence[int]
    undisturbed: bool
    spoken: Mapping[str, str]
    long: frozenset[str]
    infected: frozenset[str]
    overdrawn: bool
    erased: Sequence[Erased] = ()
    cached: Mapping[str, bytes] = field(default_factory=dict)
    elder: Sequence[Elder] = ()
    silent: bool = False


async def observe(
    servers: Servers, index: MemoryIndex, routes: Sequence[Route], desks: Desks, at: Circumstances
) -> Observed:
    """Everything there is, once the world is quiet."""
    reader = _reader(servers)
    messages: list[Seen] = []
    unreadable: list[str] = []
    async for view in _views(servers, reader):
        try:
            messages.append(await _seen(servers, reader, view))
        except ObjectMissingError:
            unreadable.append(view.item["message_id"])
    return Observed(
        raw=await _objects(servers, topology.RAW_BUCKET, "raw/"),
        messages=messages,
        documents=_documents(index),
        parked=[item for queue in servers.queues.values() for item in _parked(queue)],
        acknowledged=desks.acknowledged,
        routes=routes,
        files=await _files(servers),
        ticks=desks.ticks,
        unreadable=unreadable,
        beside=await _beside(servers),
        conversations=await _threads(servers, reader),
        strays=await _strays(servers),
        cards={name: document for name, (_, document) in index.documents("conversations").items()},
        poison=await _objects(servers, topology.RAW_BUCKET, "poison/"),
        breakers=await _breakers(servers),
        reopened=at.reopened,
        holds=servers.holds,
        undisturbed=at.undisturbed,
        spoken=at.spoken,
        long=at.long,
        wanted=frozenset(desks.read),
        infected=at.infected,
        erased=at.erased,
        elder=at.elder,
        everything=await _everything(servers, index, at.cached) if at.erased else {},
        silent=at.silent,
        alerts=[name async for name in _alerts(servers)],
        intruders=servers.store.intruders,
        sealed=[
            item["pk"] async for item in servers.store.scan("messages") if {"sealed", "sealed_ref"} & {*item}
        ],
        spent=None if at.overdrawn else await _spent(servers),
    )


async def _beside(servers: Servers) -> dict[tuple[str, str], frozenset[str]]:
    """What stands beside each message: `<order_key>#<kind>#<child>`."""
    found: dict[tuple[str, str], set[str]] = {}
    async for item in servers.store.scan("messages"):
        key, _, child = item["sk"].partition("#")
        if child:
            found.setdefault((item["pk"], key), set()).add(child)
    return {place: frozenset(children) for place, children in found.items()}


async def _alerts(servers: Servers) -> AsyncIterator[str]:
    """What people were told at the desk."""
    async for entry in servers.store.scan("desk_log"):
        told = loads(entry["event"]) if "event" in entry else {}
        if told.get("type") == "desk.alert.raised.v1":
            yield str(told["data"]["name"])


async def _everything(servers: Servers, index: MemoryIndex, cached: Mapping[str, bytes]) -> dict[str, str]:
    """Every item, object, queue message, document and cached copy there is, as text."""
    found = {f"cdn {path}": data.decode("latin-1") for path, data in cached.items()}
    for spec in topology.TABLES:
        async for item in servers.store.scan(spec.name):
            found[f"{spec.name} {item['pk']} {item.get('sk')}"] = repr(item)
    for bucket, store in servers.buckets.items():
        for key, data in (await _objects(servers, bucket, "")).items():
            found[f"{store.bucket} {key}"] = data.decode("latin-1")
    for name, queue in servers.queues.items():
        found |= {f"{name} {n}": body for n, body in enumerate(queue.bodies())}
        found |= {f"{name}-dlq {n}": message.body for n, message in enumerate(_dead(queue))}
    for kind in KINDS:
        found |= {f"{kind} {name}": repr(document) for name, document in index.documents(kind).items()}
    return found


async def _threads(servers: Servers, reader: Reader) -> list[Thread]:
    found = [item async for item in servers.store.scan("conversations") if not item.get("erased")]
    return [await _thread(item, reader) for item in found]


async def _strays(servers: Servers) -> list[str]:
    named = {item["contact_id"] async for item in servers.store.scan("aliases")}
    contacts = [
        item async for item in servers.store.scan("contacts") if item["sk"] == "-" and not item.get("erased")
    ]
    return [item["pk"] for item in contacts if "merged_into" not in item and item["pk"] not in named]


async def _thread(item: Any, reader: Reader) -> Thread:
    known = await reader.contact(item["contact_id"]) if item.get("contact_id") else None
    root, details = known or ({}, {})
    return Thread(
        id=item["pk"],
        pnid=item["pnid"],
        contact_id=root.get("pk", ""),
        last_order_key=item["last_order_key"],
        unread=int(item["unread"]),
        alias=root.get("alias", ""),
        name=str(details.get("saved_name") or details.get("name") or ""),
    )


async def _breakers(servers: Servers) -> list[Breaker]:
    return [
        Breaker(bool(item.get("open")), int(item.get("closed_at", 0)))
        async for item in servers.store.scan("policy")
        if item["pk"].startswith("BREAKER#")
    ]


def _reader(servers: Servers) -> Reader:
    clock = VirtualClock()
    ids = Ids(clock, token_bytes("observer"))
    raw = servers.buckets[topology.RAW_BUCKET]
    return build(servers.store, raw, servers.keys, servers.pepper, clock, ids, service="observer").reader


async def _views(servers: Servers, reader: Reader) -> Any:
    async for item in servers.store.scan("messages"):
        if "message_id" in item and "#" not in item["sk"]:
            yield await reader.view(item)


async def _seen(servers: Servers, reader: Reader, view: View) -> Seen:
    item = view.item
    content = await reader.open(item)
    return Seen(
        message_id=item["message_id"],
        conversation_id=item["pk"],
        order_key=item["sk"],
        rev=item["rev"],
        direction=item["direction"],
        type=item["type"],
        wamid=content.wamid or "",
        content=content.message,
        state=item.get("state", ""),
        attempts=await _attempts(servers, item) if item["direction"] == "out" else {},
        media=item["media"],
        source=item["source"],
        echo="echo" in item["flags"],
        heard=await _heard(reader, view),
        erased=bool(item.get("erased")),
    )


async def _heard(reader: Reader, view: View) -> dict[int, str]:
    """What was transcribed of each file."""
    read = [(item["n"], await reader.open_child(item)) for item in view.readings]
    return {n: said["transcript"]["text"] for n, said in read if said.get("transcript")}


async def _spent(servers: Servers) -> int:
    return sum(
        [
            int(item["used"])
            async for item in servers.store.scan("policy")
            if item["pk"].startswith("BUDGET#media_bytes#")
        ]
    )


async def _attempts(servers: Servers, item: Any) -> dict[str, str]:
    lane = lane_pk(whatsapp_destination(item["pnid"]), item["pk"])
    page = await servers.store.query("deliveries", lane, Key("sk").begins_with(f"{item['message_id']}#"))
    return {f"{each['message_id']}.{each['part']}": each["state"] for each in page.items}


def _documents(index: MemoryIndex) -> list[Document]:
    found = index.documents("messages").items()
    return [Document("messages", name, version, document) for name, (version, document) in found]


async def _objects(servers: Servers, bucket: str, prefix: str) -> dict[str, bytes]:
    store = servers.buckets[bucket]
    return {info.key: await store.get(info.key) async for info in store.list(prefix)}


async def _files(servers: Servers) -> dict[str, str]:
    served = await _objects(servers, topology.MEDIA_BUCKET, "served/")
    originals = {key: data for key, data in served.items() if key.endswith("/original")}
    return {key.split("/")[2]: hashlib.sha256(data).hexdigest() for key, data in originals.items()}


def _parked(queue: Any) -> list[Parked]:
    return [
        Parked(queue.dlq.name, message.attributes.get("reason", ""), message.body) for message in _dead(queue)
    ]


def _dead(queue: Any) -> list[Message]:
    found: list[Message] = queue.dlq.stored()
    return found
