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
from types import FrameType
from typing import Any

from sim.cells import Fault, Site
from sim.process import Process, guarded, never
from sim.scenes import Scene

HANG_S = 70.0  # longer than any visibility timeout but media's


@dataclass(frozen=True, slots=True)
class Errors:
    """What a port raises: `lost` = nothing known of the effect, `throttled` = surely no effect."""

    lost: Callable[[], Exception]
    throttled: Callable[[], Exception]


@dataclass(frozen=True, slots=True)
class Outage:
    """All calls of one port by one kind of process fail from `start_s` to `end_s` of virtual time."""

    process: str
    port: str
    start_s: float
    end_s: float

    def hits(self, process: str, port: str, now: float) -> bool:
        """Whether a call falls into it."""
        return self.start_s <= now < self.end_s and process.startswith(self.process) and port == self.port


@dataclass(slots=True)
class Plan:
    """The faults of one world.

    Attributes:
        seed: of the draws. rate: probability of a fault at a call. silenced: call numbers left alone.
        wanted: (file, line) -> the fault this world is to put there, at a call the seed chooses.
        scenes: what must happen so that the wanted calls do. outage: a dependency that is down for a while.
        until_s: faults happen until this virtual time, and again from and to `again_s`. struck: (call, site, fault) of those that happened.
        hot: what the sites begin with (`folder/`, `file.py`, `file.py:port.method`) that fail at `heat` until `hot_s`.
    """

    seed: int
    rate: float
    silenced: frozenset[int] = frozenset()
    wanted: dict[tuple[str, int], Fault] = field(default_factory=dict)
    scenes: frozenset[Scene] = frozenset()
    outage: Outage | None = None
    calls: int = 0
    until_s: float = 1e9
    again_s: tuple[float, float] = (0.0, 0.0)
    struck: list[tuple[int, str, Fault]] = field(default_factory=list)
    hot: tuple[str, ...] = ()
    heat: float = 0.08
    hot_s: float = 1e9

    def draw(self, site: Site | None, process: str) -> Fault | None:
        """The fault at this call, if any."""
        self.calls += 1
        number, now = self.calls, asyncio.get_running_loop().time()
        if number in self.silenced or not self._troubled(now):
            return None
        word = hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=8).digest()
        fault = self._wanted(site, word[5]) or self._down(site, process, now) or self._random(word, site, now)
        if fault is not None:
            self.struck.append((number, f"{site.path}:{site.line}" if site else "?", fault))
        return fault

    def _troubled(self, now: float) -> bool:
        start_s, end_s = self.again_s
        return now <= self.until_s or start_s <= now < end_s

    def _wanted(self, site: Site | None, luck: int) -> Fault | None:
        """Three calls in four at a wanted site are the one."""
        if site is None or luck % 4 == 0 or (site.path, site.line) not in self.wanted:
            return None
        return self.wanted.pop((site.path, site.line))

    def _down(self, site: Site | None, process: str, now: float) -> Fault | None:
        if self.outage is None or site is None:
            return None
        return Fault.ERROR_BEFORE if self.outage.hits(process, site.port, now) else None

    def _random(self, word: bytes, site: Site | None, now: float) -> Fault | None:
        hot = site is not None and now <= self.hot_s and f"{site.path}:{site.call}".startswith(self.hot)
        rate = self.heat if hot else self.rate
        if int.from_bytes(word[:4], "big") / 2**32 >= rate:
            return None
        return list(Fault)[word[4] % len(Fault)]


class Chaos:
    """Hands out ports that fail.

    Args:
        plan: the world's faults.
        sites: all sites by file, to name the cell of a call by its caller's line.
        latency: call -> seconds an undisturbed call takes.

    Attributes:
        cells: (site, fault) -> times it happened. reached: site -> calls. unnamed: caller's file and line of
            calls that are at no site.
    """

    def __init__(self, plan: Plan, sites: Mapping[str, list[Site]], latency: Callable[[], float]) -> None:
        self.plan = plan
        self.cells: Counter[tuple[Site, Fault]] = Counter()
        self.reached: Counter[Site] = Counter()
        self.unnamed: Counter[tuple[str, int]] = Counter()
        self._sites = sites
        self._of_file: dict[str, list[Site]] = {}
        self._latency = latency

    def wrap(self, port: Any, process: Process, errors: Errors) -> Any:
        """The port as this life of the process sees it."""
        return _Port(self, port, process, errors)

    def site(self, caller: FrameType) -> Site | None:
        """The site whose source lines hold the caller; a lambda's are those of whoever called it."""
        while caller.f_code.co_name == "<lambda>" and caller.f_back is not None:
            caller = caller.f_back
        filename, line = caller.f_code.co_filename, caller.f_lineno
        for site in self._listed(filename):
            if site.line <= line <= site.end:
                return site
        self.unnamed[filename, line] += 1
        return None

    def _listed(self, filename: str) -> list[Site]:
        if filename not in self._of_file:
            named = [sites for name, sites in self._sites.items() if filename.endswith(f"/{name}")]
            self._of_file[filename] = named[0] if named else []
        return self._of_file[filename]

    async def call(
        self, site: Site | None, process: Process, generation: int, errors: Errors, effect: Callable[[], Any]
    ) -> Any:
        """One side effect, disturbed or not."""
        if not process.alive(generation):
            return await never()
        fault = self.plan.draw(site, process.name)
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
        """Asked once for each name: what is answered stays an attribute."""
        attribute = getattr(self._target, name)
        if inspect.iscoroutinefunction(attribute):
            attribute = self._method(attribute)
        elif inspect.isasyncgenfunction(attribute):
            attribute = self._iterator(attribute)
        setattr(self, name, attribute)
        return attribute

    def _method(self, attribute: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            site = self._chaos.site(sys._getframe(1))
            return self._chaos.call(
                site, self._process, self._generation, self._errors, lambda: attribute(*args, **kwargs)
            )

        return call

    def _iterator(self, attribute: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            site = self._chaos.site(sys._getframe(1))
            return self._iterate(site, lambda: attribute(*args, **kwargs))

        return call

    async def _iterate(
        self, site: Site | None, start: Callable[[], AsyncIterator[Any]]
    ) -> AsyncIterator[Any]:
        async def collect() -> list[Any]:
            return [item async for item in start()]

        for item in await self._chaos.call(site, self._process, self._generation, self._errors, collect):
            yield item
