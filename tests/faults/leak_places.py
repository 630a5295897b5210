"""Where personal data must not stand: each place of a running system as bytes."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.plan import SERVICES
from shared import topology
from tests.faults.newsroom import Newsroom
from tests.faults.sabotage import Scene

_LOOKS, _PAUSE_S = 8, 0.5
EVERYTHING = frozenset({"number", "name", "nonce", "wamid", "user id", "token", "secret", "signed URL"})
# What people wrote is theirs to get, and a file's link too; who wrote it is not.
DELIVERED = frozenset({"number", "name", "wamid", "user id", "token", "secret"})


@dataclass(frozen=True, slots=True)
class Place:
    """One place: how much there is to search (lines, items, keys) and its bytes.

    Attributes:
        forbidden: the kinds of needles that must not stand here.
    """

    name: str
    count: int
    content: bytes
    forbidden: frozenset[str] = EVERYTHING


class Tap:
    """A queue of our own on the topic of desk events, filled from now on."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._url: str = scene.sqs.create_queue(QueueName=f"{scene.prefix}leak-tap")["QueueUrl"]
        names = ["QueueArn"]
        arn = scene.sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"][
            "QueueArn"
        ]
        topic = scene.sns.create_topic(Name=f"{scene.prefix}{topology.DESK_EVENTS}")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        scene.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)

    def taken(self) -> list[dict[str, Any]]:
        """All events so far, with their attributes."""
        return list(_drained(self._scene, self._url))


def _drained(scene: Scene, url: str) -> Iterator[dict[str, Any]]:
    """Every message of a queue, hidden for a while as it is seen."""
    while True:
        answer = scene.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=120, MessageAttributeNames=["All"]
        )
        if not answer.get("Messages"):
            return
        yield from answer["Messages"]


async def places(room: Newsroom, scene: Scene, tap: Tap) -> list[Place]:
    """All of them."""
    return [
        *_logs(room),
        *[await _metrics(room, program.name, program.ops) for program in SERVICES],
        _events(tap),
        await _parked(scene),
        *[await _documents(room, f"{scene.prefix}{alias}") for alias in _ALIASES],
        *(_objects(scene, bucket) for bucket in topology.BUCKETS),
        *await _outside(room),
        *(place for spec in topology.TABLES for place in _table(scene, spec.name)),
    ]


_ALIASES = (topology.SEARCH_ALIAS, topology.SEARCH_CONVERSATIONS)


def _logs(room: Newsroom) -> Iterator[Place]:
    """Each service's log; the spans in it are counted as a place of their own."""
    for program in SERVICES:
        lines = room.system.log(program.name).read_bytes().splitlines()
        spans = [line for line in lines if b'"span"' in line]
        other = [line for line in lines if b'"span"' not in line]
        yield Place(f"log of {program.name}", len(other), b"\n".join(other))
        yield Place(f"spans of {program.name}", len(spans), b"\n".join(spans))


async def _metrics(room: Newsroom, name: str, row: str) -> Place:
    async with room.http.get(f"{room.system.urls[row]}/metrics") as answer:
        page = await answer.read()
    return Place(f"metrics of {name}", len(page.splitlines()), page)


def _events(tap: Tap) -> Place:
    events = tap.taken()
    return Place("desk events", len(events), _text([e["Body"] + _attributes(e) for e in events]))


async def _parked(scene: Scene) -> Place:
    """The attributes only: the body of a parked envelope is the envelope.

    Looked at for longer than the audit's own look hides what it saw.
    """
    found: dict[str, str] = {}
    for _ in range(_LOOKS):
        for spec in topology.QUEUES:
            found |= {m["MessageId"]: _attributes(m) for m in _drained(scene, scene.queue(spec.dlq))}
        await asyncio.sleep(_PAUSE_S)
    return Place("dead-letter attributes", len(found), _text(list(found.values())))


def _attributes(message: Mapping[str, Any]) -> str:
    return json.dumps({k: v.get("StringValue") for k, v in message.get("MessageAttributes", {}).items()})


async def _documents(room: Newsroom, alias: str) -> Place:
    """Index names and ids; the content is what people search."""
    asked = {"size": 10_000, "_source": False, "query": {"match_all": {}}}
    async with room.http.post(f"{room.system.urls['opensearch']}/{alias}/_search", json=asked) as answer:
        answer.raise_for_status()
        hits = (await answer.json())["hits"]["hits"]
    return Place(f"ids in {alias}", len(hits), _text([json.dumps(hit) for hit in hits]))


def _objects(scene: Scene, bucket: str) -> Place:
    keys = scene.keys(bucket, "")
    return Place(f"keys in bucket {bucket}", len(keys), _text(keys))


async def _outside(room: Newsroom) -> list[Place]:
    """What others keep of us: the ids of our sends, and what destinations got."""
    rows = await room.history()
    sent = [json.loads(row["body"]) for row in rows if row["kind"] == "accepted" and row["body"]]
    callbacks = [
        str(asked["biz_opaque_callback_data"]) for asked in sent if "biz_opaque_callback_data" in asked
    ]
    received = [row["remote_id"] + row["body"] for row in rows if row["kind"] == "received"]
    return [
        Place("biz_opaque_callback_data", len(callbacks), _text(callbacks)),
        Place("deliveries", len(received), _text(received), DELIVERED),
    ]


def _table(scene: Scene, table: str) -> Iterator[Place]:
    """Keys, and all else that is not sealed: every string and number of the items."""
    pages = scene.dynamodb.get_paginator("scan").paginate(TableName=f"{scene.prefix}{table}")
    items = [item for page in pages for item in page["Items"]]
    keys = [f"{item['pk']['S']} {item['sk']['S']}" for item in items]
    yield Place(f"keys of table {table}", len(keys), _text(keys))
    clear = ["\n".join(_clear({"M": item})) for item in items]
    yield Place(f"clear attributes of table {table}", len(clear), _text(clear))


def _clear(value: Mapping[str, Any]) -> Iterator[str]:
    """Strings and numbers of a value in DynamoDB's form; binary ones are sealed."""
    for kind, inner in value.items():
        if kind in {"S", "N"}:
            yield inner
        elif kind in {"SS", "NS"}:
            yield from inner
        elif kind == "L":
            yield from (text for each in inner for text in _clear(each))
        elif kind == "M":
            yield from inner
            yield from (text for each in inner.values() for text in _clear(each))


def _text(parts: list[str]) -> bytes:
    return "\n".join(parts).encode("utf-8", "surrogatepass")
