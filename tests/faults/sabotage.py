"""What a saboteur works with: raw clients, a finished morning, and who may be hurt.

A sabotage is an async generator: it does its harm, yields what the audit must say of it, and where it can be
undone it is undone after the yield. Nothing here uses the product's code.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from local.plan import ACCOUNT, REGION
from tests.faults.newsroom import Newsroom
from tests.faults.sabotage_proxy import Proxy


@dataclass(frozen=True, slots=True)
class Expected:
    """What the audit must name."""

    invariant: int
    fault: str
    subject: str


_ARRIVED = frozenset({"delivered", "read"})
Harm = AsyncIterator[tuple[Expected, ...]]
Sabotage = Callable[["Scene"], Harm]


@dataclass(frozen=True, slots=True)
class Victim:
    """A message of the morning; `person` is the twin's id of who wrote it, or of whom ours went to."""

    message_id: str
    conversation_id: str
    order_key: str
    wamid: str
    person: str
    type: str
    shown: Mapping[str, Any]


class Scene:
    """A running system with a finished morning.

    Args:
        room: whose morning it was.
        proxy: stands between the desk's API and the audit.
    """

    def __init__(self, room: Newsroom, proxy: Proxy) -> None:
        self.room = room
        self.proxy = proxy
        self.prefix = room.system.plan.prefix
        self.rows: list[dict[str, Any]] = []
        self.victims: dict[str, list[Victim]] = {}
        self.s3, self.dynamodb = self._client("s3"), self._client("dynamodb")
        self.sqs, self.sns, self.eum = (
            self._client("sqs"),
            self._client("sns"),
            self._client("socialmessaging"),
        )

    def _client(self, service: str) -> Any:
        """Each call once; where the system's own environment sends it."""
        env = self.room.system.env
        once = Config(retries={"total_max_attempts": 1}, read_timeout=20)
        make: Any = boto3.client  # typed by literal service names only
        keys = {name: env[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
        endpoint = env[f"AWS_ENDPOINT_URL_{service.upper()}"]
        return make(service, endpoint_url=endpoint, config=once, region_name=REGION, **keys)

    async def look(self) -> None:
        """Read the finished morning: the history, and each thread as an agent sees it."""
        self.rows = await self.room.history()
        to = {row["attempt"].rpartition(".")[0]: row["user_id"] for row in self.of("shown")}
        for conversation_id in await self.room.conversations():
            path = f"/v1/conversations/{conversation_id}/messages?limit=200"
            for shown in (await self.room.get(path))["messages"]:
                victim = self._victim(shown, to)
                if victim is None:
                    continue
                self.victims.setdefault("out" if shown["direction"] == "out" else victim.type, []).append(
                    victim
                )

    def _victim(self, shown: dict[str, Any], to: Mapping[str, str]) -> Victim | None:
        """None where a message of ours waits for a person: nobody saw it, so nothing of it can be lost."""
        wamid = str(shown["whatsapp"].get("id", ""))
        person = self.room.said.get(wamid) or to.get(shown["message_id"])
        if person is None:
            return None
        ids = (shown["message_id"], shown["conversation_id"], shown["order_key"])
        return Victim(*ids, wamid, person, shown["type"], shown)

    def take(self, kind: str = "text") -> Victim:
        """One that nobody hurt yet. Raises IndexError where the morning was too short."""
        return self.victims[kind].pop(0)

    def take_pair(self, kind: str = "text") -> tuple[Victim, Victim]:
        """Two of one thread, the older one first."""
        listed = self.victims[kind]
        for older in listed:
            for newer in listed:
                if older.conversation_id == newer.conversation_id and older.order_key < newer.order_key:
                    listed.remove(older)
                    listed.remove(newer)
                    return older, newer
        raise IndexError(f"no thread has two of {kind}")

    def of(self, kind: str, **parts: str) -> Iterator[dict[str, Any]]:
        """Rows of the morning's history."""
        for row in self.rows:
            if row["kind"] == kind and all(row[name] == value for name, value in parts.items()):
                yield row

    def envelope(self, victim: Victim) -> str:
        """The bytes in which a message was published."""
        return str(next(self.of("published", wamid=victim.wamid, destination=""))["body"])

    def delivery(self, victim: Victim, place: str = "todo") -> tuple[str, dict[str, Any]]:
        """webhook-id and body with which a destination got a message."""
        for row in self.of("received", destination=place, phase="ok"):
            body = json.loads(row["body"])
            if body["data"]["message_id"] == victim.message_id:
                return row["remote_id"], body
        raise LookupError(f"{place} never got it")

    def call(self, victim: Victim) -> dict[str, Any]:
        """The message object of the first attempt of one of ours."""
        row = next(self.of("accepted", phase="invoke", attempt=f"{victim.message_id}.1"))
        asked: dict[str, Any] = json.loads(row["body"])
        return asked

    # --- the stores, raw

    def bucket(self, name: str) -> str:
        """A bucket's name."""
        return f"{self.prefix}{name}-{ACCOUNT}"

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Object keys."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket(bucket), Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def object(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = self.s3.get_object(Bucket=self.bucket(bucket), Key=key)["Body"].read()
        return body

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write over an object."""
        self.s3.put_object(Bucket=self.bucket(bucket), Key=key, Body=body)

    def delete_object(self, bucket: str, key: str) -> None:
        """Remove an object."""
        self.s3.delete_object(Bucket=self.bucket(bucket), Key=key)

    def item(self, table: str, pk: str, sk: str = "-") -> dict[str, Any]:
        """An item as the table holds it, in DynamoDB's own form."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found: dict[str, Any] = self.dynamodb.get_item(
            TableName=self.prefix + table, Key=key, ConsistentRead=True
        )["Item"]
        return found

    def put_item(self, table: str, item: Mapping[str, Any]) -> None:
        """Write over an item."""
        self.dynamodb.put_item(TableName=self.prefix + table, Item=dict(item))

    def delete_item(self, table: str, item: Mapping[str, Any]) -> None:
        """Remove an item."""
        key = {name: item[name] for name in ("pk", "sk")}
        self.dynamodb.delete_item(TableName=self.prefix + table, Key=key)

    def message(self, victim: Victim) -> dict[str, Any]:
        """A message's item."""
        return self.item("messages", victim.conversation_id, victim.order_key)

    def queue(self, name: str) -> str:
        """A queue's URL."""
        url: str = self.sqs.get_queue_url(QueueName=self.prefix + name)["QueueUrl"]
        return url

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds, visible or in somebody's hands."""
        return self._count(queue, "ApproximateNumberOfMessages") + self.in_hand(queue)

    def in_hand(self, queue: str) -> int:
        """How many messages of a queue are in somebody's hands."""
        return self._count(queue, "ApproximateNumberOfMessagesNotVisible")

    def _count(self, queue: str, name: str) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue(queue), AttributeNames=[name])
        return int(answer["Attributes"][name])

    def steal(self, queue: str, words: str, looks: int = 40) -> int:
        """Take messages that contain these words out of a queue, as a consumer that loses them; how many."""
        url, stolen = self.queue(queue), 0
        for _ in range(looks):
            answer = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1, WaitTimeSeconds=0
            )
            for each in answer.get("Messages", ()):
                if words in each["Body"]:
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
                    stolen += 1
            if stolen and not answer.get("Messages"):
                break
        return stolen


@dataclass(slots=True)
class Row:
    """What came of one sabotage."""

    name: str
    text: str
    expected: tuple[Expected, ...] = ()
    found: bool = False
    missing: list[Expected] = field(default_factory=list)
