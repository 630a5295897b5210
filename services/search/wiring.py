"""What both of search's processes are made of."""

from dataclasses import dataclass
from typing import TypeVar

from services.search.adapters.opensearch import OpenSearchIndex
from services.search.document import month
from services.search.port import Index
from shared import topology
from shared.opensearch import open_search
from shared.record.build import Record, build
from shared.service import App
from shared.settings import OpenSearchSettings
from shared.store.port import Store
from shared.vault.pepper import Pepper
from shared.vault.port import KeyService

SERVICE = "search"
S = TypeVar("S", bound=OpenSearchSettings)


@dataclass(frozen=True, slots=True)
class Parts:
    """The record and the index of one process."""

    store: Store
    record: Record
    pepper: Pepper
    keys: KeyService
    index: Index


async def wire(app: App[S]) -> Parts:
    """Open everything; the index stands when this returns."""
    client = await open_search(app, max_retries=0)  # who retries is our worker
    return await parts(app, OpenSearchIndex(client, app.settings.prefix))


async def parts(app: App[S], index: Index) -> Parts:
    """The record over the app's ports, and an index that stands when this returns."""
    store, raw, keys = await app.store(), await app.objects(topology.RAW_BUCKET), await app.keys()
    pepper = await app.pepper()
    record = build(store, raw, keys, pepper, app.clock, app.ids, service=SERVICE)
    await index.ensure(month(app.clock.now_ms()))
    return Parts(store, record, pepper, keys, index)
