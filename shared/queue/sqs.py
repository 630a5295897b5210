"""SQS behind the queue port: aiobotocore, JSON protocol; works alike on AWS, ministack and ElasticMQ.

Errors are told by their modelled class where there is one: ElasticMQ leaves the `AWS.SimpleQueueService.`
prefix off the codes, so codes alone would not match everywhere.
"""

import math
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError

from shared import aws
from shared.errors import StopAndPage
from shared.queue.port import MAX_WAIT_S, LeaseLostError, Message, QueueUnavailableError
from shared.topology import Naming

T = TypeVar("T")

_READ_S = MAX_WAIT_S + 5  # a long poll answers after its wait at the latest
_ATTEMPTS = 2  # a pooled connection that idled too long fails once; more is the worker's own pause
_PARK_S = 60  # longer than the two calls of a park may take with their retries
# SQS API reference, ReceiveMessage and SendMessage: common errors that no retry heals.
_HOPELESS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidAddress",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "KmsAccessDenied",
        "KmsDisabled",
        "KmsInvalidState",
        "KmsNotFound",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "QueueDoesNotExist",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "NonExistentQueue",
    }
)
# ChangeMessageVisibility of a receipt whose lease is over; AWS says InvalidParameterValue for an old one.
_LEASE_LOST = frozenset({"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"})


async def open_client(stack: AsyncExitStack, session: AioSession, region: str) -> Any:
    """The process's one SQS client; it lives until the stack closes. AWS_ENDPOINT_URL_SQS is honoured."""
    create: Any = session.create_client  # typed by literal service names only
    config = aws.config(attempts=_ATTEMPTS).merge(AioConfig(read_timeout=_READ_S))
    return await stack.enter_async_context(create("sqs", region_name=region, config=config))


async def open_queue(client: Any, name: str, naming: Naming) -> "SqsQueue":
    """The queue `name` of the topology and its DLQ. Raises StopAndPage where there is none."""
    url = await _url(client, naming.name(name))
    return SqsQueue(client, name, url, await _url(client, naming.name(f"{name}-dlq")))


async def open_dlq(client: Any, name: str, naming: Naming) -> "SqsQueue":
    """The dead-letter queue of queue `name`, as a place to put parked items."""
    url = await _url(client, naming.name(f"{name}-dlq"))
    return SqsQueue(client, f"{name}-dlq", url, url)


async def _url(client: Any, name: str) -> str:
    answer = await _answered(client.get_queue_url(QueueName=name))
    return str(answer["QueueUrl"])


class SqsQueue:
    """One SQS queue.

    Args:
        client: from `open_client`.
        name: as in the topology.
        url: of the queue. dlq_url: of its dead-letter queue.
    """

    def __init__(self, client: Any, name: str, url: str, dlq_url: str) -> None:
        self.name = name
        self._client = client
        self._url = url
        self._dlq_url = dlq_url

    async def receive(self, limit: int, wait_s: float, visibility_s: int) -> list[Message]:
        """Up to `limit` (1-10) messages, hidden for `visibility_s`; waits up to `wait_s` for the first.

        Raises QueueUnavailableError, and StopAndPage where no retry can help. So do the other calls.
        """
        answer = await _answered(
            self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=math.ceil(wait_s),
                VisibilityTimeout=visibility_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                MessageAttributeNames=["All"],
            )
        )
        return [_message(found) for found in answer.get("Messages", ())]

    async def hide(self, message: Message, seconds: int) -> None:
        """Set how long from now this receive stays hidden; 0 gives it back. Raises LeaseLostError."""
        call = self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
        )
        try:
            await _answered(call)
        except ClientError as error:
            if _code(error) in _LEASE_LOST:
                raise LeaseLostError(f"{self.name}: {_code(error)}") from error
            raise

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete up to 10; returns those that could not be deleted.

        Deleting twice is no error: a receipt that holds nothing any more is told as done, since no
        repetition would delete anything.
        """
        entries = [
            {"Id": str(place), "ReceiptHandle": message.receipt} for place, message in enumerate(messages)
        ]
        answer = await _answered(self._client.delete_message_batch(QueueUrl=self._url, Entries=entries))
        return [
            messages[int(failed["Id"])]
            for failed in answer.get("Failed", ())
            if str(failed["Code"]).rpartition(".")[2] not in _LEASE_LOST
        ]

    async def park(self, message: Message, reason: Mapping[str, str]) -> None:
        """Send the body to the DLQ with `reason` as attributes (at most 10), then delete the message.

        In this order: a crash between the two leaves the message twice, never nowhere. Hiding it first shows
        whether it is still ours, and keeps others away meanwhile. Raises LeaseLostError.
        """
        await self.hide(message, _PARK_S)
        await self._send(self._dlq_url, message.body, reason, 0)
        await _answered(self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt))

    async def send(self, body: str, attributes: Mapping[str, str], delay_s: int = 0) -> None:
        """Put a message into the queue."""
        await self._send(self._url, body, attributes, delay_s)

    async def depth(self) -> tuple[int, int]:
        """Visible and in-flight messages, approximate."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await _answered(self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names))
        visible, flying = (int(answer["Attributes"][name]) for name in names)
        return visible, flying

    async def _send(self, url: str, body: str, attributes: Mapping[str, str], delay_s: int) -> None:
        await _answered(
            self._client.send_message(
                QueueUrl=url,
                MessageBody=body,
                DelaySeconds=delay_s,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        )


def _message(found: Mapping[str, Any]) -> Message:
    system = found["Attributes"]
    return Message(
        id=found["MessageId"],
        body=found["Body"],
        receipt=found["ReceiptHandle"],
        receive_count=int(system["ApproximateReceiveCount"]),
        sent_ms=int(system["SentTimestamp"]),
        attributes={
            name: value["StringValue"]
            for name, value in found.get("MessageAttributes", {}).items()
            if "StringValue" in value  # binary ones are nobody's here
        },
    )


async def _answered(call: Awaitable[T]) -> T:
    """The call's answer; botocore's errors in the port's terms, other refusals as they are."""
    try:
        return await call
    except ClientError as error:
        if aws.throttled(error) or aws.unavailable(error):
            raise QueueUnavailableError(_code(error)) from error
        if _code(error) in _HOPELESS:
            raise StopAndPage(f"queue: {_code(error)}") from error
        raise
    except BotoCoreError as error:
        if aws.unavailable(error):
            raise QueueUnavailableError(type(error).__name__) from error
        raise


def _code(error: ClientError) -> str:
    """The code without its service's prefix; the modelled class's name where there is one."""
    name = type(error).__name__
    return aws.code(error).rpartition(".")[2] if name == "ClientError" else name
