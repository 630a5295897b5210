"""Composition root of media: `python -m services.media`."""

from services.media.adapters.clamd import Clamd
from services.media.adapters.eum import EumSource
from services.media.adapters.sandbox import Sandbox
from services.media.adapters.sniff import Libmagic
from services.media.adapters.tools import Tools
from services.media.adapters.transcribe import AmazonTranscribe
from services.media.beside import Beside
from services.media.budgets import Budgets
from services.media.handlers import SETTLE, Media
from services.media.inbox import Inbox
from services.media.ledger import RENDER, SERVICE, Ledger
from services.media.look import Looker
from services.media.ports import Scanner, ScannerUnavailableError, Sniffer, Source, Transcriber, Workshop
from services.media.readings import Readings
from services.media.renderer import READ, Renderer, unheard
from services.media.rereading import Rereading
from services.media.settings import MediaSettings
from services.media.shelf import Shelf
from services.media.similar import Similar
from services.media.transcription import CHECK, Transcription
from services.media.uploads import CONVERT, Ports, Uploads
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.due import OUTBOX_KIND, DueTimer, Handler, outbox_handler
from shared.media.transcripts import KIND
from shared.objects.port import ObjectsUnavailableError
from shared.policy.spending import Spending
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, Item, StoreUnavailableError
from shared.vault.port import KeysUnavailableError


async def compose(app: App[MediaSettings]) -> None:
    """Build media over End User Messaging Social, libmagic, ClamAV, confined decoders and Amazon Transcribe."""
    settings = app.settings
    bucket = settings.naming.bucket(topology.MEDIA_BUCKET, settings.account)
    source = EumSource(await app.client("socialmessaging"), settings.numbers, bucket)
    scanner, tools = Clamd(settings.clamd), Tools(Sandbox())
    await tools.check()
    app.health.ready |= tools.checks()
    on = settings.transcription == "on"
    transcriber = AmazonTranscribe(await app.client("transcribe"), bucket) if on else None
    await assemble(app, source, Libmagic(), scanner, tools, transcriber)


async def assemble(
    app: App[MediaSettings],
    source: Source,
    sniffer: Sniffer,
    scanner: Scanner,
    decoder: Workshop,
    transcriber: Transcriber | None = None,
) -> None:
    """Consume the queue of messages with media, and make their renditions, over the app's ports.

    Args:
        app: whose ports.
        source: Meta's files.
        sniffer: names a file's type.
        scanner: what is wrong with it.
        decoder: makes renditions of it.
        transcriber: None = nothing is transcribed.
    """
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw, bucket = await app.objects(topology.RAW_BUCKET), await app.objects(topology.MEDIA_BUCKET)
    record = build(store, raw, keys, await app.pepper(), app.clock, app.ids, service=SERVICE)
    clock, ids, metrics = app.clock, app.ids, app.metrics
    ledger, looker = Ledger(store, clock, ids), Looker(bucket, sniffer, scanner)
    budgets = Budgets(store, bus, Spending(store, clock, ids, SERVICE))
    media = Media(record.reader, ledger, source, looker, bucket, bus, clock, ids, metrics, budgets)
    uploads = Uploads(Ports(store, bucket, decoder, bus, clock, ids, metrics), ledger, looker)
    shelf, readings = Shelf(store, clock, ids), Readings(store, record.sealing, clock)
    beside = Beside(store, readings, bus, clock, ids)
    transcription = (
        None
        if transcriber is None
        else Transcription(
            store,
            record.reader,
            record.people,
            shelf,
            readings,
            transcriber,
            bucket,
            budgets,
            beside,
            clock,
            ids,
        )
    )
    heard = transcription.heard if transcription else unheard
    similar = Similar(store, clock, ids)
    renderer = Renderer(store, shelf, similar, readings, decoder, bucket, bus, clock, ids, budgets, heard)
    inbox = Inbox(record.reader, media, uploads, transcription)
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
        await app.queue(SERVICE), inbox.handle, breakers=breakers, concurrency=app.settings.concurrency
    )

    def report(what: str, error: BaseException) -> None:
        app.log.warning("media trouble", what=what, error=type(error).__name__, exc_info=error)

    due = {
        RENDER: renderer.on_due,
        CONVERT: uploads.on_convert,
        SETTLE: media.on_due,
        READ: Rereading(shelf, renderer, budgets, beside).on_due,
        OUTBOX_KIND: outbox_handler(bus),
        **_transcribing(transcription),
    }
    app.task(
        "due",
        DueTimer(store, clock, SERVICE, due, report, app.settings.due_period_s, app.settings.decoders).run,
    )


def _transcribing(transcription: Transcription | None) -> dict[str, Handler]:
    if transcription is None:
        return {KIND: _dropped, CHECK: _dropped}
    return {KIND: transcription.on_due, CHECK: transcription.on_check}


async def _dropped(_item: Item) -> None:
    """What is owed while nothing is transcribed."""


def main() -> None:
    """Run until a signal."""
    run(SERVICE, MediaSettings, compose)


if __name__ == "__main__":
    main()
