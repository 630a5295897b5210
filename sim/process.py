"""One simulated process: its tasks die together, and a dead process has no more effects."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

WHO: ContextVar[str] = ContextVar("who", default="")  # the process whose task this is


class Process:
    """A service of the product running in the world, started again after each crash.

    Args:
        name: for traces, e.g. "ingest-1".
        main: builds and runs one life of the process; it is handed the process, to wrap its ports.
        restart_s: how long the orchestrator takes to start it again.
    """

    def __init__(
        self, name: str, main: Callable[["Process"], Coroutine[Any, Any, None]], restart_s: float = 1.0
    ) -> None:
        self.name = name
        self.lives = 0
        self.deaths = 0
        self._main = main
        self._restart_s = restart_s
        self._life: asyncio.Task[None] | None = None
        self._end: asyncio.Future[None] | None = None
        self._stopped = False
        self.generation = 0

    async def supervise(self) -> None:
        """Run life after life until stopped."""
        loop = asyncio.get_running_loop()
        while not self._stopped:
            self.lives += 1
            WHO.set(self.name)
            self._end = end = loop.create_future()
            self._life = asyncio.ensure_future(self._main(self))
            self._life.add_done_callback(lambda _life, end=end: _over(end))  # type: ignore[misc] # the default binds this life's
            await end
            await asyncio.sleep(self._restart_s)

    def crash(self) -> None:
        """The process is gone at this very moment: what it awaits never comes back to it.

        Nor does anybody wait for what it would still do in its `finally` blocks.
        """
        self.generation += 1
        self.deaths += 1
        life, self._life = self._life, None
        if life is not None:
            asyncio.get_running_loop().call_soon(life.cancel)
        if self._end is not None:
            _over(self._end)

    def stop(self) -> None:
        """No more lives."""
        self._stopped = True
        self.crash()

    def alive(self, generation: int) -> bool:
        """Whether a port handed out in that generation still belongs to a living process."""
        return generation == self.generation


def _over(end: "asyncio.Future[None]") -> None:
    if not end.done():
        end.set_result(None)


async def never() -> Any:
    """What an await of a dead process returns: nothing, for ever (its task is being cancelled)."""
    return await asyncio.get_running_loop().create_future()


async def guarded(process: Process, generation: int, effect: Callable[[], Awaitable[Any]]) -> Any:
    """An effect of a living process; a dead one's never happens."""
    if not process.alive(generation):
        return await never()
    result = await effect()
    return result if process.alive(generation) else await never()
