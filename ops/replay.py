"""`cdmx replay`: reads the raw archive again through the same `keep()`; what is there already stays as it is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.ingest.archive import slot
from services.ingest.archived import Archived
from services.ingest.compose import ingest
from services.ingest.handlers import Done, Ingest
from services.ingest.settings import IngestSettings
from shared import topology
from shared.clock import SystemClock
from shared.errors import Poison
from shared.objects.port import Objects
from shared.record.inbound import Source
from shared.service import App
from shared.settings import load

AT_ONCE = 8
SOURCES = ("eum", "connect")  # the witness holds no content


class RefusedError(Exception):
    """The replay must not run as asked; the message says why and what helps."""


@dataclass
class Tally:
    """What a replay found."""

    envelopes: int = 0
    items: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, done: Done) -> None:
        """Count an envelope's items by outcome."""
        self.items.update(kept.kind for kept in done.kept)
        self.refused.update(item.reason for item in done.rejected)

    def facts(self) -> dict[str, Any]:
        """Counts by name."""
        return {"envelopes": self.envelopes, "items": dict(self.items), "refused": dict(self.refused)}

    def line(self) -> str:
        """The last line of the command."""
        kept = ", ".join(f"{count} {name}" for name, count in sorted(self.items.items())) or "0 items"
        refused = sum(self.refused.values())
        return f"replay: {self.envelopes} envelopes, {kept}, {refused} parked"


async def replay(since: datetime | None, *, deliver: bool) -> Tally:
    """Replay everything archived since a moment (None = all) in the environment's system.

    Raises RefusedError, SettingsError and what the stores raise; run again, it goes on where it has to.
    """
    settings = load(IngestSettings)
    async with AsyncExitStack() as stack:
        app = App("replay", settings, stack, SystemClock())
        if deliver:
            await _ledger_is_older(app, since)
        raw = await app.objects(topology.RAW_BUCKET)
        return await run(await ingest(app), raw, since, "live" if deliver else "replay")


async def run(worker: Ingest, raw: Objects, since: datetime | None, source: Source) -> Tally:
    """Replay over ports."""
    tally, permits = Tally(), asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        async for key in _keys(raw, since):
            await permits.acquire()
            task = group.create_task(_one(worker, raw, key, source, tally))
            task.add_done_callback(lambda _: permits.release())
    return tally


async def _one(worker: Ingest, raw: Objects, key: str, source: Source, tally: Tally) -> None:
    queue = "connect" if key.startswith("raw/connect/") else "ingest"
    found = await Archived(raw).read(key)
    tally.envelopes += 1
    try:
        tally.add(await worker.take(found, queue, source=source))
    except Poison as error:
        tally.refused[error.reason] += 1


async def _keys(raw: Objects, since: datetime | None) -> AsyncIterator[str]:
    first = slot(int(since.timestamp()) * 1_000_000_000) if since else ""
    for source in SOURCES:
        prefix = f"raw/{source}/"
        async for info in raw.list(prefix):
            if info.key[len(prefix) :] >= first:
                yield info.key


async def _ledger_is_older(app: App[IngestSettings], since: datetime | None) -> None:
    """Delivering again needs the ledger of what was delivered: a younger one would send twice."""
    table = app.settings.naming.name("deliveries")
    answer = await (await app.client("dynamodb")).describe_table(TableName=table)
    made: datetime = answer["Table"]["CreationDateTime"]
    if since is None or since < made:
        raise RefusedError(
            f"--deliver: the delivery ledger was made at {made.isoformat()}, later than what would be replayed. "
            "Give --since a later moment, or replay without --deliver."
        )
