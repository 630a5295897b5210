"""The dead-letter queue of a queue on SQS, as a place to put parked items."""

from typing import Any

from shared.queue.sqs import SqsQueue
from shared.topology import Naming, queue


async def open_dlq(client: Any, name: str, naming: Naming) -> SqsQueue:
    """The DLQ of queue `name`; it has none of its own, so nothing can be parked out of it."""
    dlq = queue(name).dlq
    answer = await client.get_queue_url(QueueName=naming.name(dlq))
    return SqsQueue(client, dlq, answer["QueueUrl"], answer["QueueUrl"])
