"""The keeper as it is composed: under its lease it takes what was never taken, erases who asked, expires what ended."""

import asyncio
from types import SimpleNamespace
from typing import Any

from services.ingest.archive import Archive, arrived
from services.ingest.keeper.compose import assemble
from services.ingest.keeper.settings import KeeperSettings
from shared.ids import received_id
from shared.objects.memory import MemoryObjects
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message
from sim.clock import VirtualClock
from sim.loop import run as run_virtual
from tests.unit.ingest.desk import WABA, ana, change, envelope, said
from tests.unit.keeper.keeper_world import PNID, Keep, keep, stamp

SETTINGS = KeeperSettings(
    opensearch_url="http://127.0.0.1:9", portfolio="portfolio", wabas=(WABA,), numbers={PNID: "eum"}
)


class App:
    """A process's parts over a world's fakes, with its wall clock on the loop's time."""

    def __init__(self, k: Keep, clock: VirtualClock) -> None:
        w = k.world
        self.settings, self.clock, self.ids, self.metrics = SETTINGS, clock, w.ids, k.desk.metrics
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.log = SimpleNamespace(info=self._say, warning=self._say)
        self.tasks: dict[str, Any] = {}
        self.name = "keeper"
        self._k = k
        self._buckets = {"raw": w.raw, "media": MemoryObjects("media"), "exports": MemoryObjects("exports")}

    def _say(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    async def store(self) -> Any:
        return self._k.world.store

    async def bus(self) -> Any:
        return self._k.desk.bus

    async def keys(self) -> Any:
        return self._k.world.keys

    async def pepper(self) -> Any:
        return self._k.world.pepper

    async def objects(self, bucket: str) -> Any:
        return self._buckets[bucket]

    async def dlq(self, name: str) -> Any:
        return MemoryQueue(f"{name}-dlq", self.clock, max_receives=None)

    def task(self, name: str, run: Any) -> None:
        self.tasks[name] = run


def test_it_takes_erases_expires_and_survives_trouble() -> None:
    async def main() -> None:
        clock = VirtualClock()
        k = keep()
        k.world.clock.ms = clock.now_ms()
        app: Any = App(k, clock)
        await assemble(app, k.search)
        stop = asyncio.Event()
        running = [asyncio.create_task(run(stop)) for run in app.tasks.values()]
        await asyncio.sleep(15)
        at = clock.now_ms()
        body = envelope(change(contacts=ana(), messages=[said("wamid.1", ts=at // 1000)]), at=stamp(at))
        await Archive(k.world.raw).keep(arrived(Message("", body, "", 1, at), "ingest"))
        k.search.fail = True
        await asyncio.sleep(45)
        assert ("keeper trouble", {"what": "reconcile", "error": "SearchUnavailableError"}) in app.said
        k.search.fail = False
        await asyncio.sleep(45)
        found = await k.world.record.reader.get_message(received_id(PNID, "wamid.1"))
        assert found is not None
        erasure = await k.requests.ask(found.item["contact_id"], "x", "agent-1")
        await asyncio.sleep(180)
        assert (await k.requests.get(erasure) or {})["state"] == "done"
        assert any(event.type == "desk.contact.erased.v1" for event in k.desk.bus.events)
        await asyncio.sleep(1300)
        assert [event for event, _ in app.said].count("retention done") == 1  # once a day
        stop.set()
        await asyncio.gather(*running)
        assert (await k.world.store.get("leases", "keeper") or {})["until_ms"] == 0

    run_virtual(1, main())
