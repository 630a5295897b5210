"""Building an API: one router inside the common rules."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from shared.http.access import check_guarded
from shared.http.bearer import Verifier
from shared.http.middleware import Around
from shared.http.problems import MEDIA_TYPE, Problem, Texts, language
from shared.ids import Ids
from shared.objects.port import ObjectsUnavailableError
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.port import KeysUnavailableError

_BUSY = (StoreUnavailableError, ContendedError, KeysUnavailableError, ObjectsUnavailableError)
_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 400: "invalid", 413: "too-large"}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "status", "title", "detail", "field", "remedy", "correlation"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "field": {"type": ["string", "null"]},
        "remedy": {"type": "string"},
        "correlation": {"type": "string"},
    },
}
_PROBLEM_RESPONSE: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Problem", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
}


def build(
    title: str,
    *routers: APIRouter,
    verifier: Verifier | None,
    ids: Ids,
    texts: Texts,
    origins: Sequence[str] = (),
) -> FastAPI:
    """An application around `routers`; state the endpoints need is set on `app.state` by the caller.

    Args:
        title: the API's name in its OpenAPI document.
        routers: its endpoints.
        ids: mints correlations.
        texts: the words of its problems.
        verifier: None only where the app is built to be described, not served.
        origins: browser origins that may call (the console's).

    Raises:
        UnguardedError: an endpoint requires no role, or a POST no Idempotency-Key.
    """
    app = FastAPI(title=title, version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.verifier = verifier
    for router in routers:
        check_guarded(router)
        app.include_router(router, responses=_PROBLEM_RESPONSE)
    _handle_errors(app, texts)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "Last-Event-ID",
        ],
        expose_headers=["Correlation-Id", "ETag", "Location"],
        max_age=600,
    )
    app.add_middleware(Around, ids=ids, texts=texts)
    return app


def _handle_errors(app: FastAPI, texts: Texts) -> None:
    def answer(request: Request, problem: Problem) -> Response:
        spoken = language(request.headers.get("accept-language"))
        body = texts.render(problem, spoken, request.state.correlation)
        return Response(orjson.dumps(body), problem.status, problem.headers, MEDIA_TYPE)

    async def on_problem(request: Request, error: Exception) -> Response:
        return answer(request, error if isinstance(error, Problem) else Problem(500, "internal"))

    async def on_invalid(request: Request, error: Exception) -> Response:
        wrong = error.errors() if isinstance(error, RequestValidationError) else []
        return answer(request, Problem(422, "invalid", field_name(wrong)))

    async def on_http(request: Request, error: Exception) -> Response:
        if isinstance(error.__cause__, Problem):  # FastAPI wraps what stops it while it reads a body
            return answer(request, error.__cause__)
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return answer(request, Problem(status, _BY_STATUS.get(status, "internal"), headers=headers))

    async def on_busy(request: Request, _error: Exception) -> Response:
        return answer(request, Problem(503, "unavailable", headers={"Retry-After": "2"}))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    for busy in _BUSY:
        app.add_exception_handler(busy, on_busy)


def field_name(errors: Sequence[Any]) -> str | None:
    """The first wrong field as the caller spelt its place: `text.body`, `Idempotency-Key`, `limit`."""
    if not errors:
        return None
    kind, *where = errors[0]["loc"]
    named = ".".join(map(str, where))[:128]
    return kind if not named or named.isdigit() else named
