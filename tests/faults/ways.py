"""A system whose workers reach every endpoint through proxies of their own; they know of it by variables alone."""

import random
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local import ports as port_table
from local.process import free_port
from local.system import System
from tests.faultproxy import FaultProxy, operation
from tests.faults.newsroom import Newsroom

_EMULATED = ("SQS", "SNS", "S3", "DYNAMODB", "KMS", "SECRETS_MANAGER")
Name = Callable[[web.Request, bytes], str]


@dataclass(slots=True)
class Way:
    """The proxies between one worker and the endpoints."""

    emulator: FaultProxy
    twin: FaultProxy
    search: FaultProxy

    def all(self) -> tuple[FaultProxy, ...]:
        """Each."""
        return self.emulator, self.twin, self.search

    def env(self) -> dict[str, str]:
        """The endpoint variables that lead a worker along it."""
        return {
            **{f"AWS_ENDPOINT_URL_{service}": self.emulator.url for service in _EMULATED},
            "AWS_ENDPOINT_URL_SOCIALMESSAGING": self.twin.url,
            "CDMX_OPENSEARCH_URL": self.search.url,
        }

    def seen(self) -> set[str]:
        """The calls so far, by name."""
        return {name for proxy in self.all() for name in proxy.seen}

    def forget(self) -> None:
        """Count anew, without rules."""
        for proxy in self.all():
            proxy.seen.clear()
            proxy.rules.clear()


@asynccontextmanager
async def opened(
    seed: int,
    workers: Sequence[str],
    *,
    people: int = 12,
    name: Name = operation,
    own: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[tuple[Newsroom, dict[str, Way]]]:
    """The system with its newsroom.

    Args:
        seed: of the traffic and of the proxies' dice.
        workers: who goes along a way; the forwarder's destinations lie behind its own.
        people: how many customers write.
        name: how the proxies call a request.
        own: further environment of single programs.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cdmx-ways-"))
        ports = {row: free_port() for row in port_table.DEFAULTS}
        places = [f"http://127.0.0.1:{ports[row]}" for row in ("ministack", "twin", "opensearch")]
        ways = {}
        for number, worker in enumerate(workers):
            proxies = [FaultProxy(place, seed + number, name) for place in places]
            ways[worker] = Way(*[await stack.enter_async_context(proxy) for proxy in proxies])
        led = {worker: {**way.env(), **(own or {}).get(worker, {})} for worker, way in ways.items()}
        system = await stack.enter_async_context(System(ports=ports, own=led))
        chance = random.Random(seed)  # noqa: S311 - reproducible traffic
        room = Newsroom(system, chance, Path(folder), people, hooks=ways["forwarder"].twin.url)
        yield await stack.enter_async_context(room), ways
