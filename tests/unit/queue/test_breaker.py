"""The breaker by itself, on virtual time."""

import asyncio

import pytest

from shared.queue.breaker import Breaker
from tests.unit.queue.worlds import ids, virtually


class DownError(Exception):
    """The dependency's own error."""


def _breaker(probe_error: list[Exception], threshold: int = 2) -> Breaker:
    async def probe() -> None:
        if probe_error:
            raise probe_error.pop()

    return Breaker("store", (DownError,), probe, ids().uniform, threshold=threshold)


def test_a_threshold_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        _breaker([], 0)


def test_opens_after_failures_in_a_row_only() -> None:
    async def world() -> None:
        breaker = _breaker([])
        for error in (DownError(), None, DownError(), ValueError(), None, DownError()):
            breaker.record(error)
        assert not breaker.is_open
        breaker.record(DownError())
        assert breaker.is_open

    virtually(world())


def test_a_success_of_an_older_message_does_not_close_it() -> None:
    async def world() -> None:
        breaker = _breaker([], 1)
        breaker.record(DownError())
        breaker.record(None)
        assert breaker.is_open

    virtually(world())


def test_probes_when_due_and_closes_on_success() -> None:
    async def world() -> None:
        breaker = _breaker([DownError(), RuntimeError()], 1)
        breaker.record(DownError())
        for still_open in (True, True, False):
            await asyncio.sleep(breaker.due_in())
            await breaker.attempt()
            assert breaker.is_open is still_open

    virtually(world())


def test_one_probe_at_a_time_and_a_hanging_one_counts_as_failed() -> None:
    async def world() -> None:
        calls: list[float] = []

        async def probe() -> None:
            calls.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1000)

        breaker = Breaker("store", (DownError,), probe, ids().uniform, threshold=1)
        breaker.record(DownError())
        await asyncio.sleep(breaker.due_in())
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(breaker.attempt() for _ in range(5)))
        assert len(calls) == 1
        assert asyncio.get_running_loop().time() == begun + 5
        assert breaker.is_open

    virtually(world())
