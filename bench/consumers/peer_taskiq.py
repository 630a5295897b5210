"""taskiq with taskiq-aio-sqs: ten messages a receive, orjson; run by `taskiq worker`, which brings uvloop."""

import os

from taskiq.serializers import ORJSONSerializer
from taskiq_aio_sqs import SQSBroker

from bench.consumers.handler import recorder

record = recorder()
broker = SQSBroker(
    os.environ["BENCH_QUEUE"],
    endpoint_url=os.environ["AWS_ENDPOINT_URL_SQS"],
    region_name=os.environ["AWS_REGION"],
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    wait_time_seconds=10,
    max_number_of_messages=10,
    visibility_timeout=60,
).with_serializer(ORJSONSerializer())


@broker.task(task_name="handle")  # type: ignore[untyped-decorator] # not installed where mypy runs
async def handle(body: str) -> None:
    """The task."""
    record(body)
