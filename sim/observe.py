"""What the audit sees of a world: the stores read raw, and the record as its reader shows it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from services.search.adapters.memory import MemoryIndex
from shared import topology
from shared.ids import Ids
from shared.record.build import build
from shared.record.reader import Reader, View
from shared.record.shape import lane_pk, whatsapp_destination
from shared.store.port import Key
from sim.clock import VirtualClock, token_bytes
from sim.servers import Servers
from twin.audit.observed import Acknowledged, Breaker, Document, Observed, Parked, Route, Seen, Thread


async def observe(
    servers: Servers,
    index: MemoryIndex,
    acknowledged: Sequence[Acknowledged],
    routes: Sequence[Route],
    ticks: Mapping[str, Sequence[str]],
    *,
    reopened: Sequence[int] = (),
    undisturbed: bool = False,
) -> Observed:
    """Everything there is, once the world is quiet."""
    reader = _reader(servers)
    messages = [await _seen(servers, reader, view) async for view in _views(servers, reader)]
    return Observed(
        raw=await _objects(servers, topology.RAW_BUCKET, "raw/"),
        messages=messages,
        documents=[doc for seen in messages for doc in await _document(index, seen.message_id)],
        parked=[item for queue in servers.queues.values() for item in _parked(queue)],
        acknowledged=acknowledged,
        routes=routes,
        files=await _files(servers),
        ticks=ticks,
        beside=await _beside(servers),
        conversations=await _threads(servers, reader),
        strays=await _strays(servers),
        cards={name: document for name, (_, document) in index.documents("conversations").items()},
        poison=await _objects(servers, topology.RAW_BUCKET, "poison/"),
        breakers=await _breakers(servers),
        reopened=reopened,
        holds=servers.holds,
        undisturbed=undisturbed,
    )


async def _beside(servers: Servers) -> dict[tuple[str, str], frozenset[str]]:
    """What stands beside each message: `<order_key>#<kind>#<child>`."""
    found: dict[tuple[str, str], set[str]] = {}
    async for item in servers.store.scan("messages"):
        key, _, child = item["sk"].partition("#")
        if child:
            found.setdefault((item["pk"], key), set()).add(child)
    return {place: frozenset(children) for place, children in found.items()}


async def _threads(servers: Servers, reader: Reader) -> list[Thread]:
    return [await _thread(item, reader) async for item in servers.store.scan("conversations")]


async def _strays(servers: Servers) -> list[str]:
    named = {item["contact_id"] async for item in servers.store.scan("aliases")}
    contacts = [item async for item in servers.store.scan("contacts") if item["sk"] == "-"]
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
    )


async def _attempts(servers: Servers, item: Any) -> dict[str, str]:
    lane = lane_pk(whatsapp_destination(item["pnid"]), item["pk"])
    page = await servers.store.query("deliveries", lane, Key("sk").begins_with(f"{item['message_id']}#"))
    return {f"{each['message_id']}.{each['part']}": each["state"] for each in page.items}


async def _document(index: MemoryIndex, message_id: str) -> list[Document]:
    found = await index.get("messages", message_id)
    return [] if found is None else [Document("messages", message_id, found[0], found[1])]


async def _objects(servers: Servers, bucket: str, prefix: str) -> dict[str, bytes]:
    store = servers.buckets[bucket]
    return {info.key: await store.get(info.key) async for info in store.list(prefix)}


async def _files(servers: Servers) -> dict[str, str]:
    served = await _objects(servers, topology.MEDIA_BUCKET, "served/")
    originals = {key: data for key, data in served.items() if key.endswith("/original")}
    return {key.split("/")[2]: hashlib.sha256(data).hexdigest() for key, data in originals.items()}


def _parked(queue: Any) -> list[Parked]:
    return [
        Parked(queue.dlq.name, message.attributes.get("reason", ""), message.body)
        for message in queue.dlq.stored()
    ]
