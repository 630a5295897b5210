"""The second form of the system under test: queues on ElasticMQ, tables on DynamoDB Local, objects on versitygw.

Topics, keys and secrets stay with the emulator. Its own queues receive what the topics publish, and a bridge
carries it on to ElasticMQ's queues of the same names, at least once and in no order, as SNS does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import setup
from local.engines import dynamodb_local, elasticmq, versitygw
from local.process import Server, free_port
from local.provision import Client, environment_clients
from local.system import System
from shared import topology
from shared.topology import Naming

_ENGINES = {"SQS": elasticmq, "DYNAMODB": dynamodb_local, "S3": versitygw}
_POLL_S = 5
_FAILED_PAUSE_S = 0.5


@asynccontextmanager
async def second_engines(folder: Path, say: Callable[[str], None]) -> AsyncIterator[dict[str, str]]:
    """Start the three; yields the environment that sends every client to them."""
    names = tuple(engine.NAME for engine in _ENGINES.values())
    await asyncio.to_thread(setup.install, names, say)
    servers: dict[str, Server] = {}
    try:
        for service, engine in _ENGINES.items():
            servers[service] = engine.server(free_port(), folder / engine.NAME)
            servers[service].spawn()
        for service, engine in _ENGINES.items():
            await asyncio.to_thread(servers[service].wait_healthy, engine.READY_S)
        say(f"{', '.join(names)} ready")
        yield {
            "AWS_ACCESS_KEY_ID": versitygw.ACCESS_KEY,  # the only one that checks; the others take any
            "AWS_SECRET_ACCESS_KEY": versitygw.SECRET_KEY,
            **{f"AWS_ENDPOINT_URL_{service}": server.url for service, server in servers.items()},
        }
    finally:
        for server in servers.values():
            await asyncio.to_thread(server.stop)


class Bridge:
    """Carries each message of the emulator's queues to the second engine's.

    Args:
        source: clients of the emulator.
        target: clients of the second engine.
        naming: of both.

    Attributes:
        carried: how many messages it brought over.
    """

    def __init__(self, source: Client, target: Client, naming: Naming) -> None:
        self._source, self._target, self._naming = source, target, naming
        self.carried = 0

    @classmethod
    def of(cls, system: System) -> "Bridge":
        """Of a system on second engines."""
        emulator = {**system.env, "AWS_ENDPOINT_URL_SQS": system.env["AWS_ENDPOINT_URL_SNS"]}
        return cls(environment_clients(emulator), environment_clients(system.env), system.plan.naming)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry until the block ends."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._carry(spec.name)) for spec in topology.QUEUES]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _carry(self, queue: str) -> None:
        source, target = self._source("sqs"), self._target("sqs")  # a thread each: clients are not shared
        name = self._naming.name(queue)
        origin = source.get_queue_url(QueueName=name)["QueueUrl"]
        goal = target.get_queue_url(QueueName=name)["QueueUrl"]
        while True:
            try:
                count = await asyncio.to_thread(_carried, source, origin, target, goal)
            except (BotoCoreError, ClientError):  # it is received again
                await asyncio.sleep(_FAILED_PAUSE_S)
            else:
                self.carried += count


def _carried(source: Any, origin: str, target: Any, goal: str) -> int:
    """Bring over one batch; a message is deleted behind its copy only."""
    found = source.receive_message(
        QueueUrl=origin, MaxNumberOfMessages=10, WaitTimeSeconds=_POLL_S, MessageAttributeNames=["All"]
    ).get("Messages", [])
    for message in found:
        attributes = message.get("MessageAttributes", {})
        target.send_message(QueueUrl=goal, MessageBody=message["Body"], MessageAttributes=attributes)
        source.delete_message(QueueUrl=origin, ReceiptHandle=message["ReceiptHandle"])
    return len(found)
