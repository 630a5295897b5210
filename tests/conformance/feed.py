"""Puts bodies on their way as the real senders do, by raw boto3, and waits until the queues are empty."""

import time
from collections.abc import Sequence
from typing import Any

from local.provision import Client, Provisioned
from tests.conformance.shapes import Sent

SNS_BYTES = 256 * 1024  # Amazon SNS quotas, "Message size"
_LOOK_S = 0.2
_QUIET_LOOKS = 5  # in a row: what one queue's worker hands to the next is in no queue for a moment


class NotDrainedError(Exception):
    """Queues that never became empty; the message says which."""


class Feed:
    """Sends into one system.

    Args:
        client: service name to boto3 client.
    """

    def __init__(self, client: Client, provisioned: Provisioned) -> None:
        self._sns, self._sqs = client("sns"), client("sqs")
        self._made = provisioned

    def send(self, sent: Sent) -> None:
        """Send one body; what SNS refuses for its size goes into the queue behind the topic, what SQS refuses nowhere."""
        if not sent.can_travel:
            return
        named = {
            name: {"DataType": "String", "StringValue": value} for name, value in sent.attributes.items()
        }
        if sent.road == "connect" or sent.bytes > SNS_BYTES:
            queue = "ingest" if sent.road == "whatsapp-events" else "connect"
            url = self._made.queues[queue]
            self._sqs.send_message(QueueUrl=url, MessageBody=sent.body, MessageAttributes=named)
        else:
            topic = self._made.topics[sent.road]
            self._sns.publish(TopicArn=topic, Message=sent.body, MessageAttributes=named)

    def drain(self, queues: Sequence[str], seconds: float) -> None:
        """Wait until these queues hold nothing, seen or unseen. Raises NotDrainedError."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < _QUIET_LOOKS:
            left = {name: self._depth(name) for name in queues}
            quiet = 0 if any(left.values()) else quiet + 1
            if time.monotonic() > end:
                raise NotDrainedError(", ".join(f"{name} {count}" for name, count in left.items() if count))
            time.sleep(_LOOK_S)

    def _depth(self, queue: str) -> int:
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._made.queues[queue], AttributeNames=names)
        return sum(int(count) for count in answer["Attributes"].values())

    def parked(self, queue: str) -> list[dict[str, str]]:
        """Attributes of everything in a dead-letter queue; it all stays there."""
        url = self._made.queues[f"{queue}-dlq"]
        taken: list[dict[str, Any]] = []
        while batch := self._batch(url):
            taken += batch
        for message in taken:
            self._sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return [
            {name: each["StringValue"] for name, each in message.get("MessageAttributes", {}).items()}
            for message in taken
        ]

    def _batch(self, url: str) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=300
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found
