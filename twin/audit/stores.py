"""The stores read by raw boto3 clients: archive, files, tables, dead-letter queues, and whether all is at rest."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from twin.audit.observed import Breaker, Parked, Route, Thread

_PLAIN = TypeDeserializer()
_QUEUES = ("ingest", "connect", "media", "forwarder", "send", "search", "desk")
_DLQ_VISIBILITY_S = 2  # a look, not a consumption: what was seen is visible again at once
_LOOKS = 400  # receives of ten, at most, from one dead-letter queue


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as the table lists it: ids and facts only; its content is read through the API."""

    message_id: str
    rev: int
    search_expected: bool


class Stores:
    """Raw clients from the environment (AWS_ENDPOINT_URL_*, credentials, Region).

    Args:
        prefix: of the resources. account: 12 digits, part of the buckets' names.
    """

    def __init__(self, prefix: str, account: str) -> None:
        self._prefix = prefix
        self._account = account
        session = boto3.session.Session()
        self._s3 = session.client("s3")
        self._dynamodb = session.client("dynamodb")
        self._sqs = session.client("sqs")

    def raw(self) -> dict[str, bytes]:
        """The raw archive: key -> bytes."""
        return self._archived("raw/")

    def poison(self) -> dict[str, bytes]:
        """What was put aside: key -> bytes."""
        return self._archived("poison/")

    def files(self) -> dict[str, str]:
        """Served originals: the hash in the key -> the hash of the bytes."""
        bucket = f"{self._prefix}media-{self._account}"
        keys = [key for key in self._keys(bucket, "served/") if key.endswith("/original")]
        return {key.split("/")[2]: hashlib.sha256(self._object(bucket, key)).hexdigest() for key in keys}

    def messages(self) -> list[Listed]:
        """Every message there is, by the table."""
        return [
            Listed(item["message_id"], int(item["rev"]), search_expected=not item.get("erased", False))
            for item in self._scan("messages")
            if "message_id" in item and "#" not in item["sk"]
        ]

    def beside(self) -> dict[tuple[str, str], frozenset[str]]:
        """What stands beside each message: `<order_key>#<kind>#<child>`."""
        found: dict[tuple[str, str], set[str]] = {}
        for item in self._scan("messages"):
            key, _, child = item["sk"].partition("#")
            if child:
                found.setdefault((item["pk"], key), set()).add(child)
        return {place: frozenset(children) for place, children in found.items()}

    def conversations(self) -> list[Thread]:
        """Every conversation by the table, with its person after all merges; what it is called is not said here."""
        contacts = self._contacts()
        return [
            Thread(
                id=item["pk"],
                pnid=item["pnid"],
                contact_id=_root(contacts, item.get("contact_id", "")),
                last_order_key=item["last_order_key"],
                unread=int(item["unread"]),
            )
            for item in self._scan("conversations")
        ]

    def strays(self) -> list[str]:
        """Contacts that are merged into nobody and that no alias names."""
        named = {item["contact_id"] for item in self._scan("aliases")}
        return [contact for contact, into in self._contacts().items() if not into and contact not in named]

    def breakers(self) -> list[Breaker]:
        """Whether sends are stopped, one an account."""
        return [
            Breaker(bool(item.get("open")), int(item.get("closed_at", 0)))
            for item in self._scan("policy")
            if item["pk"].startswith("BREAKER#")
        ]

    def routes(self) -> list[Route]:
        """The configuration, read our own way: one entry a destination that is a receiver of the twin."""
        config = list(self._scan("config"))
        places = {
            item["sk"]: item["url"].rpartition("/")[2] for item in config if item["pk"] == "destination"
        }
        rules = [item for item in config if item["pk"] == "route" and item.get("enabled", True)]
        return [
            _route(places[name], rule["match"])
            for rule in rules
            for name in rule["destinations"]
            if name in places
        ]

    def parked(self) -> list[Parked]:
        """What lies in the dead-letter queues."""
        return [found for name in _QUEUES for found in self._dlq(f"{self._prefix}{name}-dlq")]

    def under_way(self) -> list[str]:
        """What is not at rest: queues that hold messages, due items, owed deliveries. Empty = quiet."""
        left = [name for name in _QUEUES if self._depth(f"{self._prefix}{name}")]
        left += sorted({f"due {item['pk']} {item['kind']}" for item in self._scan("due")})
        left += sorted({f"owed {item['state']}" for item in self._scan("deliveries") if "owed" in item})
        return left

    def _depth(self, queue: str) -> int:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def _dlq(self, queue: str) -> Iterator[Parked]:
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        seen: set[str] = set()
        for _ in range(_LOOKS):
            answer = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=_DLQ_VISIBILITY_S,
                MessageAttributeNames=["All"],
            )
            fresh = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
            if not fresh:
                return
            for each in fresh:
                seen.add(each["MessageId"])
                named = each.get("MessageAttributes", {})
                yield Parked(queue, named.get("reason", {}).get("StringValue", ""), each["Body"])

    def _contacts(self) -> dict[str, str]:
        """contact_id -> whom it was merged into, empty where it was not."""
        return {
            item["pk"]: item.get("merged_into", "") for item in self._scan("contacts") if item["sk"] == "-"
        }

    def _archived(self, prefix: str) -> dict[str, bytes]:
        bucket = f"{self._prefix}raw-{self._account}"
        return {key: self._object(bucket, key) for key in self._keys(bucket, prefix)}

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))

    def _object(self, bucket: str, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def _scan(self, table: str) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=f"{self._prefix}{table}", ConsistentRead=True
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: _PLAIN.deserialize(value) for name, value in item.items()}


def _root(contacts: Mapping[str, str], contact: str) -> str:
    while into := contacts.get(contact, ""):
        contact = into
    return contact


def _route(destination: str, match: dict[str, Any]) -> Route:
    values = [str(value) for value in match.get("values", [])]
    if match["by"] == "type":
        return Route(destination, types=frozenset(values))
    if match["by"] == "keyword":
        return Route(destination, words=tuple(values))
    return Route(destination)
