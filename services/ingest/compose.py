"""Ingest put together over ports: the worker's process, the keeper and `cdmx replay` all start from here."""

from typing import TypeVar

from services.ingest.archive import Archive
from services.ingest.archived import Archived
from services.ingest.handlers import Ingest
from services.ingest.origin import Ours
from services.ingest.parked import Rejects
from services.ingest.settings import IngestSettings
from services.ingest.verdicts import Verdicts
from shared import topology
from shared.record.build import build
from shared.service import App

S = TypeVar("S", bound=IngestSettings)
NAME = "ingest"
QUEUES = ("ingest", "connect")


async def ingest(app: App[S]) -> Ingest:
    """Ingest over the app's ports."""
    settings, store = app.settings, await app.store()
    raw = await app.objects(topology.RAW_BUCKET)
    record = build(
        store,
        raw,
        await app.keys(),
        await app.pepper(),
        app.clock,
        app.ids,
        service=NAME,
        retention_days=settings.retention_days,
    )
    archive = Archive(raw)
    return Ingest(
        record,
        archive,
        Archived(raw),
        Rejects(archive, {name: await app.dlq(name) for name in QUEUES}, store, app.clock, NAME),
        Verdicts(store, record.people, app.metrics, app.clock),
        await app.bus(),
        store,
        app.metrics,
        Ours.of(settings.wabas, settings.numbers, settings.connect_instances),
        settings.bsuid_scope,
    )
