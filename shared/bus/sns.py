"""The topic `desk-events` on SNS through aiobotocore."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared import aws
from shared.bus.attributes import attributes, body
from shared.bus.port import BusUnavailableError
from shared.events.model import Event

if TYPE_CHECKING:
    from types_aiobotocore_sns import SNSClient

BATCH = 10  # SNS API reference, PublishBatch: entries a request
TRIES = 3  # of what a batch left over; then the caller's own retry takes over


class SnsBus:
    """Publishes events in batches; repeats what failed, for a double poke is harmless.

    Args:
        client: aiobotocore's, from `shared.aws.open_client`.
        topic_arn: of `desk-events`.
    """

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    async def publish(self, events: Sequence[Event]) -> None:
        """All events are out when this returns. Raises BusUnavailableError, ValueError for a refused one."""
        for start in range(0, len(events), BATCH):
            await self._publish(events[start : start + BATCH])

    async def probe(self) -> None:
        """Whether the topic answers, without publishing. Raises BusUnavailableError."""
        try:
            await self._client.get_topic_attributes(TopicArn=self._topic)
        except (BotoCoreError, ClientError) as error:
            raise BusUnavailableError("the topic does not answer") from error

    async def _publish(self, events: Sequence[Event]) -> None:
        left = {str(n): event for n, event in enumerate(events)}
        for _ in range(TRIES):
            failed = await self._batch([_entry(n, event) for n, event in left.items()])
            refused = [each for each in failed if each["SenderFault"] and each["Code"] not in aws.THROTTLED]
            if refused:
                raise ValueError(f"SNS refused {len(refused)} events: {refused[0]['Code']}")
            left = {each["Id"]: left[each["Id"]] for each in failed}
            if not left:
                return
        raise BusUnavailableError(f"{len(left)} events are not out")

    async def _batch(self, entries: list[Any]) -> list[Any]:
        try:
            answer = await self._client.publish_batch(
                TopicArn=self._topic, PublishBatchRequestEntries=entries
            )
        except (BotoCoreError, ClientError) as error:
            if aws.unavailable(error) or (isinstance(error, ClientError) and aws.throttled(error)):
                raise BusUnavailableError("no answer, throttled or a server fault") from error
            raise
        return list(answer.get("Failed", []))


def _entry(n: str, event: Event) -> dict[str, Any]:
    named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes(event).items()}
    return {"Id": n, "Message": body(event), "MessageAttributes": named}
