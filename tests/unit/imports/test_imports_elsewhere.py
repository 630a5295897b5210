"""What the other parts make of an import: the index finds and forgets it, no KPI counts it, live threads go on."""

from collections.abc import Sequence
from pathlib import Path

from services.desk.appender import Appender
from services.desk.log import DeskLog
from services.search.adapters.memory import MemoryIndex
from services.search.batcher import Batcher
from services.search.handlers import Handlers
from services.search.indexer import Indexer
from services.search.port import Query
from shared.bus.attributes import body
from shared.events.model import Event
from shared.queue.port import Message
from shared.record.inbound import Alias, Origin, Person
from tests.unit.imports.newsroom import Newsroom
from tests.unit.imports.test_imports_run import android, chat
from tests.unit.record.world import NOON_MS, person, text


async def test_history_does_not_stand_before_the_news(tmp_path: Path) -> None:
    room = Newsroom()
    await room.take(android(tmp_path, chat()))
    room.bus.events.extend((await room.world.record.keeper.keep(text("wamid.1"))).events)
    log = DeskLog(room.world.store, room.world.clock, room.world.ids)
    seconds: list[float] = []
    appender = Appender(log, room.world.clock, seconds.append)
    for event in room.bus.events:
        await appender.handle(Message("m", body(event), "r", 1, NOON_MS))
    entries = [item for item in await room.world.items("desk_log") if item["pk"] == "log"]
    recorded = [item for item in entries if "message.recorded" in item["event"]]
    assert len(recorded) == 1
    assert len(seconds) == 1


class Library:
    """The index, fed by what a newsroom's bus was told."""

    def __init__(self, room: Newsroom) -> None:
        record = room.world.record
        self.index = MemoryIndex()
        self.visible: list[float] = []
        indexer = Indexer(
            room.world.store, record.reader, record.people, self.index, Batcher(self.index, linger_s=0.001)
        )
        self._handlers = Handlers(indexer, room.world.clock, self.visible.append)
        self._room = room
        self._read = 0

    async def catch_up(self) -> None:
        events: Sequence[Event] = self._room.bus.events[self._read :]
        self._read += len(events)
        for event in events:
            await self._handlers.handle(Message("m", body(event), "r", 1, NOON_MS))

    async def find(self, *words: str) -> int:
        await self.catch_up()
        return (await self.index.search(Query(words=words), 50)).total


async def test_an_import_is_found_and_an_undone_one_is_not(tmp_path: Path) -> None:
    room = Newsroom()
    library = Library(room)
    path = android(tmp_path, chat())
    done = await room.take(path)
    assert await library.find("mensaje") == 6
    assert await library.index.resolve("Ana") != []
    assert library.visible == []  # an import says nothing about how fast the living are found
    await room.undo(done.run)
    assert await library.find("mensaje") == 0
    assert await library.index.resolve("Ana") == []
    room.world.clock.ms += 60_000
    await room.take(path)
    assert await library.find("mensaje") == 6
    assert len(await library.index.resolve("Ana")) == 1


async def test_a_live_message_after_an_undo_is_found_by_its_name(tmp_path: Path) -> None:
    """The person was known before: the same conversation is made anew, and the index takes it."""
    room = Newsroom()
    library = Library(room)
    ana = person(saved_name="Ana")
    await room.world.record.people.resolve(ana, Origin("raw", 0, NOON_MS * 1_000_000))
    done = await room.take(android(tmp_path, chat()))
    await library.catch_up()
    await room.undo(done.run)
    await library.catch_up()
    kept = await room.world.record.keeper.keep(
        text("wamid.1", "en vivo", who=Person((Alias("waid", "5215512345678"),)))
    )
    room.bus.events.extend(kept.events)
    assert await library.find("vivo") == 1
    assert len(await library.index.resolve("Ana")) == 1
