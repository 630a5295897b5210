"""Composition root of the search API: `python -m services.search.api`."""

import aiohttp

from services.search.api.endpoint import Parts, router
from services.search.api.finder import Finder
from services.search.api.texts import TEXTS
from services.search.settings import SearchApiSettings
from services.search.wiring import wire
from shared.http.app import build
from shared.http.bearer import Verifier
from shared.http.fetch import HttpJwks
from shared.http.jwks import Keys
from shared.http.problems import Texts
from shared.http.server import HttpServer
from shared.service import App, run


async def compose(app: App[SearchApiSettings]) -> None:
    """Build the API out of the app's parts."""
    settings = app.settings
    parts = await wire(app)
    session = await app.stack.enter_async_context(aiohttp.ClientSession())
    keys = Keys(HttpJwks(session, settings.oidc_jwks_url))
    verifier = Verifier(keys, settings.oidc_issuer, settings.oidc_audience, app.clock)
    origins = [settings.console_url] if settings.console_url else []
    api = build("Search", router, verifier=verifier, ids=app.ids, texts=Texts(TEXTS), origins=origins)
    finder = Finder(parts.index, parts.store, parts.record.people, parts.pepper)
    api.state.search = Parts(finder, app.metrics.search_seconds)
    server = HttpServer(api, settings.bind, settings.port)
    app.log.info("api open", port=server.port)
    app.task("api", server.run)


def main() -> None:
    """Run until a signal."""
    run("search-api", SearchApiSettings, compose)


if __name__ == "__main__":
    main()
