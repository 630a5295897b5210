"""A store with due items of one service, and the timers that run them."""

import asyncio

from shared.due import (
    DueTimer,
    Handler,
    due_item,
)
from shared.store.memory import MemoryStore
from shared.store.port import Item
from sim.clock import VirtualClock

SERVICE = "desk"


class World:
    """One service's due items and a task or more that run them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = VirtualClock()
        self.ran: list[tuple[float, str]] = []
        self.reports: list[tuple[str, type]] = []
        self.stop = asyncio.Event()

    def timer(self, handler: Handler | None = None, limit: int = 10, skew_ms: int = 0) -> DueTimer:
        handlers = {"lane": handler or self.note}
        return DueTimer(self.store, VirtualClock(skew_ms), SERVICE, handlers, self.report, 0.25, limit)

    async def note(self, item: Item) -> None:
        self.ran.append((round(asyncio.get_running_loop().time(), 3), item["id"]))

    def report(self, kind: str, error: BaseException) -> None:
        self.reports.append((kind, type(error)))

    async def owe(self, id_: str, in_ms: int = 0, **data: object) -> None:
        await self.store.write(due_item(SERVICE, self.clock.now_ms() + in_ms, "lane", id_, **data))

    async def left(self) -> list[str]:
        return [item["id"] for item in (await self.store.query("due", SERVICE)).items]

    async def run_for(self, timer: DueTimer, seconds: float) -> None:
        task = asyncio.ensure_future(timer.run(self.stop))
        await asyncio.sleep(seconds)
        self.stop.set()
        await task
