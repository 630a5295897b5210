"""A newsroom in memory into which exports are imported, and files as phones hand them over."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ops.imports.journal import Journal, Progress, run_id
from ops.imports.names import read_names
from ops.imports.persons import Book, Persons
from ops.imports.plan import Options, plan
from ops.imports.ports import Ports
from ops.imports.run import Importer
from ops.imports.undo import undo
from shared.objects.memory import MemoryObjects
from shared.record.build import build
from shared.record.imported import Imports
from shared.record.shape import is_message_sk
from shared.topology import EXPORTS_BUCKET, MEDIA_BUCKET
from tests.unit.ingest.desk import Told
from tests.unit.record.world import PNID, World, world

TODAY = date(2026, 11, 24)
CDMX = ZoneInfo("America/Mexico_City")
ME = "Redacción"


@dataclass
class Newsroom:
    world: World = field(default_factory=world)
    bus: Told = field(default_factory=Told)
    media: Any = field(default_factory=lambda: MemoryObjects(MEDIA_BUCKET))
    exports: Any = field(default_factory=lambda: MemoryObjects(EXPORTS_BUCKET))

    def ports(self, *, store: Any = None, bus: Any = None, media: Any = None, exports: Any = None) -> Ports:
        w, used = self.world, store or self.world.store
        record = build(used, w.raw, w.keys, w.pepper, w.clock, w.ids, service="ingest")
        imports = Imports(used, record.people, record.reader, record.sealing, w.clock, w.ids, "ingest")
        return Ports(
            used,
            media or self.media,
            exports or self.exports,
            bus or self.bus,
            record,
            imports,
            w.pepper,
            w.clock,
            w.ids,
        )

    async def take(
        self,
        *paths: Path,
        me: str = ME,
        mapped: Sequence[str] = (),
        ports: Ports | None = None,
        **options: Any,
    ) -> Progress:
        """One `cdmx import` over ports."""
        names = read_names(mapped, [me] if me else [])
        planned = plan(paths, Options(CDMX, TODAY, names, **options))
        assert not [each.error or each.asks for each in planned if each.error or each.asks]
        used = ports or self.ports()
        run = run_id(paths, PNID, repr(names), repr(options))
        journal = Journal(used.exports, run)
        progress = await journal.read()
        if progress is None or progress.state == "undone":
            progress = Progress(run)
        book = await Book.read(self.world.store, self.world.record.people)
        importer = Importer(used, PNID, names, Persons(PNID, names, book, "portfolio"), journal, progress)
        done = await importer.run(planned)
        self.unmatched = importer.unmatched
        return done

    async def undo(self, run: str, ports: Ports | None = None) -> Progress:
        return await undo(ports or self.ports(), Journal(self.exports, run), run)

    async def left(self) -> dict[str, list[Any]]:
        """Whatever stands of messages and people; of a conversation that went, `ids` keeps how far its rev came."""
        found: dict[str, list[Any]] = {}
        for table in ("messages", "ids", "conversations", "contacts", "aliases"):
            items = [item for item in await self.world.items(table) if set(item) != {"pk", "sk", "rev"}]
            found |= {table: items} if items else {}
        return found

    async def messages(self) -> list[dict[str, Any]]:
        """All messages, conversation by conversation, in order."""
        items = [item for item in await self.world.items("messages") if is_message_sk(item["sk"])]
        return sorted(items, key=lambda item: (item["pk"], item["sk"]))

    async def texts(self) -> list[str]:
        """What they say, in order; of the body alone."""
        found = []
        for item in await self.messages():
            body = (await self.world.record.reader.open(item)).message
            part = body.get(body["type"], body.get("text", {}))
            found.append(part.get("body") or part.get("caption") or body["type"])
        return found


def write(path: Path, lines: Sequence[str], files: Mapping[str, bytes] | None = None) -> Path:
    """An export: a bare text, or with `.zip` the text and its files."""
    text = "\n".join(lines) + "\n"
    if path.suffix != ".zip":
        path.write_text(text, "utf-8")
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_chat.txt", text)
        for name, body in (files or {}).items():
            archive.writestr(name, body)
    return path
