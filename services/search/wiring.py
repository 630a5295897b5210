"""What both of search's processes are made of."""

from dataclasses import dataclass
from typing import TypeVar

from opensearchpy import AsyncOpenSearch

from services.search.adapters.opensearch import OpenSearchIndex
from services.search.document import month
from shared import topology
from shared.objects.s3 import S3Objects
from shared.record.build import Record, build
from shared.service import App
from shared.settings import OpenSearchSettings
from shared.store.dynamo import DynamoStore
from shared.store.port import Store
from shared.vault.kms import KmsKeys
from shared.vault.pepper import Pepper
from shared.vault.secrets import read_pepper

SERVICE = "search"
S = TypeVar("S", bound=OpenSearchSettings)


@dataclass(frozen=True, slots=True)
class Parts:
    """The record and the index of one process."""

    store: Store
    record: Record
    pepper: Pepper
    keys: KmsKeys
    index: OpenSearchIndex


async def wire(app: App[S]) -> Parts:
    """Open everything; the index stands when this returns."""
    settings, naming = app.settings, app.settings.naming
    store = DynamoStore(await app.client("dynamodb"), naming)
    raw = S3Objects(await app.client("s3"), naming.bucket(topology.RAW_BUCKET, settings.account))
    keys = KmsKeys(await app.client("kms"), f"alias/{naming.name(topology.KMS_ALIAS)}")
    pepper = await read_pepper(await app.client("secretsmanager"), naming.name(topology.PEPPER_SECRET))
    record = build(store, raw, keys, pepper, app.clock, app.ids, service=SERVICE)
    client = AsyncOpenSearch(hosts=[settings.opensearch_url], max_retries=0)  # who retries is our worker
    app.stack.push_async_callback(client.close)
    index = OpenSearchIndex(client, settings.prefix)
    await index.ensure(month(app.clock.now_ms()))
    return Parts(store, record, pepper, keys, index)
