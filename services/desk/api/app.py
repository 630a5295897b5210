"""The desk's application: all its routers under the common rules."""

from collections.abc import Sequence

from fastapi import FastAPI

from services.desk.api import account, conversations, live, names, replies, rules, uploads
from services.desk.api.parts import Parts
from services.desk.texts import TEXTS
from services.desk.upload_texts import UPLOADS
from shared.http.app import build
from shared.http.bearer import Verifier
from shared.http.problems import Texts
from shared.ids import Ids


def application(
    parts: Parts | None, verifier: Verifier | None, ids: Ids, origins: Sequence[str] = ()
) -> FastAPI:
    """The API; `parts` and `verifier` are None only where it is built to be described."""
    routers = (conversations, replies, uploads, rules, live, account, names)
    texts = Texts({**TEXTS, **UPLOADS})
    app = build(
        "Desk", *(each.router for each in routers), verifier=verifier, ids=ids, texts=texts, origins=origins
    )
    app.state.desk = parts
    return app
