"""Waiting for something that has no event of its own."""

import asyncio
from collections.abc import Callable

PAUSE_S = 0.1


async def until(holds: Callable[[], object], limit_s: float) -> None:
    """Look again and again until it holds. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            if holds():
                return
            await asyncio.sleep(PAUSE_S)
