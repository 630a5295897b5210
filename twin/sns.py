"""The wire out: EUM Social's envelopes to the account's SNS topic, EventBridge's events to their queue.

The topic is the one set by PutWhatsAppBusinessAccountEventDestinations. PutEvents refuses sources that begin
with `aws.`, so EventBridge's events go to their target queue directly.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twin.driver import MAX_MESSAGE, PublishError
from twin.history import History

MAX_ENTRIES = 10  # SNS PublishBatch, SQS SendMessageBatch: entries a call
DESTINATIONS = "event_destinations"


class Wire:
    """Publishes with raw clients; the destination is read from the twin's kept settings at each call."""

    def __init__(
        self, history: History, sns: Any, sqs: Any, witness_queue: str, transcribe_queue: str = ""
    ) -> None:
        self._history = history
        self._sns = sns
        self._sqs = sqs
        self._queue = witness_queue
        self._jobs = transcribe_queue

    def has_topic(self) -> bool:
        """Whether the account has an event destination."""
        return bool(self._history.setting(DESTINATIONS, []))

    def has_witness(self) -> bool:
        """Whether EventBridge's side is wired."""
        return bool(self._queue)

    async def topic(self, bodies: Sequence[str]) -> None:
        """Publish envelopes in order, ten a call. Raises PublishError."""
        arn = self._history.setting(DESTINATIONS, [])[0]["eventDestinationArn"]
        for chunk in chunks(bodies):
            entries = [{"Id": str(n), "Message": body} for n, body in enumerate(chunk)]
            await self._call(self._sns.publish_batch, TopicArn=arn, PublishBatchRequestEntries=entries)

    async def witness(self, bodies: Sequence[str]) -> None:
        """Send EventBridge events to the queue that the rule targets. Raises PublishError."""
        await self._put(self._queue, bodies)

    async def job(self, body: str) -> None:
        """Send an EventBridge event of a transcription job to the queue its rule targets. Raises PublishError."""
        if self._jobs:
            await self._put(self._jobs, [body])

    async def _put(self, queue: str, bodies: Sequence[str]) -> None:
        url = (await self._call(self._sqs.get_queue_url, QueueName=queue))["QueueUrl"]
        for chunk in chunks(bodies):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(chunk)]
            await self._call(self._sqs.send_message_batch, QueueUrl=url, Entries=entries)

    async def _call(self, call: Any, **arguments: Any) -> Any:
        try:
            answer = await call(**arguments)
        except (BotoCoreError, ClientError) as wrong:
            raise PublishError(type(wrong).__name__) from wrong
        if answer.get("Failed"):
            raise PublishError(answer["Failed"][0].get("Code", "Failed"))
        return answer


def chunks(bodies: Sequence[str]) -> Iterator[list[str]]:
    """Runs of at most ten bodies and at most 256 KiB together, which is what one call may carry."""
    chunk: list[str] = []
    size = 0
    for body in bodies:
        weight = len(body.encode())
        if chunk and (len(chunk) == MAX_ENTRIES or size + weight > MAX_MESSAGE):
            yield chunk
            chunk, size = [], 0
        chunk.append(body)
        size += weight
    if chunk:
        yield chunk
