"""One tail of the log for all clients of a task, and what each client has not seen yet."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from services.desk.log import DeskLog, Entry
from shared.store.port import ContendedError, StoreUnavailableError

PERIOD_S = 0.25  # CONTRACTS s.5
RECENT = 300  # entries kept in memory, 4 KB each; a client further behind reads the log itself
PAGE = 100


class Hub:
    """Tails the log while anybody listens or not, so that a new client starts at once.

    Args:
        report: told of each read that failed; the next one is 250 ms later.
    """

    def __init__(self, log: DeskLog, report: Callable[[BaseException], None]) -> None:
        self._log = log
        self._report = report
        self._recent: deque[Entry] = deque(maxlen=RECENT)
        self._seen: int | None = None
        self._news = asyncio.Event()
        self._closed = False

    async def run(self, stop: asyncio.Event) -> None:
        """Tail until `stop`, then let every stream end."""
        while not stop.is_set():
            await self._safe_tick()
            await _pause(stop, PERIOD_S)
        self._closed = True
        self._wake()

    async def tick(self) -> None:
        """Read what is new."""
        if self._seen is None:
            self._seen = await self._log.head()
        while entries := await self._log.read(self._seen, PAGE):
            self._recent.extend(entries)
            self._seen = entries[-1].seq
            self._wake()
            if len(entries) < PAGE:
                return

    async def head(self) -> int:
        """The highest number seen by the tail, or in the log before its first turn."""
        return await self._log.head() if self._seen is None else self._seen

    async def after(self, seq: int, limit: int) -> list[Entry] | None:
        """Up to `limit` entries behind a number; None where the log no longer reaches back to it."""
        if self._recent and self._recent[0].seq <= seq + 1:
            return [entry for entry in self._recent if entry.seq > seq][:limit]
        if not await self._log.reaches(seq):
            return None
        return await self._log.read(seq, limit)

    async def follow(self, seq: int, until: float, idle_s: float) -> AsyncIterator[list[Entry] | None]:
        """Entries behind a number as they come, until the loop's time `until` or the end of the task.

        An empty list says that nothing came for `idle_s`; None that the log does not reach back: start again
        from `head`.
        """
        while (left_s := until - asyncio.get_running_loop().time()) > 0 and not self._closed:
            news = self._news
            entries = await self.after(seq, PAGE)
            if entries is None:
                yield None
                return
            if entries:
                seq = entries[-1].seq
                yield entries
            elif not await _pause(news, min(left_s, idle_s)):
                yield []

    async def _safe_tick(self) -> None:
        try:
            await self.tick()
        except (ContendedError, StoreUnavailableError) as error:
            self._report(error)

    def _wake(self) -> None:
        """Wake whoever waits; who comes later waits for the next news."""
        self._news.set()
        self._news = asyncio.Event()


async def _pause(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
