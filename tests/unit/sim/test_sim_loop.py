"""Virtual time: it jumps, it is the same again, and it tells a world that stands still or spins."""

import asyncio

import pytest

from sim.loop import DeadlockError, StepLimitError, run


def test_an_hour_of_waiting_takes_no_time_and_timers_come_in_order() -> None:
    told: list[str] = []

    async def say(seconds: float, word: str) -> None:
        await asyncio.sleep(seconds)
        told.append(word)

    async def world() -> None:
        await asyncio.gather(say(3600, "late"), say(1, "soon"), say(60, "then"))

    loop = run(0, world())[1]
    assert told == ["soon", "then", "late"]
    assert loop.time() == pytest.approx(3600)


def test_a_seed_is_one_interleaving() -> None:
    def order(seed: int) -> list[int]:
        told: list[int] = []

        async def say(number: int) -> None:
            await asyncio.sleep(0)
            told.append(number)

        async def world() -> None:
            await asyncio.gather(*(say(number) for number in range(8)))

        run(seed, world())
        return told

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(10)}) > 5


def test_tasks_of_a_set_come_in_the_order_of_their_making() -> None:
    """A group cancels its tasks in the order of a set: by addresses, no seed would decide it."""
    ended: list[int] = []

    async def one(number: int) -> None:
        try:
            await asyncio.sleep(9)
        finally:
            ended.append(number)

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(one(number))
            await asyncio.sleep(1)
            raise ValueError

    async def hashes() -> list[int]:
        return [hash(asyncio.create_task(asyncio.sleep(0))) for _ in range(3)]

    first, _ = run(1, hashes())
    assert first == [first[0], first[0] + 1, first[0] + 2]
    for _ in range(2):
        with pytest.raises(ExceptionGroup):
            run(1, group())
    assert ended[:40] == ended[40:]


def test_a_cancelled_timer_moves_no_clock() -> None:
    async def world() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(500, lambda: None).cancel()
        await asyncio.sleep(1)
        return loop.time()

    assert run(0, world())[0] == pytest.approx(1)


def test_nothing_left_to_wait_for_is_a_deadlock() -> None:
    async def world() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run(0, world())


def test_a_world_that_spins_ends_and_leaves_nothing_behind() -> None:
    async def world() -> None:
        while True:  # noqa: ASYNC110 - the fault itself
            await asyncio.sleep(0)

    with pytest.raises(StepLimitError):
        run(0, world(), step_limit=1000)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
