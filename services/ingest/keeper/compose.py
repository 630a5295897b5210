"""The keeper put together over ports."""

from services.ingest.compose import QUEUES, ingest
from services.ingest.keeper.erasers.build import Stores, erasers
from services.ingest.keeper.erasing import Erasing
from services.ingest.keeper.leaving import Leaving
from services.ingest.keeper.looking import Looker
from services.ingest.keeper.mentions import Mentions
from services.ingest.keeper.ports import Edges, SearchPlace
from services.ingest.keeper.reconciler import Reconciler
from services.ingest.keeper.retention import Expiry, Tally
from services.ingest.keeper.settings import SERVICE, KeeperSettings
from services.ingest.keeper.shift import Shift
from services.ingest.keeper.withdrawn import Withdrawn
from services.ingest.origin import Ours
from shared import topology
from shared.due import OUTBOX_KIND, DueTimer, outbox_handler
from shared.lease import Lease
from shared.record.build import Record, build
from shared.record.erasure import Backup, Requests
from shared.record.files import Files
from shared.record.holds import Holds
from shared.record.ledger import Ledger
from shared.service import App
from shared.vault.keys import ContactKeys


async def assemble(app: App[KeeperSettings], search: SearchPlace, edges: Edges | None = None) -> Shift:
    """Build the keeper out of the app's ports, and have it run under its lease; `edges`: a CDN that caches."""
    store, bus, settings = await app.store(), await app.bus(), app.settings
    raw, bucket = await app.objects(topology.RAW_BUCKET), await app.objects(topology.MEDIA_BUCKET)
    ours = Ours.of(settings.wabas, settings.numbers, settings.connect_instances)
    record, scope = await _record(app), settings.bsuid_scope
    holds = Holds(store, record.people, app.clock, app.ids, SERVICE)
    files = Files(store, bucket, app.clock, app.ids)
    looker = Looker(store, raw, await ingest(app), search, bus, ours, scope, app.clock)
    erasing = Erasing(
        store,
        record.people,
        Requests(store, record.people, app.clock, app.ids),
        Ledger(raw),
        holds,
        erasers(await _stores(app, record, files, search, edges)),
        _backups(settings),
        app.clock,
        app.ids,
    )

    leaving = Leaving(store, record.people, holds, app.clock, app.ids)
    withdrawn = Withdrawn(store, raw, files, record.changes, ours, scope, app.clock, app.ids)

    def report(what: str, error: BaseException) -> None:
        app.log.warning("keeper trouble", what=what, error=type(error).__name__)

    def told(tally: Tally) -> None:
        counts = {
            "messages": tally.messages,
            "files": tally.files,
            "archived": tally.archived,
            "people": tally.people,
        }
        app.log.info("retention done", **counts, held=len(tally.held), owed=len(tally.owed))

    shift = Shift(
        store,
        Reconciler(store, raw, looker, bus, app.metrics, app.clock),
        erasing,
        Expiry(store, raw, files, search, holds, ours, withdrawn, leaving, app.clock),
        app.clock,
        report,
        told,
    )
    lease = Lease(store, app.clock, app.ids, SERVICE)
    app.task("keeper", lambda stop: lease.run(stop, shift.work))
    app.task(
        "due",
        DueTimer(
            store, app.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, report, app.settings.due_period_s
        ).run,
    )
    return shift


async def _record(app: App[KeeperSettings]) -> Record:
    raw = await app.objects(topology.RAW_BUCKET)
    pepper = await app.pepper()
    return build(await app.store(), raw, await app.keys(), pepper, app.clock, app.ids, service=SERVICE)


async def _stores(
    app: App[KeeperSettings], record: Record, files: Files, search: SearchPlace, edges: Edges | None
) -> Stores:
    store = await app.store()
    return Stores(
        store,
        await app.objects(topology.RAW_BUCKET),
        await app.objects(topology.MEDIA_BUCKET),
        await app.objects(topology.EXPORTS_BUCKET),
        files,
        ContactKeys(await app.keys(), store, app.clock),
        search,
        edges,
        {spec.name: await app.dlq(spec.name) for spec in topology.QUEUES},
        QUEUES,
        Mentions(record.people.alias_keys, app.settings.bsuid_scope),
        app.clock,
        app.ids,
    )


def _backups(settings: KeeperSettings) -> tuple[Backup, ...]:
    """Without its key a backup of sealed content cannot be read: the keys' backups decide."""
    return (
        Backup("respaldo de las llaves (DynamoDB, contact_keys)", settings.key_backup_days),
        Backup("respaldos de las demás tablas (DynamoDB), ilegibles sin llave", settings.table_backup_days),
        Backup("instantáneas de OpenSearch", settings.snapshot_days),
    )
