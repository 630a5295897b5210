"""A whole service in a few lines: what `shared.service.run` gives every `__main__`."""

import asyncio
import sys

from shared.errors import StopAndPage
from shared.queue.port import Message
from shared.service import App, run
from shared.settings import Settings


async def compose(app: App[Settings]) -> None:
    async def handler(message: Message) -> None:
        app.log.info("handled", body_chars=len(message.body))
        if message.body == "stop":
            raise StopAndPage("foreign_account")
        if message.body == "slow":
            await asyncio.sleep(3)

    queue = await app.queue("ingest")
    app.worker(queue, handler, wait_s=1.0)


async def dying(app: App[Settings]) -> None:
    async def call() -> None:
        raise LookupError("+5215512345678")

    await compose(app)
    app.every("dies", 1, call)


if __name__ == "__main__":
    run("ingest", Settings, dying if sys.argv[1:] == ["dying"] else compose)
