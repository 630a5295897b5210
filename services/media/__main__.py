"""Composition root of media: `python -m services.media`."""

from services.media.adapters.eum import EumSource
from services.media.adapters.sniff import Libmagic
from services.media.handlers import Media
from services.media.ledger import Ledger
from services.media.ports import Sniffer, Source
from services.media.settings import MediaSettings
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.objects.port import ObjectsUnavailableError
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

NAME = "media"


async def compose(app: App[MediaSettings]) -> None:
    """Build media over End User Messaging Social and libmagic."""
    bucket = app.settings.naming.bucket(topology.MEDIA_BUCKET, app.settings.account)
    source = EumSource(await app.client("socialmessaging"), app.settings.numbers, bucket)
    await assemble(app, source, Libmagic())


async def assemble(app: App[MediaSettings], source: Source, sniffer: Sniffer) -> None:
    """Consume the queue of messages with media, over the app's ports."""
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw, bucket = await app.objects(topology.RAW_BUCKET), await app.objects(topology.MEDIA_BUCKET)
    record = build(store, raw, keys, await app.pepper(), app.clock, app.ids, service=NAME)
    media = Media(
        record.reader,
        Ledger(store, app.clock, app.ids),
        source,
        sniffer,
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
    ]
    app.worker(await app.queue(NAME), media.handle, breakers=breakers, concurrency=app.settings.concurrency)


def main() -> None:
    """Run until a signal."""
    run(NAME, MediaSettings, compose)


if __name__ == "__main__":
    main()
