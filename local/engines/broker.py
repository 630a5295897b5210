"""Starts engines for a test run on request and stops them when the run is over, however it ends.

`python -m local.engines.broker SOCKET STATE`: a line with an engine's name comes in, `ok <url>` or `failed
<reason>` goes out; a second request for the same engine gets the same address, so pytest-xdist's workers
share one server each. The broker ends when its standard input closes, as it does even when pytest is killed.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from local.engines import docker, dynamodb_local, elasticmq, ministack, opensearch, versitygw
from local.engines.base import Engine
from local.paths import TOOLS, reachable
from local.process import free_port

_ENGINES: dict[str, Engine] = {
    engine.NAME: engine for engine in (ministack, elasticmq, dynamodb_local, opensearch, versitygw)
}


class _Running(Protocol):
    @property
    def url(self) -> str: ...

    def stop(self) -> object: ...


class Broker:
    """One server for each engine asked for.

    Args:
        state: folder for the servers' files.
        containers: starts an engine in a container; None where no Docker engine answers.
    """

    def __init__(self, state: Path, containers: Callable[[str], _Running] | None) -> None:
        self._state = state
        self._containers = containers
        self._running: dict[str, _Running] = {}
        self._locks = {name: asyncio.Lock() for name in _ENGINES}

    async def url(self, name: str) -> str:
        """The address of an engine, started at the first request. Raises what its start raises."""
        async with self._locks[name]:
            if name not in self._running:
                self._running[name] = await self._start(name)
            return self._running[name].url

    async def _start(self, name: str) -> _Running:
        if self._containers is not None:
            return await asyncio.to_thread(self._containers, name)
        engine = _ENGINES[name]
        await asyncio.to_thread(engine.install, TOOLS)
        server = engine.server(free_port(), self._state / name)
        server.spawn()  # in the main thread: the process ends with the thread that started it
        await asyncio.to_thread(server.wait_healthy, engine.READY_S)
        return server

    def stop(self) -> None:
        """Stop all, the last one first."""
        for server in reversed(list(self._running.values())):
            server.stop()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request."""
        name = (await reader.readline()).decode().strip()
        try:
            reply = f"ok {await self.url(name)}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the test that asked must fail with it
            reply = f"failed {type(error).__name__}: {error}"
        writer.write(reply.encode())
        await writer.drain()
        writer.close()


async def _serve(path: Path, state: Path) -> None:
    broker = Broker(state, docker.starter())
    server = await asyncio.start_unix_server(broker.answer, path)
    end = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), end.set)
    try:
        await end.wait()
    finally:
        server.close()
        broker.stop()
        shutil.rmtree(state, ignore_errors=True)  # here too: a killed pytest removes nothing
        shutil.rmtree(reachable(state / opensearch.NAME), ignore_errors=True)


if __name__ == "__main__":
    os.umask(0o022)  # OpenSearch reads its files as another user
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2])))
