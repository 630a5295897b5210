"""Composition root of the gateway: `python -m services.forwarder.gateway`."""

from services.forwarder.adapters.eum import EumSocial
from services.forwarder.gateway.handlers import Handlers
from services.forwarder.gateway.ledger import SERVICE, Ledger
from services.forwarder.gateway.letter import Letters
from services.forwarder.gateway.receipts import Receipts
from services.forwarder.gateway.sender import Gateway, Tools
from services.forwarder.gateway.standing import Standing
from services.forwarder.ports import Whatsapp
from services.forwarder.settings import GatewaySettings
from shared import topology
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.lanes.owed import LANE_KIND, RECEIPT_KIND
from shared.lanes.runner import Lanes
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

UPLOAD_READ_S = 60.0  # EUM fetches up to 100 MB from S3 and hands it to Meta before it answers


async def compose(app: App[GatewaySettings]) -> None:
    """Build the gateway over End User Messaging Social."""
    await assemble(app, await _eum(app))


async def assemble(app: App[GatewaySettings], whatsapp: Whatsapp) -> None:
    """Build the gateway out of the app's ports and the one to WhatsApp."""
    settings = app.settings
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw, pepper = await app.objects(topology.RAW_BUCKET), await app.pepper()
    record = build(store, raw, keys, pepper, app.clock, app.ids, service=SERVICE)
    standing = Standing(store, app.clock, settings.wabas)
    tools = Tools(store, whatsapp, bus, app.clock, app.ids, app.metrics)
    sender = Gateway(tools, Letters(record.reader, whatsapp), standing, Ledger(store, app.clock))

    def report(what: str, error: BaseException) -> None:
        app.log.warning("gateway trouble", what=what, error=type(error).__name__, exc_info=error)

    handlers = Handlers(store, Lanes(store, app.clock, app.ids, sender, report))
    receipts = Receipts(store, record.reader, whatsapp, standing, app.clock, report)
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
    ]
    app.worker(
        await app.queue("send"), handlers.on_message, breakers=breakers, concurrency=settings.concurrency
    )
    due = {
        LANE_KIND: handlers.on_lane_due,
        RECEIPT_KIND: receipts.on_due,
        OUTBOX_KIND: outbox_handler(bus),
    }
    app.task(
        "due",
        DueTimer(store, app.clock, SERVICE, due, report, settings.due_period_s, settings.concurrency).run,
    )


async def _eum(app: App[GatewaySettings]) -> EumSocial:
    settings = app.settings
    bucket = settings.naming.bucket(topology.MEDIA_BUCKET, settings.account)
    client = await app.client("socialmessaging")
    uploads = await app.client("socialmessaging", UPLOAD_READ_S)
    return EumSocial(client, uploads, settings.numbers, bucket, settings.meta_api_version)


def main() -> None:
    """Run until a signal."""
    run(SERVICE, GatewaySettings, compose)


if __name__ == "__main__":
    main()
