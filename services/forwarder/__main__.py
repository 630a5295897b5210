"""Composition root of the router and deliverer: `python -m services.forwarder`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from services.forwarder.adapters.secrets import AwsSecrets
from services.forwarder.adapters.webhook import Webhook
from services.forwarder.config import Config
from services.forwarder.deliverer import Deliverer
from services.forwarder.handlers import Handlers
from services.forwarder.limits import Limits
from services.forwarder.ports import Endpoint, Secrets
from services.forwarder.rendering import Links
from services.forwarder.router import SERVICE, Router
from services.forwarder.settings import ForwarderSettings
from shared import topology
from shared.clock import Clock
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.lanes.owed import LANE_KIND
from shared.lanes.runner import Lanes
from shared.objects.cdn import Cdn, load_private_key
from shared.record.build import build
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

LINK_S = 24 * 3600  # a destination that was down for hours still finds the file
_POLLERS = 4  # an event waits for whichever of them looks next, and what it waits comes on top of the hold
_PEM = "-----BEGIN"


async def compose(app: App[ForwarderSettings]) -> None:
    """Build the forwarder over signed webhooks."""
    secrets = AwsSecrets(await app.client("secretsmanager"))
    await assemble(app, await _webhook(app), secrets, _links(app.settings, app.clock))


async def assemble(app: App[ForwarderSettings], endpoint: Endpoint, secrets: Secrets, links: Links) -> None:
    """Build the forwarder out of the app's ports, those to the destinations, and what makes links."""
    settings = app.settings
    store, keys, bus = await app.store(), await app.keys(), await app.bus()
    raw, pepper = await app.objects(topology.RAW_BUCKET), await app.pepper()
    reader = build(store, raw, keys, pepper, app.clock, app.ids, service=SERVICE).reader

    def report(what: str, error: BaseException) -> None:
        app.log.warning("forwarder trouble", what=what, error=type(error).__name__, exc_info=error)

    config = Config(store, report)
    router = Router(store, reader, config, app.clock, app.ids, app.metrics, settings.hold_ms / 1000)
    deliverer = Deliverer(
        store,
        reader,
        config,
        endpoint,
        secrets,
        bus,
        links,
        Limits(settings.destination_limit),
        app.clock,
        app.ids,
        app.metrics,
    )
    lanes = Lanes(store, app.clock, app.ids, deliverer, report)
    handlers = Handlers(store, router, lanes, app.clock, app.ids)
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
    ]
    app.worker(
        await app.queue("forwarder"),
        handlers.on_message,
        breakers=breakers,
        concurrency=settings.concurrency,
        pollers=_POLLERS,
    )
    due = {LANE_KIND: handlers.on_lane_due, OUTBOX_KIND: outbox_handler(bus)}
    app.task(
        "due",
        DueTimer(store, app.clock, SERVICE, due, report, settings.due_period_s, settings.concurrency).run,
    )


async def _webhook(app: App[ForwarderSettings]) -> Webhook:
    connector = aiohttp.TCPConnector(limit=0)  # Limits bounds each destination; a shared bound would mix them
    session = await app.stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    return Webhook(session, loopback=app.settings.webhook_loopback)


def _links(settings: ForwarderSettings, clock: Clock) -> Links:
    given = settings.cdn_private_key
    pem = given if given.startswith(_PEM) else Path(given).read_text(encoding="ascii")
    cdn = Cdn(settings.cdn_url, settings.cdn_key_id, load_private_key(pem.encode()), clock)

    def link(medium: Mapping[str, Any]) -> str:
        return cdn.url(medium["sha256"], LINK_S)

    return link


def main() -> None:
    """Run until a signal."""
    run(SERVICE, ForwarderSettings, compose)


if __name__ == "__main__":
    main()
