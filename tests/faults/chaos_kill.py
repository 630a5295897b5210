"""kill -9 or SIGSTOP of a worker at a moment when it demonstrably holds work in flight."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from local.system import System

# Which queue a worker holds messages of.
QUEUES = {
    "media": "media",
    "ingest": "ingest",
    "forwarder": "forwarder",
    "gateway": "send",
    "indexer": "search",
    "desk": "desk",
}
API = "search"
_IN_FLIGHT = re.compile(rb"^cdmx_queue_in_flight\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)
_LOOK_S = 0.01
_AIM_S = 60.0
_READY_S = 120.0
_PAUSE_S = 0.2
_REQUESTS = 8


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill.

    Attributes:
        part: who was killed.
        in_flight: what its metrics said just before.
        held: messages of its queue that were hidden while it was stopped and that it so could no longer
            finish; of an API: requests that its death broke.
        back_s: until it was ready again.
    """

    part: str
    in_flight: int
    held: int
    back_s: float


class Killer:
    """Kills parts of a running system; somebody else starts them again.

    Args:
        waiting: how many messages of a queue are in somebody's hands.
        bearer: the header of an agent.
    """

    def __init__(
        self,
        system: System,
        http: aiohttp.ClientSession,
        waiting: Callable[[str], int],
        bearer: dict[str, str],
    ) -> None:
        self._system = system
        self._http = http
        self._waiting = waiting
        self._bearer = bearer

    async def strike(self, part: str) -> Strike | None:
        """Kill a part that holds work and wait until it is back; None = it never held any. Raises TimeoutError."""
        hit = await (self._strike_api() if part == API else self._strike_worker(part))
        if hit is None:
            return None
        began = time.monotonic()
        while not await self._ready(part):
            if time.monotonic() - began > _READY_S:
                raise TimeoutError(f"{part} did not come back")
            await asyncio.sleep(_PAUSE_S)
        return Strike(part, *hit, time.monotonic() - began)

    async def freeze(self, part: str, seconds: float) -> int | None:
        """Stop a worker that holds work for `seconds`, then let it go on; how much it held, None = it never did."""
        hit = await self._stopped(part)
        if hit is None:
            return None
        pid = self._system.pid(part)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return hit[1]

    async def _strike_worker(self, part: str) -> tuple[int, int] | None:
        """Kill it while it is stopped with work in its hands."""
        hit = await self._stopped(part)
        if hit is not None:
            self._system.kill(part)
        return hit

    async def _stopped(self, part: str) -> tuple[int, int] | None:
        """Stop it when its metrics say that it holds something, and look whether that is so; else it goes on."""
        pid, until = self._system.pid(part), time.monotonic() + _AIM_S
        while time.monotonic() < until:
            in_flight = await self._in_flight(part)
            if in_flight:
                os.kill(pid, signal.SIGSTOP)
                held = self._waiting(QUEUES[part])
                if held:
                    return in_flight, held
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(_LOOK_S)
        return None

    async def _in_flight(self, part: str) -> int:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.get(f"{self._system.urls[f'ops-{part}']}/metrics") as answer:
                return round(sum(float(found) for found in _IN_FLIGHT.findall(await answer.read())))
        return 0

    async def _strike_api(self) -> tuple[int, int] | None:
        """Kill it in the middle of requests; those that it answered all the same do not count."""
        until = time.monotonic() + _AIM_S
        while time.monotonic() < until:
            asked = [asyncio.create_task(self._search()) for _ in range(_REQUESTS)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            open_now = sum(not task.done() for task in asked)
            self._system.kill(API)
            broken = [await task for task in asked].count(False)
            if broken:
                return open_now, broken
            await asyncio.sleep(1)
        return None

    async def _search(self) -> bool:
        url = f"{self._system.urls[API]}/v1/search?q=sismo"
        try:
            async with self._http.get(url, headers=self._bearer) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def _ready(self, part: str) -> bool:
        if not self._system.alive(part):
            return False
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.get(f"{self._system.urls[f'ops-{part}']}/readyz") as answer:
                return answer.status == HTTPStatus.OK
        return False
