"""One HTTP application with all wire faces of a twin, and the tasks behind it."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from twin.aws import Clients, open_clients
from twin.cdn import Cdn
from twin.control import Control
from twin.core.world import World
from twin.driver import Driver
from twin.eum import Eum
from twin.history import History
from twin.phone import Phone
from twin.receivers import Receivers
from twin.settings import Settings
from twin.signing import load_key
from twin.sns import Wire
from twin.transcribe import Transcribe

MAX_BODY = 150 * 1024 * 1024  # a document of 100 MB in base64
DRIVER = web.AppKey("driver", Driver)


def open_world(settings: Settings, history: History) -> World:
    """The world as the history left it, or a new one."""
    people, media, rows, items = history.restore()
    world = World(settings.account, f"{settings.seed}:{history.last_seq()}")
    world.restore(people, media, rows, items)
    return world


def build(driver: Driver, clients: Clients, settings: Settings, wire: Wire) -> web.Application:
    """All routes over one driver."""
    app = web.Application(client_max_size=MAX_BODY)
    app[DRIVER] = driver
    pem = settings.cdn_public_key
    keys = {settings.cdn_key_id: load_key(pem)} if pem else {}
    transcribe = Transcribe(driver, clients.s3, wire.job)
    transcribe.hook(app)
    faces = (
        Control(driver),
        Receivers(driver),
        Phone(driver),
        Cdn(clients.s3, settings.media_bucket, keys, driver.now),
        Eum(driver, clients.s3),
        transcribe,
    )
    for face in faces:
        app.add_routes(face.routes())
    return app


class Twin:
    """A running twin: `async with Twin(settings, now) as twin` serves until the block ends."""

    def __init__(self, settings: Settings, now: Any) -> None:
        self._settings = settings
        self._now = now
        self._stack = AsyncExitStack()
        self.port = 0
        self.driver: Driver

    async def __aenter__(self) -> Self:
        settings = self._settings
        history = self._history(settings.state_dir)
        clients = await open_clients(self._stack, settings.account.region)
        queues = settings.witness_queue, settings.transcribe_queue
        wire = Wire(history, clients.sns, clients.sqs, *queues)
        self.driver = Driver(open_world(settings, history), history, wire, self._now)
        task = asyncio.create_task(self.driver.run())
        self._stack.push_async_callback(self._drained, task)
        await self._serve(build(self.driver, clients, settings, wire))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _history(self, directory: Path) -> History:
        directory.mkdir(parents=True, exist_ok=True)
        history = History(directory / "history.sqlite3")
        self._stack.callback(history.close)
        return history

    async def _serve(self, app: web.Application) -> None:
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=2)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, self._settings.host, self._settings.port)
        await site.start()
        self.port = runner.addresses[0][1]

    async def _drained(self, task: asyncio.Task[None]) -> None:
        self.driver.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(task, 10)
