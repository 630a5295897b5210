"""One holder at a time: who does what only one process may do, by an item in table `leases`.

A holder that cannot renew in time stops its work before anybody else may begin, as long as two clocks differ
by less than `SKEW_MS`. What it does must bear being cut off at any call and done again: a lease saves double
work, it is no lock on the effects.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shared.clock import Clock
from shared.ids import Ids
from shared.store.port import Attr, ConditionFailedError, ContendedError, Store, StoreUnavailableError, Update

TABLE = "leases"
HOLD_S = 30.0
SKEW_MS = 2_000  # CONTRACTS s.2: clocks 2 s apart
Work = Callable[[asyncio.Event], Awaitable[None]]


class Lease:
    """A named lease.

    Args:
        name: what may be done by one only.
        hold_s: how long it lasts unless renewed; renewed three times as often.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, name: str, hold_s: float = HOLD_S) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._hold_s = hold_s
        self._owner = ids.token()

    async def run(self, stop: asyncio.Event, work: Work) -> None:
        """Work whenever the lease is ours, until `stop`. Raises what the work raises."""
        while not stop.is_set():
            since = _now()
            if await self._taken():
                await self._hold(stop, work, since)
            else:
                await pause(stop, self._hold_s / 3)

    async def _hold(self, stop: asyncio.Event, work: Work, since: float) -> None:
        task = asyncio.ensure_future(work(stop))
        renewed = since
        try:
            while (left := renewed + self._hold_s * 2 / 3 - _now()) > 0:
                await asyncio.wait([task], timeout=min(left, self._hold_s / 3))
                if task.done():
                    break
                asked = _now()
                if await self._taken_by(renewed + self._hold_s * 2 / 3):
                    renewed = asked
        finally:
            try:
                await _ended(task)
            finally:
                await self._let_go()

    async def _taken_by(self, until: float) -> bool:
        """The same, but no answer by then (loop time) is none: a store that hangs keeps nobody at work."""
        try:
            async with asyncio.timeout_at(until):
                return await self._taken()
        except TimeoutError:
            return False

    async def _taken(self) -> bool:
        """Take or renew it; False where somebody else has it, or nothing is known."""
        now = self._clock.now_ms()
        free = Attr("until_ms").not_exists() | Attr("until_ms").lt(now - SKEW_MS)
        until = {"owner": self._owner, "until_ms": now + int(self._hold_s * 1000)}
        mine = Update(TABLE, self._name, "-", set=until, condition=free | Attr("owner").eq(self._owner))
        try:
            await self._store.write(mine)
        except (ConditionFailedError, ContendedError, StoreUnavailableError):
            return False
        return True

    async def _let_go(self) -> None:
        free = Update(TABLE, self._name, "-", set={"until_ms": 0}, condition=Attr("owner").eq(self._owner))
        try:
            await self._store.write(free)
        except (ConditionFailedError, ContendedError, StoreUnavailableError):
            return  # it runs out by itself


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _ended(task: "asyncio.Future[None]") -> None:
    """The work is over: cut off where the lease was lost, its own error passed on where it had one."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


def _now() -> float:
    return asyncio.get_running_loop().time()
