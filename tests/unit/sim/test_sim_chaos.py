"""Faults are a pure function of the seed and the call; what is wanted comes first, what is silenced never."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sim.cells import Fault, Site
from sim.chaos import Chaos, Errors, Outage, Plan
from sim.loop import run
from sim.process import Process

HERE = Path(__file__).name
SITE = Site("services/a.py", 7, 7, "store.get", "f")
CALLS = 200


class LostError(Exception):
    """Nothing is known of the effect."""


class FullError(Exception):
    """Surely no effect."""


ERRORS = Errors(LostError, FullError)


class Port:
    """Counts its effects."""

    def __init__(self) -> None:
        self.effects = 0

    async def get(self) -> int:
        self.effects += 1
        return self.effects

    async def scan(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number


def _draws(plan: Plan, site: Site = SITE, calls: int = CALLS) -> list[Fault | None]:
    async def draw() -> list[Fault | None]:
        return [plan.draw(site, "ingest-1") for _ in range(calls)]

    return run(0, draw())[0]


def test_the_same_seed_draws_the_same_faults_and_silence_moves_no_other() -> None:
    first = _draws(Plan(1, 0.1))
    assert first == _draws(Plan(1, 0.1)) != _draws(Plan(2, 0.1))
    struck = [number for number, fault in enumerate(first, 1) if fault]
    silenced = _draws(Plan(1, 0.1, frozenset(struck[:1])))
    assert [fault for number, fault in enumerate(silenced, 1) if number != struck[0]] == [
        fault for number, fault in enumerate(first, 1) if number != struck[0]
    ]
    assert silenced[struck[0] - 1] is None


def test_a_wanted_fault_comes_once_and_soon() -> None:
    for seed in range(20):
        found = _draws(Plan(seed, 0.0, wanted={("services/a.py", 7): Fault.HANG}), calls=10)
        assert found.count(Fault.HANG) == 1


def test_faults_end_at_their_time() -> None:
    assert _draws(Plan(1, 1.0, until_s=-1.0)) == [None] * CALLS


def test_an_outage_hits_one_port_of_one_kind_of_process() -> None:
    down = Plan(1, 0.0, outage=Outage("ingest", "store", 0, 10))
    assert _draws(down, calls=3) == [Fault.ERROR_BEFORE] * 3
    for outage in (
        Outage("desk", "store", 0, 10),
        Outage("ingest", "raw", 0, 10),
        Outage("ingest", "store", 5, 9),
    ):
        assert _draws(Plan(1, 0.0, outage=outage), calls=3) == [None] * 3


def _played(fault: Fault | None) -> tuple[Port, Chaos, Process, list[object]]:
    """One call at the site below, struck by a fault."""
    port = Port()
    told: list[object] = []
    site = Site(HERE, _called_line(), _called_line(), "port.get", "_called")
    wanted = {} if fault is None else {(HERE, site.line): fault}
    chaos = Chaos(Plan(5, 0.0, wanted=wanted), {HERE: [site]}, lambda: 0.0)

    async def world() -> Process:
        async def life(process: Process) -> None:
            wrapped = chaos.wrap(port, process, ERRORS)
            for _ in range(4):
                try:
                    told.append(await _called(wrapped))
                except (LostError, FullError) as error:
                    told.append(type(error))

        process = Process("p", life, 1.0)
        supervised = asyncio.ensure_future(process.supervise())
        await asyncio.sleep(100)
        process.stop()
        supervised.cancel()
        return process

    return port, chaos, run(0, world())[0], told


async def _called(port: Port) -> int:
    return await port.get()


async def _asked(probe: Callable[[], Awaitable[int]]) -> int:
    return await probe()


def _called_line() -> int:
    return _called.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    ("fault", "answer", "effect"),
    [
        (Fault.ERROR_BEFORE, LostError, False),
        (Fault.EFFECT_THEN_ERROR, LostError, True),
        (Fault.THROTTLE, FullError, False),
        (Fault.HANG, LostError, False),
    ],
)
def test_what_a_fault_means(fault: Fault, answer: type[Exception], effect: bool) -> None:  # noqa: FBT001 - a case
    port, chaos, _, told = _played(fault)
    assert told.count(answer) == 1
    calls = sum(chaos.reached.values())
    assert port.effects == calls - (0 if effect else 1)
    assert {each for _, each in chaos.cells} == {fault}
    assert not chaos.unnamed


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_crash_ends_the_life_and_another_begins(fault: Fault) -> None:
    port, chaos, process, told = _played(fault)
    assert process.deaths == 2, "the crash, and the end of the world"
    assert LostError not in told
    assert port.effects == sum(chaos.reached.values()) - (1 if fault is Fault.CRASH_BEFORE else 0)


def test_a_dead_life_that_would_still_clean_up_holds_up_no_other() -> None:
    async def world() -> int:
        async def life(process: Process) -> None:
            try:
                await asyncio.sleep(1)
                process.crash()
                await asyncio.sleep(1000)
            finally:
                await asyncio.get_running_loop().create_future()

        process = Process("p", life, 1.0)
        supervised = asyncio.ensure_future(process.supervise())
        await asyncio.sleep(9.5)
        process.stop()
        supervised.cancel()
        return process.lives

    assert run(0, world())[0] == 5


def test_a_lambda_counts_where_it_is_called_and_an_iterator_is_one_call() -> None:
    line = _asked.__code__.co_firstlineno
    asked = Site(HERE, line, line + 1, "probe", "_asked")
    line = test_a_lambda_counts_where_it_is_called_and_an_iterator_is_one_call.__code__.co_firstlineno
    scanned = Site(HERE, line, line + 30, "port.scan", "test")
    chaos = Chaos(Plan(1, 0.0), {HERE: [asked, scanned]}, lambda: 0.0)

    async def world() -> list[int]:
        async def life(_process: Process) -> None:
            await asyncio.sleep(1000)

        port: Port = chaos.wrap(Port(), Process("p", life), ERRORS)
        return [await _asked(lambda: port.get()), *[each async for each in port.scan()]]  # noqa: PLW0108 - as a breaker is given its probe

    assert run(0, world())[0] == [1, 0, 1, 2]
    assert chaos.reached == {asked: 1, scanned: 1}
