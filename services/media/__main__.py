"""Composition root of media: `python -m services.media`."""

from services.media.adapters.clamd import Clamd
from services.media.adapters.eum import EumSource
from services.media.adapters.sandbox import Sandbox
from services.media.adapters.sniff import Libmagic
from services.media.adapters.tools import Tools
from services.media.handlers import Media
from services.media.ledger import RENDER, SERVICE, Ledger
from services.media.look import Looker
from services.media.ports import Decoder, Scanner, ScannerUnavailableError, Sniffer, Source
from services.media.readings import Readings
from services.media.renderer import Renderer
from services.media.settings import MediaSettings
from services.media.shelf import Shelf
from services.media.similar import Similar
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.due import DueTimer
from shared.objects.port import ObjectsUnavailableError
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError


async def compose(app: App[MediaSettings]) -> None:
    """Build media over End User Messaging Social, libmagic, ClamAV and confined decoders."""
    settings = app.settings
    bucket = settings.naming.bucket(topology.MEDIA_BUCKET, settings.account)
    source = EumSource(await app.client("socialmessaging"), settings.numbers, bucket)
    scanner, tools = Clamd(settings.clamd), Tools(Sandbox())
    await tools.check()
    app.health.ready |= tools.checks()
    await assemble(app, source, Libmagic(), scanner, tools)


async def assemble(
    app: App[MediaSettings], source: Source, sniffer: Sniffer, scanner: Scanner, decoder: Decoder
) -> None:
    """Consume the queue of messages with media, and make their renditions, over the app's ports."""
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw, bucket = await app.objects(topology.RAW_BUCKET), await app.objects(topology.MEDIA_BUCKET)
    record = build(store, raw, keys, await app.pepper(), app.clock, app.ids, service=SERVICE)
    media = Media(
        record.reader,
        Ledger(store, app.clock, app.ids),
        source,
        Looker(bucket, sniffer, scanner),
        bucket,
        bus,
        app.clock,
        app.ids,
        app.metrics,
    )
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("s3", (ObjectsUnavailableError,), lambda: bucket.head("probe")),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
        app.breaker("sns", (BusUnavailableError,), bus.probe),
        app.breaker("clamd", (ScannerUnavailableError,), scanner.probe),
    ]
    app.worker(
        await app.queue(SERVICE), media.handle, breakers=breakers, concurrency=app.settings.concurrency
    )

    def report(what: str, error: BaseException) -> None:
        app.log.warning("media trouble", what=what, error=type(error).__name__, exc_info=error)

    renderer = Renderer(
        store,
        Shelf(store, app.clock, app.ids),
        Similar(store, app.clock, app.ids),
        Readings(store, record.sealing, app.clock),
        decoder,
        bucket,
        bus,
        app.clock,
        app.ids,
    )
    due = {RENDER: renderer.on_due}
    app.task("due", DueTimer(store, app.clock, SERVICE, due, report, app.settings.decoders).run)


def main() -> None:
    """Run until a signal."""
    run(SERVICE, MediaSettings, compose)


if __name__ == "__main__":
    main()
