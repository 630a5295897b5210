"""What every `__main__` does alike: settings, logs, metrics, ops port, signals, supervision, drain.

    def main() -> None:
        run("ingest", Settings, compose)

    async def compose(app: App[Settings]) -> None:
        queue = await app.queue("ingest")
        app.worker(queue, handler)

`compose` builds the service out of the app's parts and returns; the process then runs until a signal, or until
one of its tasks ends by itself, which stops all: a process that does half its work is worse than a restart.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Generic, TypeVar

import structlog
import uvloop
from prometheus_client import CollectorRegistry, ProcessCollector

from shared import aws, aws_models, memory, topology
from shared.bus.port import Bus
from shared.bus.sns import SnsBus
from shared.clock import Clock, SystemClock
from shared.ids import Ids
from shared.objects.port import Objects
from shared.objects.s3 import S3Objects
from shared.observability import logging
from shared.observability.health import Health, OpsServer
from shared.observability.metrics import Metrics
from shared.observability.queue_watch import QueueWatch
from shared.observability.trace import Tracing
from shared.queue import sqs
from shared.queue.breaker import Breaker
from shared.queue.options import Options
from shared.queue.port import Queue, QueueUnavailableError
from shared.queue.worker import Handler, Worker
from shared.settings import Settings, SettingsError, load
from shared.store.dynamo import DynamoStore
from shared.store.port import Store
from shared.vault.kms import KmsKeys
from shared.vault.pepper import Pepper
from shared.vault.port import KeyService
from shared.vault.secrets import read_pepper

S = TypeVar("S", bound=Settings)
Task = Callable[[asyncio.Event], Awaitable[None]]

_GRACE_S = 115.0  # ECS kills at 120 (stopTimeout); a worker's own drain is bounded below this
_DEPTH_S = 15.0


class App(Generic[S]):
    """The parts of one process, and what is to run in it.

    Attributes:
        name: the service's. settings: its own. stop: set once the process must end.
        clock, ids, log, metrics, tracing: to be passed on.
        stack: closes what was opened when the process ends.
        health: further checks go here.
        session: the one SDK session, whose models all clients share.
    """

    def __init__(self, name: str, settings: S, stack: AsyncExitStack, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.stack = stack
        self.clock = clock
        self.ids = Ids(clock)
        self.stop = asyncio.Event()
        self.health = Health()
        self.metrics = Metrics(CollectorRegistry())
        ProcessCollector(registry=self.metrics.registry)
        redactions = self.metrics.log_redactions_total
        self.log = logging.build(
            name, settings.log_level, clock, redacted=lambda rule: redactions.labels(rule).inc()
        )
        debug = settings.log_level == "debug"
        self.tracing = Tracing(
            name, self.ids, clock, (lambda span: self.log.debug("span", **span)) if debug else None
        )
        self.tasks: dict[str, Task] = {}
        self.session = aws_models.session()
        self._clients: dict[tuple[str, float], Any] = {}

    async def client(self, service: str, read_s: float = aws.READ_S) -> Any:
        """The process's one client of an AWS service with this read timeout; SQS has its own."""
        if (service, read_s) not in self._clients:
            self._clients[service, read_s] = await self._open(service, read_s)
        return self._clients[service, read_s]

    async def store(self) -> Store:
        """The record's tables."""
        return DynamoStore(await self.client("dynamodb"), self.settings.naming)

    async def objects(self, bucket: str) -> Objects:
        """A bucket of the topology."""
        name = self.settings.naming.bucket(bucket, self.settings.account)
        return S3Objects(await self.client("s3"), name)

    async def keys(self) -> KeyService:
        """The key that wraps people's data keys."""
        return KmsKeys(await self.client("kms"), f"alias/{self.settings.naming.name(topology.KMS_ALIAS)}")

    async def pepper(self) -> Pepper:
        """What aliases are hashed with."""
        name = self.settings.naming.name(topology.PEPPER_SECRET)
        return await read_pepper(await self.client("secretsmanager"), name)

    async def bus(self) -> Bus:
        """The topic of desk events."""
        settings = self.settings
        topic = settings.naming.topic_arn(topology.DESK_EVENTS, settings.region, settings.account)
        return SnsBus(await self.client("sns"), topic)

    async def queue(self, name: str) -> Queue:
        """A queue of the topology. Raises StopAndPage where it does not exist."""
        return await sqs.open_queue(await self.client("sqs"), name, self.settings.naming)

    async def dlq(self, name: str) -> Queue:
        """The dead-letter queue of a queue; it has none of its own, so nothing can be parked out of it."""
        return await sqs.open_dlq(await self.client("sqs"), name, self.settings.naming)

    def worker(
        self, queue: Queue, handler: Handler, *, breakers: Sequence[Breaker] = (), **options: Any
    ) -> Worker:
        """Consume a queue; `options` are those of `Options`, visibility as in the topology."""
        numbers = Options(visibility_s=topology.queue(queue.name).visibility_s, **options)
        watch = QueueWatch(queue.name, self.metrics, self.log, self.tracing, self.clock)
        worker = Worker(queue, handler, numbers, self.ids, service=self.name, watch=watch, breakers=breakers)
        self.task(f"worker {queue.name}", worker.run)
        self.health.live[f"worker {queue.name}"] = worker.alive
        self.every(f"depth {queue.name}", _DEPTH_S, lambda: self._measure(queue))
        return worker

    def breaker(
        self, dependency: str, trips_on: tuple[type[Exception], ...], probe: Callable[[], Awaitable[object]]
    ) -> Breaker:
        """A breaker whose state is a metric."""
        gauge = self.metrics.breaker_open.labels(dependency)
        gauge.set(0)
        return Breaker(
            dependency,
            trips_on,
            probe,
            self.ids.uniform,
            changed=lambda _name, is_open: gauge.set(int(is_open)),
        )

    def task(self, name: str, run: Task) -> None:
        """Something that runs until the event it is given is set; if it ends before, the process ends."""
        if name in self.tasks:
            raise ValueError(f"task {name!r} exists already")
        self.tasks[name] = run

    def every(self, name: str, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
        """Call at once and then `seconds` after each end. What it does not catch ends the process."""

        async def run(stop: asyncio.Event) -> None:
            while not stop.is_set():
                await call()
                await _within(stop, seconds)

        self.task(name, run)

    async def _open(self, service: str, read_s: float) -> Any:
        region = self.settings.region
        if service == "sqs":
            return await sqs.open_client(self.stack, self.session, region)
        return await aws.open_client(self.stack, self.session, service, region, read_s)

    async def _measure(self, queue: Queue) -> None:
        try:
            visible, _ = await queue.depth()
        except QueueUnavailableError:
            return  # the worker's own receive reports it
        self.metrics.queue_depth.labels(queue.name).set(visible)


def run(name: str, kind: type[S], compose: Callable[[App[S]], Awaitable[None]]) -> None:
    """Run a service until a signal. Exits 0 after a drain, 1 when a part died, 2 on bad settings."""
    try:
        settings = load(kind)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.exit(0 if uvloop.run(_life(name, settings, compose)) else 1)


async def _life(name: str, settings: S, compose: Callable[[App[S]], Awaitable[None]]) -> bool:
    async with AsyncExitStack() as stack:
        app = App(name, settings, stack, SystemClock())
        _adopt_process(app)
        ops = OpsServer(settings.bind, settings.ops_port, app.health, app.metrics.registry)
        app.health.ready["started"] = lambda: False
        try:
            app.log.info("ops port open", url=await ops.start())
            stack.push_async_callback(ops.stop)
            await compose(app)
        except Exception:
            app.log.exception("start failed")
            return False
        memory.give_back()
        return await _supervised(app)


def _adopt_process(app: App[S]) -> None:
    """What belongs to the whole process: signals, the libraries' logs, loggers nobody passed in."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stop.set)
    logging.adopt_libraries(app.log)
    structlog.configure(processors=logging.processors(app.name, app.clock))


async def _supervised(app: App[S]) -> bool:
    """Run all tasks; True = they ended because they were asked to, without an error."""
    loop = asyncio.get_running_loop()
    running = {name: loop.create_task(_guarded(app, name, run), name=name) for name, run in app.tasks.items()}
    stopper = loop.create_task(app.stop.wait())
    app.health.ready["started"] = lambda: not app.stop.is_set()
    app.log.info("started", tasks=list(running))
    await asyncio.wait([stopper, *running.values()], return_when=asyncio.FIRST_COMPLETED)
    died = not app.stop.is_set()
    app.stop.set()
    app.log.info("draining")
    if running:
        await asyncio.wait(running.values(), timeout=_GRACE_S)
    late = [name for name, task in running.items() if not task.done()]
    for name in late:
        running[name].cancel()
    results = await asyncio.gather(stopper, *running.values(), return_exceptions=True)
    sound = not died and not late and not any(isinstance(one, BaseException) for one in results)
    app.log.info("stopped", late=late, sound=sound)
    return sound


async def _guarded(app: App[S], name: str, run: Task) -> None:
    try:
        await run(app.stop)
    except Exception:
        app.log.exception("task died", task=name)
        raise
    if not app.stop.is_set():
        app.log.error("task ended before its time", task=name)


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
