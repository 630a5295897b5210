"""Harm to what is kept: archive, record, files, search, queues, configuration. All of it is undone."""

import hashlib
import json
import uuid
from typing import Any

from tests.faults.newsroom_wait import until
from tests.faults.sabotage import Expected, Harm, Sabotage, Scene, Victim
from twin.audit.finding import pseudonym


def _archived(scene: Scene, victim: Victim) -> tuple[str, bytes, str]:
    """Key, bytes and hash of a message's envelope in the raw archive."""
    body = scene.envelope(victim).encode()
    digest = hashlib.sha256(body).hexdigest()
    return next(key for key in scene.keys("raw", "raw/eum/") if digest[:32] in key), body, digest


def _lost(invariant: int, subject: str) -> tuple[Expected]:
    return (Expected(invariant, "lost", subject),)


def _spoilt(body: bytes) -> bytes:
    """The same with one bit of the middle byte changed."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


async def raw_object_deleted(scene: Scene) -> Harm:
    """An archived envelope is deleted."""
    key, body, digest = _archived(scene, scene.take())
    scene.delete_object("raw", key)
    yield _lost(1, digest[:12])
    scene.put_object("raw", key, body)


async def raw_byte_altered(scene: Scene) -> Harm:
    """One bit of an archived envelope is turned."""
    key, body, digest = _archived(scene, scene.take())
    scene.put_object("raw", key, _spoilt(body))
    yield _lost(1, digest[:12])
    scene.put_object("raw", key, body)


async def raw_objects_swapped(scene: Scene) -> Harm:
    """Two archived envelopes change places."""
    one, other = _archived(scene, scene.take()), _archived(scene, scene.take())
    scene.put_object("raw", one[0], other[1])
    scene.put_object("raw", other[0], one[1])
    yield (*_lost(1, one[2][:12]), *_lost(1, other[2][:12]))
    scene.put_object("raw", one[0], one[1])
    scene.put_object("raw", other[0], other[1])


async def message_deleted(scene: Scene) -> Harm:
    """A received message is deleted from the record."""
    victim = scene.take()
    item = scene.message(victim)
    scene.delete_item("messages", item)
    yield _lost(2, pseudonym(victim.wamid))
    scene.put_item("messages", item)


async def message_index_deleted(scene: Scene) -> Harm:
    """The entry that finds a message by its id is deleted."""
    victim = scene.take()
    item = scene.item("ids", victim.message_id)
    scene.delete_item("ids", item)
    yield _lost(2, pseudonym(victim.wamid))
    scene.put_item("ids", item)


async def message_doubled(scene: Scene) -> Harm:
    """A received message stands in the record twice."""
    victim = scene.take()
    copy = scene.message(victim) | {"sk": {"S": victim.order_key[:-6] + "zzzzzz"}}
    scene.put_item("messages", copy)
    yield (Expected(2, "duplicated", victim.message_id),)
    scene.delete_item("messages", copy)


async def sealed_byte_altered(scene: Scene) -> Harm:
    """One bit of a message's sealed content is turned."""
    victim = scene.take()
    item = scene.message(victim)
    scene.put_item("messages", item | {"sealed": {"B": _spoilt(item["sealed"]["B"])}})
    yield _lost(2, victim.message_id)
    scene.put_item("messages", item)


async def sealed_contents_swapped(scene: Scene) -> Harm:
    """Two messages of one person get each other's sealed content."""
    one, other = scene.take_pair()
    first, second = scene.message(one), scene.message(other)
    scene.put_item("messages", first | {"sealed": second["sealed"]})
    scene.put_item("messages", second | {"sealed": first["sealed"]})
    yield (*_lost(2, one.message_id), *_lost(2, other.message_id))
    scene.put_item("messages", first)
    scene.put_item("messages", second)


async def conversation_deleted(scene: Scene) -> Harm:
    """A conversation is deleted: its messages are kept, and no agent finds them."""
    victim = scene.take()
    item = scene.item("conversations", victim.conversation_id)
    scene.delete_item("conversations", item)
    yield _lost(2, victim.message_id)
    scene.put_item("conversations", item)


async def shown_as_unsupported(scene: Scene) -> Harm:
    """A text is kept as a message that WhatsApp does not support."""
    victim = scene.take()
    item = scene.message(victim)
    scene.put_item("messages", item | {"type": {"S": "unsupported"}})
    yield _lost(11, victim.message_id)
    scene.put_item("messages", item)


async def acknowledged_message_deleted(scene: Scene) -> Harm:
    """A reply that the desk acknowledged is deleted."""
    victim = scene.take("out")
    item = scene.message(victim)
    scene.delete_item("messages", item)
    yield _lost(7, victim.message_id)
    scene.put_item("messages", item)


async def status_left_alone(scene: Scene) -> Harm:
    """A status that stood beside its reply is deleted."""
    victim = scene.take("out")
    beside = f"{victim.order_key}#status#1.sent"
    item = scene.item("messages", victim.conversation_id, beside)
    scene.delete_item("messages", item)
    yield _lost(2, victim.message_id)
    scene.put_item("messages", item)


async def last_message_forgotten(scene: Scene) -> Harm:
    """A conversation says that an older message is its last one."""
    victim = scene.take()
    item = scene.item("conversations", victim.conversation_id)
    scene.put_item("conversations", item | {"last_order_key": {"S": "0"}})
    yield (Expected(2, "wrong", victim.conversation_id),)
    scene.put_item("conversations", item)


async def contact_known_by_nothing(scene: Scene) -> Harm:
    """A contact is there that no alias leads to."""
    stray = {"pk": {"S": "p_00000000000000000000000000"}, "sk": {"S": "-"}, "rev": {"N": "1"}}
    scene.put_item("contacts", stray)
    yield (Expected(2, "wrong", stray["pk"]["S"]),)
    scene.delete_item("contacts", stray)


async def card_deleted(scene: Scene) -> Harm:
    """The search document of a conversation is deleted."""
    victim, search = scene.take(), _Search(scene, "desk-convs")
    hit = await search.hit(victim.conversation_id)
    await search.delete(hit)
    yield _lost(3, victim.conversation_id)
    await search.restore(hit)


async def state_set_back(scene: Scene) -> Harm:
    """A reply that was delivered is said to be sent."""
    victim = scene.take("out")
    item = scene.message(victim)
    scene.put_item("messages", item | {"state": {"S": "sent"}})
    yield _lost(6, victim.message_id)
    scene.put_item("messages", item)


async def tick_goes_back(scene: Scene) -> Harm:
    """A live client is shown `sent` after it was shown more."""
    victim = scene.take("out")
    item, ticks = scene.message(victim), scene.room.live.ticks
    before = list(ticks[victim.message_id])
    scene.put_item("messages", item | {"state": {"S": "sent"}})
    _poke(scene, victim, int(item["rev"]["N"]))
    await until(lambda: ticks[victim.message_id][-1] == "sent" and not scene.waiting("search"), 20)
    scene.put_item("messages", item)
    yield (Expected(6, "wrong", victim.message_id),)
    ticks[victim.message_id] = before


def _poke(scene: Scene, victim: Victim, rev: int) -> None:
    """Publish that a message changed, in the form of the desk's events."""
    ids = {"conversation_id": victim.conversation_id, "message_id": victim.message_id}
    facts = {"order_key": victim.order_key, "rev": rev, "direction": "out", "type": "text", "source": "live"}
    kind = "desk.message.changed.v1"
    event = {
        "specversion": "1.0",
        "id": f"{victim.message_id}:{uuid.uuid4().hex}",
        "source": "/sabotage",
        "subject": victim.conversation_id,
        "time": "2026-01-01T00:00:00.000Z",
        "type": kind,
        "data": ids | facts | {"changed": ["status"]},
    }
    topic = scene.sns.create_topic(Name=f"{scene.prefix}desk-events")["TopicArn"]
    attributes = {"type": {"DataType": "String", "StringValue": kind}}
    scene.sns.publish(TopicArn=topic, Message=json.dumps(event), MessageAttributes=attributes)


def _served(victim: Victim) -> tuple[str, str]:
    sha = str(victim.shown["media"][0]["sha256"])
    return f"served/{sha[:2]}/{sha}/original", sha


async def file_deleted(scene: Scene) -> Harm:
    """A served file is deleted."""
    victim = scene.take("image")
    key, _ = _served(victim)
    body = scene.object("media", key)
    scene.delete_object("media", key)
    yield _lost(2, victim.message_id)
    scene.put_object("media", key, body)


async def file_altered(scene: Scene) -> Harm:
    """One bit of a served file is turned."""
    victim = scene.take("image")
    key, _ = _served(victim)
    body = scene.object("media", key)
    scene.put_object("media", key, _spoilt(body))
    yield _lost(2, victim.message_id)
    scene.put_object("media", key, body)


async def files_swapped(scene: Scene) -> Harm:
    """Two served files change places."""
    one, other = scene.take("image"), scene.take("image")
    keys = _served(one)[0], _served(other)[0]
    bodies = [scene.object("media", key) for key in keys]
    for key, body in zip(keys, reversed(bodies), strict=True):
        scene.put_object("media", key, body)
    yield (*_lost(2, one.message_id), *_lost(2, other.message_id))
    for key, body in zip(keys, bodies, strict=True):
        scene.put_object("media", key, body)


class _Search:
    """An index by raw HTTP; versions are kept as they are."""

    def __init__(self, scene: Scene, index: str = "desk-msgs") -> None:
        self._http = scene.room.http
        self._url = scene.room.system.urls["opensearch"]
        self.alias = f"{scene.prefix}{index}"
        self.elsewhere = f"{self.alias}-1999.{uuid.uuid4().hex[:4]}"

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request. Raises ClientResponseError."""
        async with self._http.request(method, f"{self._url}/{path}", json=body) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    async def hit(self, message_id: str) -> dict[str, Any]:
        """A document with its index and version."""
        await self.ask("POST", f"{self.alias}/_refresh")
        question = {"version": True, "query": {"ids": {"values": [message_id]}}}
        found = await self.ask("POST", f"{self.alias}/_search", question)
        hit: dict[str, Any] = found["hits"]["hits"][0]
        return hit

    async def put(self, index: str, name: str, version: int, source: Any) -> None:
        """Write a document with a version of one's own."""
        await self.ask(
            "PUT", f"{index}/_doc/{name}?version={version}&version_type=external_gte&refresh=true", source
        )

    async def delete(self, hit: dict[str, Any]) -> None:
        """Delete a document so that it can be put back with the version it had."""
        version = f"version={hit['_version']}&version_type=external_gte"
        await self.ask("DELETE", f"{hit['_index']}/_doc/{hit['_id']}?{version}&refresh=true")

    async def restore(self, hit: dict[str, Any]) -> None:
        """Put a document back as it was."""
        await self.put(hit["_index"], hit["_id"], hit["_version"], hit["_source"])


async def document_deleted(scene: Scene) -> Harm:
    """A search document is deleted."""
    victim, search = scene.take(), _Search(scene)
    hit = await search.hit(victim.message_id)
    await search.delete(hit)
    yield _lost(3, victim.message_id)
    await search.restore(hit)


async def document_altered(scene: Scene) -> Harm:
    """A search document of the latest revision has other words."""
    victim, search = scene.take(), _Search(scene)
    hit = await search.hit(victim.message_id)
    words = victim.shown["whatsapp"]["text"]["body"]
    other = json.loads(json.dumps(hit["_source"]).replace(json.dumps(words)[1:-1], "otra cosa"))
    await search.put(hit["_index"], hit["_id"], hit["_version"], other)
    yield _lost(3, victim.message_id)
    await search.restore(hit)


async def document_stale(scene: Scene) -> Harm:
    """A search document is of an earlier revision."""
    victim, search = scene.take("image"), _Search(scene)
    hit = await search.hit(victim.message_id)
    await search.delete(hit)
    await search.put(search.elsewhere, hit["_id"], hit["_version"] - 1, hit["_source"])
    yield _lost(3, victim.message_id)
    await search.ask("DELETE", search.elsewhere)
    await search.restore(hit)


async def document_doubled(scene: Scene) -> Harm:
    """A message has two search documents."""
    victim, search = scene.take(), _Search(scene)
    hit = await search.hit(victim.message_id)
    await search.put(search.elsewhere, hit["_id"], hit["_version"], hit["_source"])
    yield (Expected(3, "duplicated", victim.message_id),)
    await search.ask("DELETE", search.elsewhere)


async def document_invented(scene: Scene) -> Harm:
    """A search document tells of a message that is not in the record."""
    victim, search, name = scene.take(), _Search(scene), f"i_{uuid.uuid4().hex[:26]}"
    hit = await search.hit(victim.message_id)
    await search.put(search.elsewhere, name, 1, hit["_source"])
    yield (Expected(5, "wrong", name),)
    await search.ask("DELETE", search.elsewhere)


async def envelope_parked(scene: Scene) -> Harm:
    """A well-formed envelope lies in the dead-letter queue."""
    body = scene.envelope(scene.take())
    scene.sqs.send_message(QueueUrl=scene.queue("ingest-dlq"), MessageBody=body)
    yield _lost(11, f"{scene.prefix}ingest-dlq")
    await _unparked(scene, "ingest-dlq", body)


async def event_parked(scene: Scene) -> Harm:
    """An event of ours lies in the indexer's dead-letter queue."""
    body = json.dumps({"id": scene.take().message_id})
    scene.sqs.send_message(QueueUrl=scene.queue("search-dlq"), MessageBody=body)
    yield _lost(11, f"{scene.prefix}search-dlq")
    await _unparked(scene, "search-dlq", body)


async def _unparked(scene: Scene, queue: str, body: str) -> None:
    """The audit's look hides a message for a moment."""
    await until(lambda: scene.steal(queue, body, looks=1), 20)


async def route_nobody_served(scene: Scene) -> Harm:
    """The configuration has a route along which nothing was delivered."""
    victim = scene.take()
    route = scene.item("config", "route", "todo") | {
        "sk": {"S": "nunca"},
        "destinations": {"L": [{"S": "archivo"}]},
    }
    scene.put_item("config", route)
    yield _lost(4, victim.message_id)
    scene.delete_item("config", route)


async def route_forgotten(scene: Scene) -> Harm:
    """The configuration no longer has the route along which messages were delivered."""
    victim, route = scene.take(), scene.item("config", "route", "todo")
    scene.delete_item("config", route)
    yield (Expected(4, "wrong", victim.message_id),)
    scene.put_item("config", route)


async def leaf_dropped(scene: Scene) -> Harm:
    """The API leaves a member of a message out."""
    victim = scene.take()

    def lie(path: str, shown: dict[str, Any]) -> dict[str, Any]:
        if path.endswith(f"/messages/{victim.message_id}"):
            del shown["whatsapp"]["timestamp"]
        return shown

    scene.proxy.lies.append(lie)
    yield _lost(2, victim.message_id)
    scene.proxy.lies.remove(lie)


async def leaf_changed(scene: Scene) -> Harm:
    """The API shows other words than the person's."""
    victim = scene.take()

    def lie(path: str, shown: dict[str, Any]) -> dict[str, Any]:
        if path.endswith(f"/messages/{victim.message_id}"):
            shown["whatsapp"]["text"]["body"] += "."
        return shown

    scene.proxy.lies.append(lie)
    yield _lost(2, victim.message_id)
    scene.proxy.lies.remove(lie)


async def reply_changed(scene: Scene) -> Harm:
    """The API shows a reply with other words than were acknowledged."""
    victim = scene.take("out")

    def lie(path: str, shown: dict[str, Any]) -> dict[str, Any]:
        if path.endswith(f"/messages/{victim.message_id}"):
            shown["whatsapp"]["text"]["body"] = "otra cosa"
        return shown

    scene.proxy.lies.append(lie)
    yield _lost(7, victim.message_id)
    scene.proxy.lies.remove(lie)


async def message_hidden(scene: Scene) -> Harm:
    """The API does not know a message."""
    victim = scene.take()

    def lie(path: str, shown: dict[str, Any]) -> dict[str, Any] | None:
        return None if path.endswith(f"/messages/{victim.message_id}") else shown

    scene.proxy.lies.append(lie)
    yield _lost(2, pseudonym(victim.wamid))
    scene.proxy.lies.remove(lie)


async def message_left_out_of_its_thread(scene: Scene) -> Harm:
    """A thread's pages leave a message out."""
    victim = scene.take()

    def lie(path: str, shown: dict[str, Any]) -> dict[str, Any]:
        if path.endswith(f"/{victim.conversation_id}/messages"):
            shown["messages"] = [m for m in shown["messages"] if m["message_id"] != victim.message_id]
        return shown

    scene.proxy.lies.append(lie)
    yield _lost(2, victim.message_id)
    scene.proxy.lies.remove(lie)


# The one that pokes the workers comes first, so that they see nothing of the others' harm.
UNDONE: tuple[Sabotage, ...] = (
    tick_goes_back,
    raw_object_deleted,
    raw_byte_altered,
    raw_objects_swapped,
    message_deleted,
    message_index_deleted,
    message_doubled,
    sealed_byte_altered,
    sealed_contents_swapped,
    conversation_deleted,
    shown_as_unsupported,
    acknowledged_message_deleted,
    state_set_back,
    status_left_alone,
    last_message_forgotten,
    contact_known_by_nothing,
    card_deleted,
    file_deleted,
    file_altered,
    files_swapped,
    document_deleted,
    document_altered,
    document_stale,
    document_doubled,
    document_invented,
    envelope_parked,
    event_parked,
    route_nobody_served,
    route_forgotten,
    leaf_dropped,
    leaf_changed,
    reply_changed,
    message_hidden,
    message_left_out_of_its_thread,
)
ALONE: tuple[Sabotage, ...] = (conversation_deleted,)
