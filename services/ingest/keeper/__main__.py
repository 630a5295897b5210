"""Composition root of the keeper: `python -m services.ingest.keeper`."""

from services.ingest.keeper.adapters.cloudfront import CloudFront
from services.ingest.keeper.adapters.opensearch import OpenSearchPlace
from services.ingest.keeper.compose import assemble
from services.ingest.keeper.settings import SERVICE, KeeperSettings
from shared.opensearch import open_search
from shared.service import App, run


async def compose(app: App[KeeperSettings]) -> None:
    """Build the keeper over OpenSearch, and CloudFront where there is a distribution."""
    client = await open_search(app, max_retries=2)
    at = app.settings.cdn_distribution
    edges = CloudFront(await app.client("cloudfront"), at) if at else None
    await assemble(app, OpenSearchPlace(client, app.settings.prefix), edges)


def main() -> None:
    """Run until a signal."""
    run(SERVICE, KeeperSettings, compose)


if __name__ == "__main__":
    main()
