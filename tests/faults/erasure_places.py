"""Every place where something of a person could be left, read raw."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from services.ingest.keeper.erasers.places import of_object
from shared import topology
from tests.faults.erasure_edge import Edge
from tests.faults.newsroom import Newsroom
from tests.faults.sabotage import Scene

_SEEN_S = 3.0  # the index shows what it was told at most this much later
API = "the desk's API"


class Places:
    """The stores of a running system.

    Attributes:
        searched: how much was looked through, by kind.
        strange: objects under a prefix that no eraser answers for.
    """

    def __init__(self, room: Newsroom, scene: Scene, edge: Edge) -> None:
        self._room = room
        self._scene = scene
        self._edge = edge
        self.searched: Counter[str] = Counter()
        self.strange: set[str] = set()

    async def read(self) -> dict[str, bytes]:
        """Each place's whole content: tables, objects with their keys, queues, the index, the CDN's cache, the API."""
        found: dict[str, bytes] = {}
        for spec in topology.TABLES:
            self.searched["tables"] += 1
            found[f"table {spec.name}"] = repr(list(self.items(spec.name))).encode()
        for bucket in topology.BUCKETS:
            found[f"bucket {bucket}"] = self._bucket(bucket)
        for queue in topology.QUEUES:
            for name in (queue.name, queue.dlq):
                found[f"queue {name}"] = "\n".join(self._bodies(name)).encode()
        documents = await self.documents()
        self.searched["documents"] += len(documents)
        found["the index"] = json.dumps(documents, ensure_ascii=False).encode()
        found["the CDN's cache"] = self._cached()
        found[API] = json.dumps(await self.threads(), ensure_ascii=False).encode()
        return found

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """A table, item by item, in DynamoDB's own form."""
        name = f"{self._scene.prefix}{table}"
        for page in self._scene.dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            yield from page["Items"]

    def attributes(self, place: str, texts: Sequence[str]) -> str:
        """Of a table: in which attributes a text stands, for whoever must find out why."""
        table = place.removeprefix("table ")
        if table == place:
            return ""
        held = {
            name
            for item in self.items(table)
            for name, value in item.items()
            if any(text in repr(value) for text in texts)
        }
        return f" ({', '.join(sorted(held))})"

    async def documents(self) -> list[dict[str, Any]]:
        """Every document of the index."""
        await asyncio.sleep(_SEEN_S)
        found: list[dict[str, Any]] = []
        for alias in (topology.SEARCH_ALIAS, topology.SEARCH_CONVERSATIONS):
            url = f"{self._room.system.urls['opensearch']}/{self._scene.prefix}{alias}/_search"
            asked = {"size": 10_000, "version": True, "query": {"match_all": {}}}
            async with self._room.http.post(url, json=asked) as answer:
                answer.raise_for_status()
                found += (await answer.json())["hits"]["hits"]
        return found

    async def threads(self) -> list[dict[str, Any]]:
        """Every thread that the inbox lists, as an agent sees it."""
        asked = await self._room.conversations()
        return [await self._room.get(f"/v1/conversations/{each}/messages?limit=200") for each in asked]

    def _bucket(self, bucket: str) -> bytes:
        keys = self._scene.keys(bucket, "")
        self.searched["objects"] += len(keys)
        self.strange |= {f"{bucket}/{key}" for key in keys if of_object(bucket, key) is None}
        bodies = [self._scene.object(bucket, key) for key in keys]
        return b"\n".join([*(key.encode() for key in keys), *bodies])

    def _bodies(self, queue: str) -> Iterator[str]:
        url = self._scene.queue(queue)
        while True:
            answer = self._scene.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3
            )
            if not answer.get("Messages"):
                return
            for each in answer["Messages"]:
                self.searched["queued"] += 1
                yield each["Body"]

    def _cached(self) -> bytes:
        copies = self._edge.copies
        self.searched["cached"] += len(copies)
        return b"\n".join([*(url.encode() for url in copies), *(copy.body for copy in copies.values())])
