"""Faults at every awaited side effect, drawn from the world's seed.

A port is wrapped once a process's life; each call is a cell (site in the source x fault). Whether a fault
happens at the n-th call is a pure function of the seed and n, so that a violation can be shrunk by silencing
faults one by one without moving the draws of the others.
"""

import asyncio
import hashlib
import inspect
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.cells import Fault, Site
from sim.process import Process, guarded, never

HANG_S = 70.0  # longer than any visibility timeout but media's
LATENCY_S = 0.004


@dataclass(frozen=True, slots=True)
class Errors:
    """What a port raises: `lost` = nothing known of the effect, `throttled` = surely no effect."""

    lost: Callable[[], Exception]
    throttled: Callable[[], Exception]


@dataclass(slots=True)
class Plan:
    """The faults of one world.

    Attributes:
        seed: of the draws. rate: probability of a fault at a call. silenced: call numbers left alone.
        wanted: (file, line) -> the fault this world is to put there, at a call the seed chooses.
        until_s: faults happen until this virtual time. struck: (call, site, fault) of those that happened.
    """

    seed: int
    rate: float
    silenced: frozenset[int] = frozenset()
    wanted: dict[tuple[str, int], Fault] = field(default_factory=dict)
    calls: int = 0
    until_s: float = 1e9
    struck: list[tuple[int, str, Fault]] = field(default_factory=list)

    def draw(self, site: tuple[str, int] | None) -> Fault | None:
        """The fault at this call, if any."""
        self.calls += 1
        number = self.calls
        if number in self.silenced or asyncio.get_running_loop().time() > self.until_s:
            return None
        word = hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=8).digest()
        fault = self._wanted(site, word[5]) or self._random(word)
        if fault is not None:
            self.struck.append((number, f"{site[0]}:{site[1]}" if site else "?", fault))
        return fault

    def _wanted(self, site: tuple[str, int] | None, luck: int) -> Fault | None:
        """One call in two at a wanted site is the one."""
        if site not in self.wanted or luck % 2:
            return None
        return self.wanted.pop(site)

    def _random(self, word: bytes) -> Fault | None:
        if int.from_bytes(word[:4], "big") / 2**32 >= self.rate:
            return None
        return list(Fault)[word[4] % len(Fault)]


class Chaos:
    """Hands out ports that fail.

    Args:
        plan: the world's faults.
        sites: all sites by file, to name the cell of a call by its caller's line.
        latency: call -> seconds an undisturbed call takes.
    """

    def __init__(self, plan: Plan, sites: Mapping[str, list[Site]], latency: Callable[[], float]) -> None:
        self.plan = plan
        self.cells: Counter[tuple[Site, Fault]] = Counter()
        self.reached: Counter[Site] = Counter()
        self._sites = sites
        self._latency = latency

    def wrap(self, port: Any, process: Process, errors: Errors) -> Any:
        """The port as this life of the process sees it."""
        return _Port(self, port, process, errors)

    def site(self, filename: str, line: int) -> Site | None:
        """The site whose source lines hold the caller."""
        for name, sites in self._sites.items():
            if filename.endswith(name):
                return next((site for site in sites if site.line <= line <= site.end), None)
        return None

    async def call(
        self, site: Site | None, process: Process, generation: int, errors: Errors, effect: Callable[[], Any]
    ) -> Any:
        """One side effect, disturbed or not."""
        if not process.alive(generation):
            return await never()
        fault = self.plan.draw((site.path, site.line) if site else None)
        if site is not None:
            self.reached[site] += 1
            if fault is not None:
                self.cells[site, fault] += 1
        await asyncio.sleep(self._latency())
        if fault is None:
            return await guarded(process, generation, effect)
        return await self._strike(fault, process, generation, errors, effect)

    async def _strike(
        self, fault: Fault, process: Process, generation: int, errors: Errors, effect: Callable[[], Any]
    ) -> Any:
        if fault is Fault.CRASH_BEFORE:
            process.crash()
            return await never()
        if fault is Fault.THROTTLE:
            raise errors.throttled()
        if fault is Fault.HANG:
            await asyncio.sleep(HANG_S)
        if fault in {Fault.EFFECT_THEN_ERROR, Fault.CRASH_AFTER}:
            await guarded(process, generation, effect)
        if fault is Fault.CRASH_AFTER:
            process.crash()
            return await never()
        raise errors.lost()


class _Port:
    """A port behind the chaos: coroutine methods and async iterators are calls, the rest passes through."""

    def __init__(self, chaos: Chaos, port: Any, process: Process, errors: Errors) -> None:
        self._chaos, self._target, self._process, self._errors = chaos, port, process, errors
        self._generation = process.generation

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if inspect.iscoroutinefunction(attribute):
            return self._method(attribute)
        if inspect.isasyncgenfunction(attribute):
            return self._iterator(attribute)
        return attribute

    def _method(self, attribute: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1)
            site = self._chaos.site(caller.f_code.co_filename, caller.f_lineno)
            return self._chaos.call(
                site, self._process, self._generation, self._errors, lambda: attribute(*args, **kwargs)
            )

        return call

    def _iterator(self, attribute: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            caller = sys._getframe(1)
            site = self._chaos.site(caller.f_code.co_filename, caller.f_lineno)
            return self._iterate(site, lambda: attribute(*args, **kwargs))

        return call

    async def _iterate(
        self, site: Site | None, start: Callable[[], AsyncIterator[Any]]
    ) -> AsyncIterator[Any]:
        async def collect() -> list[Any]:
            return [item async for item in start()]

        for item in await self._chaos.call(site, self._process, self._generation, self._errors, collect):
            yield item
