"""Writes the search API's OpenAPI document: `python -m services.search.openapi docs/openapi/search.json`."""

from fastapi import FastAPI

from services.search.api.endpoint import router
from services.search.api.texts import TEXTS
from shared.clock import SystemClock
from shared.http.app import build
from shared.http.openapi import export
from shared.http.problems import Texts
from shared.ids import Ids


def described() -> FastAPI:
    """The search API, built to be described and not to be served."""
    return build("Search", router, verifier=None, ids=Ids(SystemClock()), texts=Texts(TEXTS))


if __name__ == "__main__":
    export(described())
