"""sqs-workers on a raw queue with the batch reads its README names for fast ingestion; queue addressed by URL."""

import os
from typing import Any

from sqs_workers import RawQueue, SQSEnv
from sqs_workers.batching import BatchMessages

from bench.consumers.handler import recorder


def main() -> None:
    """Run until killed."""
    record = recorder()
    queue = SQSEnv().queue(
        "bench", RawQueue, BatchMessages(batch_size=10), queue_url=os.environ["BENCH_QUEUE_URL"]
    )

    @queue.raw_processor()  # type: ignore[untyped-decorator] # not installed where mypy runs
    def process(messages: list[Any]) -> None:
        for message in messages:
            record(message.body)

    queue.process_queue()


if __name__ == "__main__":
    main()
