"""One logical write, carried through contention: the same transaction with the same token until it is known."""

import asyncio
from collections.abc import Sequence

from shared.ids import Ids
from shared.store.port import ContendedError, Op, Store

ATTEMPTS = 8
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0


async def commit(store: Store, ids: Ids, ops: Sequence[Op]) -> None:
    """Run a transaction; TransactionConflict is tried again with full jitter, the token kept.

    Raises ConditionFailedError, StoreUnavailableError, and ContendedError after the last attempt.
    """
    token = ids.token()
    for attempt in range(ATTEMPTS):
        try:
            await store.transact(ops, token)
        except ContendedError:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(pause(ids, attempt))
        else:
            return


def pause(ids: Ids, attempt: int) -> float:
    """Seconds to wait after the n-th lost race: full jitter under a doubling cap."""
    return ids.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))
