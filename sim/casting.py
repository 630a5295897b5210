"""Which processes a world runs: the services' own composition over the world's ports."""

from typing import Any

import services.desk.__main__ as desk
import services.forwarder.__main__ as forwarder
import services.forwarder.gateway.__main__ as gateway
import services.ingest.__main__ as ingest
import services.ingest.keeper.compose as keeper
import services.media.__main__ as media
import services.search.__main__ as indexer
from services.desk.adapters.memory import PlainTickets
from services.desk.settings import DeskSettings
from services.forwarder.ports import NotSentError, SecretsUnavailableError, UnclearError
from services.forwarder.settings import ForwarderSettings, GatewaySettings
from services.ingest.keeper.ports import EdgesUnavailableError, SearchUnavailableError
from services.ingest.keeper.settings import KeeperSettings
from services.ingest.settings import IngestSettings
from services.media.adapters.memory import MemoryScanner
from services.media.ports import (
    DecoderUnavailableError,
    MediaThrottledError,
    MediaUnavailableError,
    ScannerUnavailableError,
    TranscriberThrottledError,
    TranscriberUnavailableError,
)
from services.media.settings import MediaSettings
from services.search.adapters.memory import MemoryIndex
from services.search.port import IndexUnavailableError
from services.search.settings import IndexerSettings
from services.search.wiring import parts
from shared import topology
from shared.record.build import build
from shared.record.erasure import Requests
from shared.record.holds import Holds
from shared.vault.keys import ContactKeys
from sim.app import SimApp
from sim.chaos import Errors
from sim.desks import Backstage, Desks
from sim.keeping import Keeping, PlaceWire
from sim.outside import ACCOUNT
from sim.studio import StenographerWire, StudioWire
from sim.wires import EumWire, HookWire, MediaWire, SecretWire, SniffWire, UrlWire, link
from sim.world import Cast, World

WHATSAPP = Errors(lambda: UnclearError("simulated"), lambda: NotSentError("throttled", 1.0))
ENDPOINT = Errors(lambda: UnclearError("simulated"), lambda: NotSentError("throttled", 1.0))
SECRETS = Errors(lambda: SecretsUnavailableError("simulated"), lambda: SecretsUnavailableError("throttled"))
SOURCE = Errors(lambda: MediaUnavailableError("simulated"), lambda: MediaThrottledError("simulated"))
SCANNER = Errors(lambda: ScannerUnavailableError("simulated"), lambda: ScannerUnavailableError("busy"))
DECODER = Errors(lambda: DecoderUnavailableError("simulated"), lambda: DecoderUnavailableError("busy"))
TRANSCRIBER = Errors(
    lambda: TranscriberUnavailableError("simulated"), lambda: TranscriberThrottledError("simulated")
)
INDEX = Errors(lambda: IndexUnavailableError("simulated"), lambda: IndexUnavailableError("throttled"))
PLACE = Errors(lambda: SearchUnavailableError("simulated"), lambda: SearchUnavailableError("throttled"))
EDGES = Errors(lambda: EdgesUnavailableError("simulated"), lambda: EdgesUnavailableError("throttled"))

COMMON: dict[str, Any] = {
    "env": "sim",
    "region": "us-east-1",
    "prefix": "sim-",
    "account": ACCOUNT.aws_account,
    "wabas": (ACCOUNT.waba_id,),
    "numbers": {ACCOUNT.pnid: ACCOUNT.eum_phone_id},
    "ops_port": 0,
}
OIDC: dict[str, Any] = {
    "oidc_issuer": "https://id.invalid",
    "oidc_jwks_url": "https://id.invalid/jwks",
    "oidc_audience": "desk",
}
SEARCH: dict[str, Any] = {"opensearch_url": "http://search.invalid"}
KEEPER = KeeperSettings(**COMMON, **SEARCH)
CDN: dict[str, Any] = {"cdn_url": "https://cdn.invalid", "cdn_key_id": "K", "cdn_private_key": "unused"}


def cast(
    index: MemoryIndex,
    hooks: HookWire,
    media_wire: MediaWire,
    desks: Desks,
    stenographer: StenographerWire,
    keeping: Keeping | None,
    *,
    forwarders: int = 2,
) -> list[Cast]:
    """The processes of a world."""

    async def run_gateway(world: World, app: SimApp[GatewaySettings]) -> None:
        wire = EumWire(world.outside, world.servers.buckets[topology.MEDIA_BUCKET])
        await gateway.assemble(app, app.wrap(wire, WHATSAPP))

    async def run_forwarder(_world: World, app: SimApp[ForwarderSettings]) -> None:
        await forwarder.assemble(app, app.wrap(hooks, ENDPOINT), app.wrap(SecretWire(), SECRETS), link)

    async def run_media(_world: World, app: SimApp[MediaSettings]) -> None:
        source = app.wrap(media_wire, SOURCE)
        scanner, decoder = app.wrap(MemoryScanner(), SCANNER), app.wrap(StudioWire(), DECODER)
        transcriber = app.wrap(stenographer, TRANSCRIBER)
        await media.assemble(app, source, SniffWire(), scanner, decoder, transcriber)

    async def run_indexer(_world: World, app: SimApp[IndexerSettings]) -> None:
        await indexer.assemble(app, await parts(app, app.wrap(index, INDEX)))

    async def run_ingest(_world: World, app: SimApp[IngestSettings]) -> None:
        await ingest.compose(app)

    async def run_desk(_world: World, app: SimApp[DeskSettings]) -> None:
        desks.up[app.name] = await desk.assemble(
            app, UrlWire(), app.wrap(SecretWire(), SECRETS), PlainTickets()
        )
        desks.records[app.name] = await _record(app)

    async def run_keeper(_world: World, app: SimApp[KeeperSettings]) -> None:
        edges = app.wrap(keeping.edges, EDGES) if keeping else None
        await keeper.assemble(app, app.wrap(PlaceWire(index), PLACE), edges)

    keepers = Cast("keeper", run_keeper, KEEPER, 2)
    return [
        Cast("ingest", run_ingest, IngestSettings(**COMMON, concurrency=4), 2),
        Cast("forwarder", run_forwarder, ForwarderSettings(**COMMON, **CDN), forwarders),
        Cast("gateway", run_gateway, GatewaySettings(**COMMON), 2),
        Cast("media", run_media, MediaSettings(**COMMON)),
        Cast("indexer", run_indexer, IndexerSettings(**COMMON, **SEARCH)),
        Cast("desk", run_desk, DeskSettings(**COMMON, **CDN, **OIDC), 2),
        *([keepers] if keeping else []),
    ]


async def _record(app: SimApp[DeskSettings]) -> Backstage:
    """What a desk's process could do besides its API: files to customers, account events, erasure."""
    store, raw, keys = await app.store(), await app.objects(topology.RAW_BUCKET), await app.keys()
    record = build(store, raw, keys, await app.pepper(), app.clock, app.ids, service="desk")
    return Backstage(
        store,
        record,
        ContactKeys(keys, store, app.clock),
        await app.bus(),
        app.clock,
        Requests(store, record.people, app.clock, app.ids),
        Holds(store, record.people, app.clock, app.ids, "desk"),
    )
