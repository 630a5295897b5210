"""Composition root of the indexer: `python -m services.search`."""

from services.search.batcher import Batcher
from services.search.handlers import Handlers
from services.search.indexer import Indexer
from services.search.port import IndexUnavailableError
from services.search.settings import IndexerSettings
from services.search.wiring import SERVICE, Parts, wire
from shared.service import App, run
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError


async def compose(app: App[IndexerSettings]) -> None:
    """Build the indexer over OpenSearch."""
    await assemble(app, await wire(app))


async def assemble(app: App[IndexerSettings], parts: Parts) -> None:
    """Build the indexer out of its parts."""
    record, store, index, keys = parts.record, parts.store, parts.index, parts.keys
    indexer = Indexer(store, record.reader, record.people, index, Batcher(index))
    handlers = Handlers(indexer, app.clock, app.metrics.search_visible_seconds.observe)
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
        app.breaker("opensearch", (IndexUnavailableError,), index.refresh),
    ]
    queue = await app.queue("search")
    app.worker(queue, handlers.handle, breakers=breakers, concurrency=app.settings.concurrency)


def main() -> None:
    """Run until a signal."""
    run(SERVICE, IndexerSettings, compose)


if __name__ == "__main__":
    main()
