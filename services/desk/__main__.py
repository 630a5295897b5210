"""Composition root of the desk: `python -m services.desk`."""

from pathlib import Path

import aiohttp

from services.desk.account import AccountView
from services.desk.adapters.secrets import AwsSecretWriter
from services.desk.adapters.tickets import open_tickets
from services.desk.api.app import application
from services.desk.api.parts import Parts
from services.desk.appender import Appender
from services.desk.audit import AuditLog
from services.desk.hub import Hub
from services.desk.inbox import Inbox
from services.desk.live import Live
from services.desk.log import DeskLog
from services.desk.media import Urls
from services.desk.names import Names
from services.desk.presence import Presence
from services.desk.replies import SERVICE, Replies
from services.desk.rules import Rules, SecretWriter
from services.desk.settings import DeskSettings
from services.desk.transcripts import Transcripts
from services.desk.uploads import KIND as UPLOAD_KIND
from services.desk.uploads import Tickets, Uploads
from services.desk.view import Renderer
from shared import topology
from shared.clock import Clock
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.http.bearer import Verifier
from shared.http.fetch import HttpJwks
from shared.http.jwks import Keys
from shared.http.server import HttpServer
from shared.objects.cdn import Cdn, load_private_key
from shared.record.build import build
from shared.record.files import Files
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError

_PEM = "-----BEGIN"


async def compose(app: App[DeskSettings]) -> None:
    """Build the desk over AWS and the CDN, and open its API."""
    settings = app.settings
    secrets = AwsSecretWriter(await app.client("secretsmanager"))
    bucket = settings.naming.bucket(topology.MEDIA_BUCKET, settings.account)
    tickets = await open_tickets(app.stack, app.session, settings.region, bucket, settings.uploads_url)
    parts = await assemble(app, _cdn(settings, app.clock), secrets, tickets)
    session = await app.stack.enter_async_context(aiohttp.ClientSession())
    keys = Keys(HttpJwks(session, settings.oidc_jwks_url))
    verifier = Verifier(keys, settings.oidc_issuer, settings.oidc_audience, app.clock)
    origins = [settings.console_url] if settings.console_url else []
    server = HttpServer(application(parts, verifier, app.ids, origins), settings.bind, settings.port)
    app.log.info("api open", port=server.port)
    app.task("api", server.run)


async def assemble(app: App[DeskSettings], urls: Urls, secrets: SecretWriter, tickets: Tickets) -> Parts:
    """Build the desk out of the app's ports: its worker, its timer, its tail, and what stands behind the API."""
    settings, clock, ids = app.settings, app.clock, app.ids
    store, bus, raw = await app.store(), await app.bus(), await app.objects(topology.RAW_BUCKET)
    record = build(
        store,
        raw,
        await app.keys(),
        await app.pepper(),
        clock,
        ids,
        service=SERVICE,
        retention_days=settings.retention_days,
    )
    log, audit = DeskLog(store, clock, ids), AuditLog(store, clock, ids)
    bucket, exports = await app.objects(topology.MEDIA_BUCKET), await app.objects(topology.EXPORTS_BUCKET)
    uploads = Uploads(store, bucket, Files(store, bucket, clock, ids), tickets, bus, clock, ids)
    renderer = Renderer(store, record.reader, record.people, urls, clock)

    def report(what: str, error: BaseException) -> None:
        app.log.warning("desk trouble", what=what, error=type(error).__name__)

    hub = Hub(log, lambda error: report("tail", error))
    presence = Presence(app.metrics.live_clients.set, app.metrics.agents_online.set)
    appender = Appender(log, clock, app.metrics.delivery_seconds.labels("in").observe)
    busy = (StoreUnavailableError, ContendedError)
    breaker = app.breaker("dynamodb", busy, lambda: store.get("leases", "probe"))
    app.worker(await app.queue("desk"), appender.handle, breakers=[breaker], concurrency=settings.concurrency)
    due = {OUTBOX_KIND: outbox_handler(bus), UPLOAD_KIND: uploads.on_due}
    app.task("due", DueTimer(store, clock, SERVICE, due, report, app.settings.due_period_s).run)
    app.task("tail", hub.run)
    return Parts(
        reader=record.reader,
        renderer=renderer,
        inbox=Inbox(store, clock, list(settings.numbers), settings.retention_days),
        replies=Replies(store, record.reader, record.outbound, uploads, bus, clock, ids),
        uploads=uploads,
        transcripts=Transcripts(store, clock),
        names=Names(store, record.people, exports, audit, bus, clock, ids),
        rules=Rules(store, audit, secrets, clock, settings.prefix, plain_http=settings.webhook_loopback),
        log=log,
        hub=hub,
        live=Live(store, record.reader, renderer),
        account=AccountView(store, record.accounts, settings.wabas),
        audit=audit,
        raw=raw,
        clock=clock,
        connected=presence.connected,
    )


def _cdn(settings: DeskSettings, clock: Clock) -> Cdn:
    given = settings.cdn_private_key
    pem = given if given.startswith(_PEM) else Path(given).read_text(encoding="ascii")
    return Cdn(settings.cdn_url, settings.cdn_key_id, load_private_key(pem.encode()), clock)


def main() -> None:
    """Run until a signal."""
    run(SERVICE, DeskSettings, compose)


if __name__ == "__main__":
    main()
