"""Composition root of ingest: `python -m services.ingest`."""

from services.ingest.archive import Archive
from services.ingest.handlers import Ingest
from services.ingest.origin import Ours
from services.ingest.parked import Rejects
from services.ingest.settings import IngestSettings
from services.ingest.verdicts import Verdicts
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.objects.port import ObjectsUnavailableError
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

NAME = "ingest"
QUEUES = ("ingest", "connect")


async def compose(app: App[IngestSettings]) -> None:
    """Build ingest out of the app's parts."""
    settings = app.settings
    store, raw, keys, bus = (
        await app.store(),
        await app.objects(topology.RAW_BUCKET),
        await app.keys(),
        await app.bus(),
    )
    record = build(
        store,
        raw,
        keys,
        await app.pepper(),
        app.clock,
        app.ids,
        service=NAME,
        retention_days=settings.retention_days,
    )
    archive = Archive(raw)
    queues = {name: await app.queue(name) for name in QUEUES}
    dlqs = {name: await app.dlq(name) for name in QUEUES}
    ingest = Ingest(
        record,
        archive,
        Rejects(archive, dlqs, store, app.clock, NAME),
        Verdicts(store, record.people, app.metrics),
        bus,
        store,
        app.metrics,
        Ours.of(settings.wabas, settings.numbers, settings.connect_instances),
        settings.bsuid_scope,
    )
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("s3", (ObjectsUnavailableError,), lambda: raw.head("probe")),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
        app.breaker("sns", (BusUnavailableError,), bus.probe),
    ]
    for name, queue in queues.items():
        app.worker(queue, ingest.handler(name), breakers=breakers, concurrency=settings.concurrency)
    timer = DueTimer(
        store,
        app.clock,
        NAME,
        {OUTBOX_KIND: outbox_handler(bus)},
        lambda kind, error: app.log.warning("due failed", kind=kind, error=type(error).__name__),
    )
    app.task("due", timer.run)


def main() -> None:
    """Run until a signal."""
    run(NAME, IngestSettings, compose)


if __name__ == "__main__":
    main()
