"""What the topics bring to the emulator's queues comes to the second engine's, whole."""

import asyncio
import json
from typing import Any

import pytest

from local.provision import clients, provision, queues
from shared import topology
from tests.faults.newsroom_wait import until
from tests.faults.second_engines import Bridge

pytestmark = pytest.mark.engines
ACCOUNT = "000000000000"
ATTRIBUTES = {"type": "desk.message.recorded.v1", "direction": "out"}


async def test_the_bridge_carries_a_published_event_with_its_attributes(
    ministack: str, elasticmq: str, prefix: str
) -> None:
    source, target = clients(ministack), clients(elasticmq)
    made = provision(source, prefix, ACCOUNT, b"p" * 32)
    urls = queues(target("sqs"), made.naming, {})
    source("sns").publish(
        TopicArn=made.topics[topology.DESK_EVENTS],
        Message=json.dumps({"n": 1}),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in ATTRIBUTES.items()
        },
    )
    bridge = Bridge(source, target, made.naming)
    async with bridge.running():
        found = [await asyncio.to_thread(_taken, target("sqs"), urls[name]) for name in ("search", "send")]
        await until(lambda: bridge.carried >= len(found), 10)
    assert [json.loads(each["Body"]) for each in found] == [{"n": 1}] * 2
    assert [
        {name: value["StringValue"] for name, value in each["MessageAttributes"].items()} for each in found
    ] == [ATTRIBUTES] * 2
    left = source("sqs").get_queue_attributes(
        QueueUrl=made.queues["search"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"


def _taken(sqs: Any, url: str) -> dict[str, Any]:
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])
    message: dict[str, Any] = answer["Messages"][0]
    return message
