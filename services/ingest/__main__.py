"""Composition root of ingest: `python -m services.ingest`."""

from services.ingest.compose import NAME, QUEUES, ingest
from services.ingest.gauges import AccountGauges
from services.ingest.settings import IngestSettings
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.objects.port import ObjectsUnavailableError
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError


async def compose(app: App[IngestSettings]) -> None:
    """Consume both queues, and publish what the outbox still owes."""
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw = await app.objects(topology.RAW_BUCKET)
    worker = await ingest(app)
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("s3", (ObjectsUnavailableError,), lambda: raw.head("probe")),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
        app.breaker("sns", (BusUnavailableError,), bus.probe),
    ]
    for name in QUEUES:
        app.worker(
            await app.queue(name),
            worker.handler(name),
            breakers=breakers,
            concurrency=app.settings.concurrency,
        )

    def failed(kind: str, error: BaseException) -> None:
        app.log.warning("task failed", kind=kind, error=type(error).__name__)

    gauges = AccountGauges(worker.accounts, app.metrics, app.settings.numbers, failed)
    app.task("account gauges", gauges.run)
    app.task(
        "due",
        DueTimer(
            store, app.clock, NAME, {OUTBOX_KIND: outbox_handler(bus)}, failed, app.settings.due_period_s
        ).run,
    )


def main() -> None:
    """Run until a signal."""
    run(NAME, IngestSettings, compose)


if __name__ == "__main__":
    main()
