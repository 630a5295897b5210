"""Composition root of the keeper: `python -m services.ingest.keeper`."""

from opensearchpy import AsyncOpenSearch

from services.ingest.keeper.adapters.opensearch import OpenSearchPlace
from services.ingest.keeper.compose import assemble
from services.ingest.keeper.erasers import SERVICE
from services.ingest.keeper.settings import KeeperSettings
from shared.service import App, run


async def compose(app: App[KeeperSettings]) -> None:
    """Build the keeper over OpenSearch."""
    client = AsyncOpenSearch(hosts=[app.settings.opensearch_url], max_retries=2)
    app.stack.push_async_callback(client.close)
    await assemble(app, OpenSearchPlace(client, app.settings.prefix))


def main() -> None:
    """Run until a signal."""
    run(SERVICE, KeeperSettings, compose)


if __name__ == "__main__":
    main()
