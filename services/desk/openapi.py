"""Writes the desk's OpenAPI document: `python -m services.desk.openapi docs/openapi/desk.json`."""

from fastapi import FastAPI

from services.desk.api.app import application
from shared.clock import SystemClock
from shared.http.openapi import export
from shared.ids import Ids


def described() -> FastAPI:
    """The desk's API, built to be described and not to be served."""
    return application(None, None, Ids(SystemClock()))


if __name__ == "__main__":
    export(described())
