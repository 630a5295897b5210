"""Ingest, forwarder and gateway as real processes between the twin and the emulator: there, back, and killed."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import boto3
import pytest
from aiobotocore.session import get_session

from local.plan import ACCOUNT, PHONE_NUMBER
from local.system import System
from shared import topology
from shared.bus.sns import SnsBus
from shared.clock import SystemClock
from shared.due import publish_outbox
from shared.ids import Ids, desk_id
from shared.objects.s3 import S3Objects
from shared.record.build import build
from shared.record.outbound import Draft
from shared.record.shape import lane_pk, whatsapp_destination
from shared.store.dynamo import DynamoStore
from shared.vault.kms import KmsKeys
from shared.vault.secrets import read_pepper

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("forwarder-processes")]

DESTINATION = "sistema"
CUSTOMER = "5215511112222"
SECRET = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2s="
NOT_NEEDED = ("opensearch", "oidc", "media", "indexer", "search", "desk")
LIMIT_S = 100.0  # what a killed worker held comes back after the queue's 60 s visibility


class Newsroom:
    """What a test does and sees: the twin's control, raw reads of the store, and the desk's way to write."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.twin = system.urls["twin"]
        self.table = boto3.resource(
            "dynamodb", endpoint_url=system.urls["ministack"], region_name="us-east-1"
        ).Table

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(self.twin + path, data=json.dumps(body).encode())  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())

    def rows(self, kind: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.twin}/_twin/history?after=0&bodies=1", timeout=10) as answer:  # noqa: S310 - loopback
            rows = [json.loads(line) for line in answer.read().splitlines()]
        return [row for row in rows if row["kind"] == kind]

    def received(self) -> list[dict[str, Any]]:
        kept = [row for row in self.rows("received") if row["phase"] == "ok"]
        return [json.loads(row["body"])["data"] for row in kept if row["destination"] == DESTINATION]

    def configure(self, destination: str) -> None:
        """A destination at the twin, its secret, and a route that sends it everything."""
        self.post("/_twin/destinations", name=destination, secret=SECRET)
        secrets = boto3.client(
            "secretsmanager", endpoint_url=self.system.urls["ministack"], region_name="us-east-1"
        )
        secrets.create_secret(Name=f"hook-{destination}", SecretString=SECRET)
        config = self.table(f"{self.system.plan.prefix}config")
        place = {
            "kind": "webhook",
            "url": f"{self.twin}/hooks/{destination}",
            "secret": f"hook-{destination}",
        }
        config.put_item(Item={"pk": "destination", "sk": destination, "version": 1, **place})
        route = {"match": {"by": "all"}, "destinations": [destination]}
        config.put_item(Item={"pk": "route", "sk": destination, "version": 1, **route})

    def message(self, pk: str, sk: str) -> dict[str, Any]:
        answer = self.table(f"{self.system.plan.prefix}messages").get_item(
            Key={"pk": pk, "sk": sk}, ConsistentRead=True
        )
        item: dict[str, Any] = answer["Item"]
        return item

    def attempt(self, conversation: str, message_id: str) -> dict[str, Any]:
        pk = lane_pk(whatsapp_destination(PHONE_NUMBER), conversation)
        table = self.table(f"{self.system.plan.prefix}deliveries")
        item: dict[str, Any] = table.get_item(Key={"pk": pk, "sk": f"{message_id}#1"}, ConsistentRead=True)[
            "Item"
        ]
        return item

    def owed(self) -> int:
        items = self.table(f"{self.system.plan.prefix}deliveries").scan(ConsistentRead=True)["Items"]
        return sum("owed" in item for item in items)

    async def reply(self, conversation: str, body: str, key: str) -> tuple[str, str]:
        """Write as the desk does; answers message_id and order_key."""
        async with AsyncExitStack() as stack:
            clients = {name: await self._client(stack, name) for name in _CLIENTS}
            naming, clock = topology.Naming(self.system.plan.prefix), SystemClock()
            ids, store = Ids(clock), DynamoStore(clients["dynamodb"], naming)
            raw = S3Objects(clients["s3"], naming.bucket(topology.RAW_BUCKET, ACCOUNT))
            keys = KmsKeys(clients["kms"], f"alias/{naming.name(topology.KMS_ALIAS)}")
            pepper = await read_pepper(clients["secretsmanager"], naming.name(topology.PEPPER_SECRET))
            record = build(store, raw, keys, pepper, clock, ids, service="desk")
            message = {"type": "text", "text": {"body": body}}
            draft = Draft(desk_id("ana", key), conversation, "ana", "text", message, body)
            kept = await record.outbound.record(draft)
            bus = SnsBus(clients["sns"], naming.topic_arn(topology.DESK_EVENTS, "us-east-1", ACCOUNT))
            await publish_outbox(bus, store, kept.events, kept.owed)
            assert kept.message is not None
            return kept.item_id, kept.message["sk"]

    async def _client(self, stack: AsyncExitStack, name: str) -> Any:
        create: Any = get_session().create_client
        url = self.system.urls["ministack"]
        return await stack.enter_async_context(create(name, region_name="us-east-1", endpoint_url=url))


_CLIENTS = ("dynamodb", "s3", "kms", "secretsmanager", "sns")


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """Emulator, twin, ingest, forwarder and gateway; nothing else."""
    extra = {"CDMX_WEBHOOK_LOOPBACK": "true"}
    system = System(without=NOT_NEEDED, opensearch_url="http://127.0.0.1:9", extra=extra)
    asyncio.run(system.start())
    newsroom = Newsroom(system)
    newsroom.configure(DESTINATION)
    yield newsroom
    asyncio.run(system.stop())


async def _until(seen: Callable[[], Any], what: str) -> Any:
    """Wait for something to be seen; fails by name after LIMIT_S."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(seen)
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {LIMIT_S:.0f} s: {what}")


async def _customer_writes(room: Newsroom, text: str) -> dict[str, Any]:
    room.post(f"/_twin/customers/{CUSTOMER}/messages", type="text", text=text)
    found: dict[str, Any] = await _until(
        lambda: next((data for data in room.received() if text in data["text"]), None), text
    )
    return found


async def test_there_and_back(room: Newsroom) -> None:
    """A customer's message reaches a signed webhook; a reply reaches the customer and its ticks come back."""
    data = await _customer_writes(room, "Hay humo en Reforma")
    assert CUSTOMER not in json.dumps(data)
    message_id, key = await room.reply(data["conversation_id"], "Gracias, vamos para allá", "uno")
    await _until(
        lambda: room.message(data["conversation_id"], key)["state"] in {"delivered", "read"}, "ticks"
    )
    shown = [row for row in room.rows("shown") if row["attempt"] == f"{message_id}.1"]
    assert len(shown) == 1
    assert room.rows("violation") == []


async def test_a_gateway_killed_in_its_call_sends_nothing_twice(room: Newsroom) -> None:
    """The answer never came back to anyone: the status settles the attempt, the next message goes on."""
    data = await _customer_writes(room, "¿Siguen ahí?")
    room.post("/_twin/faults", kind="timeout_after", rate=1, min_ms=4000, max_ms=4000)
    message_id, key = await room.reply(data["conversation_id"], "Aquí estamos", "dos")
    attempt = f"{message_id}.1"
    await _until(lambda: [row for row in room.rows("handed_over") if row["attempt"] == attempt], "the call")
    room.system.kill("gateway")
    room.post("/_twin/faults", kind="timeout_after", rate=0)
    await room.system.restart("gateway")
    _, later = await room.reply(data["conversation_id"], "Le mandamos a alguien", "tres")
    done = {"delivered", "read"}
    await _until(lambda: room.message(data["conversation_id"], later)["state"] in done, "the next message")
    await _until(lambda: room.message(data["conversation_id"], key)["state"] in done, "the killed one")
    await _until(lambda: room.owed() == 0, "nothing owed")
    taken = [row for row in room.rows("handed_over") if row["attempt"] == attempt]
    assert len(taken) == 1


def _parts(room: Newsroom) -> list[dict[str, Any]]:
    return [data for data in room.received() if data["text"].startswith("parte ")]


async def test_a_forwarder_killed_at_work_loses_and_repeats_nothing(room: Newsroom) -> None:
    texts = [f"parte {n}" for n in range(20)]
    for number, text in enumerate(texts):
        room.post(f"/_twin/customers/52155000000{number % 5:02d}/messages", type="text", text=text)
        if number == 10:
            await _until(lambda: len(_parts(room)) > 0, "the first ones")
            room.system.kill("forwarder")
            await room.system.restart("forwarder")
    await _until(lambda: len(_parts(room)) >= len(texts), "all of them")
    got = _parts(room)
    assert len({data["message_id"] for data in got}) == len(got) == len(texts)
    last: dict[str, str] = {}
    for data in got:
        assert data.get("late") or data["order_key"] > last.get(data["conversation_id"], "")
        last[data["conversation_id"]] = max(data["order_key"], last.get(data["conversation_id"], ""))
