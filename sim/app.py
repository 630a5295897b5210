"""A process's parts over the world's fakes: what `shared.service.App` is over AWS.

The services' own composition runs on it unchanged, so a world runs what production runs.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import structlog
from prometheus_client import CollectorRegistry

from shared.bus.port import Bus, BusUnavailableError
from shared.ids import Ids
from shared.objects.port import Objects, ObjectsUnavailableError
from shared.observability.health import Health
from shared.observability.metrics import Metrics
from shared.observability.trace import Tracing
from shared.queue.port import Queue, QueueUnavailableError
from shared.service import App
from shared.settings import Settings
from shared.store.port import ContendedError, Store, StoreUnavailableError
from shared.vault.pepper import Pepper
from shared.vault.port import KeyService, KeysUnavailableError
from sim.chaos import Chaos, Errors
from sim.clock import VirtualClock, token_bytes
from sim.process import Process
from sim.servers import Servers

S = TypeVar("S", bound=Settings)

STORE = Errors(lambda: StoreUnavailableError("simulated"), lambda: ContendedError("simulated"))
OBJECTS = Errors(lambda: ObjectsUnavailableError("simulated"), lambda: ObjectsUnavailableError("throttled"))
QUEUE = Errors(lambda: QueueUnavailableError("simulated"), lambda: QueueUnavailableError("throttled"))
BUS = Errors(lambda: BusUnavailableError("simulated"), lambda: BusUnavailableError("throttled"))
KEYS = Errors(lambda: KeysUnavailableError("simulated"), lambda: KeysUnavailableError("throttled"))


class SimApp(App[S]):
    """One life of a process.

    Args:
        settings: the service's own. servers: the world's. process: whose life it is.
        skew_ms: how far its wall clock is off.
    """

    def __init__(
        self, settings: S, servers: Servers, chaos: Chaos, process: Process, seed: str, skew_ms: int
    ) -> None:
        self.name = process.name
        self.settings = settings
        self.stack = AsyncExitStack()
        self.clock = VirtualClock(skew_ms)
        self.ids = Ids(self.clock, token_bytes(f"{seed}:{process.name}:{process.lives}"))
        self.stop = asyncio.Event()
        self.health = Health()
        self.metrics = Metrics(CollectorRegistry())
        self.log = structlog.wrap_logger(
            structlog.PrintLogger(),
            processors=[_drop],
            wrapper_class=structlog.make_filtering_bound_logger(50),
        )
        self.tracing = Tracing(process.name, self.ids, self.clock)
        self.tasks = {}
        self._servers = servers
        self._chaos = chaos
        self._process = process

    def wrap(self, port: Any, errors: Errors) -> Any:
        """A port behind this life's faults."""
        return self._chaos.wrap(port, self._process, errors)

    async def store(self) -> Store:
        """The world's tables."""
        port: Store = self.wrap(self._servers.store, STORE)
        return port

    async def objects(self, bucket: str) -> Objects:
        """One of the world's buckets."""
        port: Objects = self.wrap(self._servers.buckets[bucket], OBJECTS)
        return port

    async def keys(self) -> KeyService:
        """The world's key service."""
        port: KeyService = self.wrap(self._servers.keys, KEYS)
        return port

    async def pepper(self) -> Pepper:
        """The world's pepper."""
        return self._servers.pepper

    async def bus(self) -> Bus:
        """The world's topic of desk events."""
        port: Bus = self.wrap(self._servers.bus, BUS)
        return port

    async def queue(self, name: str) -> Queue:
        """One of the world's queues."""
        port: Queue = self.wrap(self._servers.queues[name], QUEUE)
        return port

    async def dlq(self, name: str) -> Queue:
        """The dead-letter queue of one of the world's queues."""
        port: Queue = self.wrap(self._servers.queues[name].dlq, QUEUE)
        return port

    async def live(self) -> None:
        """Run what was composed until one of the tasks ends."""
        running = [asyncio.ensure_future(run(self.stop)) for run in self.tasks.values()]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent
