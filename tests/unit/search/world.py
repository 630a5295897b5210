"""The indexer and the search API over a record in memory."""

from dataclasses import dataclass

from services.search.adapters.memory import MemoryIndex
from services.search.api.endpoint import Parts, router
from services.search.api.finder import Finder
from services.search.api.texts import TEXTS
from services.search.batcher import Batcher
from services.search.handlers import Handlers
from services.search.indexer import Indexer
from shared.bus.attributes import body
from shared.events.model import Event
from shared.http.app import build as build_app
from shared.http.problems import Texts
from shared.queue.port import Message
from shared.record.inbound import Inbound
from shared.record.kept import Kept
from tests.unit.http.tokens import Provider
from tests.unit.record import world as record_world


@dataclass
class Times:
    """Keeps what a histogram would count."""

    seen: list[float]

    def observe(self, amount: float) -> None:
        self.seen.append(amount)


class World:
    def __init__(self) -> None:
        self.base = record_world.world()
        self.record = self.base.record
        self.index = MemoryIndex()
        self.visible: list[float] = []
        self.indexer = self.fresh_indexer()
        self.handlers = Handlers(self.indexer, self.base.clock, self.visible.append)
        self.times = Times([])
        self.provider = Provider()
        finder = Finder(self.index, self.base.store, self.record.people, self.base.pepper)
        self.app = build_app(
            "t", router, verifier=self.provider.verifier, ids=self.base.ids, texts=Texts(TEXTS)
        )
        self.app.state.search = Parts(finder, self.times)

    def fresh_indexer(self) -> Indexer:
        batcher = Batcher(self.index, linger_s=0.001)
        return Indexer(self.base.store, self.record.reader, self.record.people, self.index, batcher)

    async def keep(self, inbound: Inbound) -> Kept:
        kept = await self.record.keeper.keep(inbound)
        await self.poke(*kept.events)
        return kept

    async def poke(self, *events: Event) -> None:
        for event in events:
            await self.handlers.handle(Message("m", body(event), "r", 1, 0))
