"""Our worker as every service runs it - settings, metrics, tracing, ops port, drain - around the no-wait handler."""

from bench.consumers.handler import recorder
from shared.queue.port import Message
from shared.service import App, run
from shared.settings import Settings

QUEUE = "ingest"


async def compose(app: App[Settings]) -> None:
    """One worker."""
    record = recorder()

    async def handle(message: Message) -> None:
        record(message.body)

    app.worker(await app.queue(QUEUE), handle)


def main() -> None:
    """Run until a signal."""
    run("bench", Settings, compose)


if __name__ == "__main__":
    main()
