"""The check over the product's own ingest in memory: the same files, the same judge, no servers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import Poison
from shared.objects.memory import MemoryObjects
from shared.queue.parking import reason_attributes
from shared.queue.port import Message
from tests.conformance.__main__ import Files, files, spoken_of
from tests.conformance.judge import Judge, Plant, Row
from tests.conformance.own import Account, Owner
from tests.conformance.seen import Archive, Seen
from tests.conformance.shapes import Sent
from tests.unit.ingest.desk import WABA, Desk, desk
from tests.unit.record.world import NOON_MS, PNID

ACCOUNT = Account(WABA, PNID, "phone-number-id-1", "111111111111", "us-east-1")


class MemoryArchive(Archive):
    """The archive of a bucket in memory."""

    def __init__(self, raw: MemoryObjects) -> None:
        self._raw = raw

    def keys(self) -> dict[str, str]:
        return {
            key.rpartition("/")[2].removesuffix(".json"): key
            for key in self._raw._stored
            if key.startswith("raw/")
        }

    def read(self, key: str) -> bytes:
        return self._raw._stored[key].body


class MemorySeen(Seen):
    """Reads a record in memory; what the API shows is made of the reader that is behind the API."""

    def __init__(self, desk: Desk) -> None:
        self._store, self._record = desk.world.store, desk.world.record
        self._archive = MemoryArchive(desk.world.raw)

    async def detail(self, message_id: str) -> dict[str, Any] | None:
        view = await self._record.reader.get_message(message_id)
        if view is None:
            return None
        content = await self._record.reader.open(view.item)
        children = [await self._record.reader.open(each) for each in view.statuses]
        raw = self._archive.read(self._archive.keys()[view.item["raw_id"]])
        return {
            "raw_id": view.item["raw_id"],
            "raw": raw.decode(),
            "value": dict(content.value),
            "statuses": [{"whatsapp": each.value["statuses"][0]} for each in children],
        }


class Bench:
    """A folder of samples fed into ingest."""

    def __init__(self, folder: Path, run: str = "r") -> None:
        self.desk = desk()
        self.owner = Owner(run, ACCOUNT)
        self.fed: Files = files(folder, self.owner)
        self.seen = MemorySeen(self.desk)
        self.archive = MemoryArchive(self.desk.world.raw)
        self.parked: list[Mapping[str, str]] = []

    async def feed(self) -> None:
        for wamid in spoken_of(self.fed):
            await self.send(self.owner.echo(wamid))
        for _, bodies in self.fed:
            for sent in bodies:
                await self.send(sent)
        while batch := await self.desk.parked():
            self.parked += [message.attributes for message in batch]

    async def send(self, sent: Sent) -> None:
        if not sent.can_travel:
            return
        queue = "ingest" if sent.road == "whatsapp-events" else "connect"
        message = Message("m", sent.body, "r", 1, NOON_MS, dict(sent.attributes))
        try:
            await self.desk.ingest.handler(queue)(message)
        except Poison as error:
            self.parked.append(reason_attributes(message, error.reason, error, "ingest"))

    async def judge(self, plant: Plant | None = None, excepted: Mapping[str, str] | None = None) -> list[Row]:
        keys, rows = self.archive.keys(), []
        for sample, bodies in self.fed:
            judge = Judge(self.seen, self.archive, keys, self.parked, PNID, excepted or {}, plant or Plant())
            rows.append(await judge.file(sample, bodies))
        return rows

    async def keys(self) -> set[tuple[str, str, str]]:
        tables = ("ids", "messages", "contacts", "aliases", "conversations", "policy")
        return {
            (table, item["pk"], item["sk"]) for table in tables for item in await self.desk.world.items(table)
        }
