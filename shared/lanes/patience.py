"""Writing through a moment's contention: the same logical write again, with the same token, with jitter."""

import asyncio
from collections.abc import Sequence

from shared.ids import Ids
from shared.store.port import ContendedError, Op, Store, StoreUnavailableError, Update

WAITS_S = (0.05, 0.1, 0.2, 0.4)  # at most 0.75 s in all: inside the time a claim may take


class Patience:
    """Repeats a write that was contended or of which nothing is known.

    A transaction keeps its token through all repeats, so that a lost answer is not taken for a foreign
    winner. A lone write must carry a condition under which a repeat has no second effect.
    """

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def transact(self, ops: Sequence[Op]) -> None:
        """All or nothing, once. Raises ConditionFailedError, and the last error when patience ends."""
        token = self._ids.token()
        for wait in (*WAITS_S, None):
            try:
                await self._store.transact(ops, token)
            except (ContendedError, StoreUnavailableError):
                if wait is None:
                    raise
                await self._pause(wait)
            else:
                return

    async def write(self, op: Update) -> None:
        """One conditional update. A repeat of one that took effect raises ConditionFailedError."""
        for wait in (*WAITS_S, None):
            try:
                await self._store.write(op)
            except (ContendedError, StoreUnavailableError):
                if wait is None:
                    raise
                await self._pause(wait)
            else:
                return

    async def _pause(self, wait: float) -> None:
        await asyncio.sleep(self._ids.uniform(wait / 2, wait))
