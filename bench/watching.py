"""Sees when each message is in the record and when a search finds it: one bounded poll a stage for all messages.

A poll asks for everything still missing at once, so its rate does not grow with the load; what it adds to a
latency is at most one interval and the question's own time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

Look = Callable[[Sequence[str]], Awaitable[Collection[str]]]


class Watching:
    """One stage, watched: `seen` holds message_id -> wall clock in ms.

    Args:
        look: answers which of the ids asked for are there.
        every_s: from the end of one question to the next.
    """

    def __init__(self, look: Look, every_s: float) -> None:
        self._look = look
        self._every_s = every_s
        self._open: dict[str, None] = {}
        self.seen: dict[str, float] = {}

    def expect(self, message_id: str) -> None:
        """Watch for one more."""
        self._open[message_id] = None

    @property
    def missing(self) -> int:
        """How many are not there yet."""
        return len(self._open)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            asked = [*self._open][:100]
            found = await self._look(asked) if asked else ()
            now = time.time() * 1000
            for one in found:
                self._open.pop(one, None)
                self.seen[one] = now
            await asyncio.sleep(self._every_s)
