"""The common rules as a caller meets them: errors, headers, limits, roles, the log."""

from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel

from shared.http.access import Staff, Support, UnguardedError, check_guarded
from shared.http.app import build
from shared.http.middleware import MAX_BODY
from shared.http.preconditions import IdempotencyKey, IfMatch, IfNoneMatch, expected
from shared.http.problems import COMMON, Problem, Texts, language
from shared.ids import Ids
from shared.store.port import StoreUnavailableError
from tests.unit.http.tokens import Provider, StoppedClock

router = APIRouter(prefix="/v1")


class Body(BaseModel):
    text: str


@router.get("/things/{thing}")
async def read(_caller: Staff, thing: str, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> dict[str, Any]:
    if thing == "gone":
        raise Problem(404, "not-found", "thing")
    if thing == "broken":
        raise RuntimeError("secret-text")
    if thing == "busy":
        raise StoreUnavailableError
    return {"thing": thing, "limit": limit}


@router.post("/things")
async def write(_caller: Staff, body: Body, key: IdempotencyKey) -> dict[str, str]:
    return {"key": key, "text": body.text}


@router.put("/things/{thing}")
async def change(
    _caller: Support, thing: str, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> dict[str, Any]:
    return {"thing": thing, "expected": expected(if_match, if_none_match)}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def client(provider: Provider) -> httpx.AsyncClient:
    app = build(
        "t",
        router,
        verifier=provider.verifier,
        ids=Ids(StoppedClock()),
        texts=Texts(),
        origins=["https://c.test"],
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")


def check_problem(answer: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "status", "title", "detail", "field", "remedy", "correlation"}
    assert body["type"] == f"/problems/{code}"
    assert body["field"] == field
    assert body["correlation"] == answer.headers["correlation-id"]
    return body


async def test_an_endpoint_without_a_token(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things/a")
    check_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    check_problem(
        await client.get("/v1/things/a", headers={"Authorization": "Basic YTpi"}), 401, "unauthenticated"
    )


async def test_an_expired_token_says_so(client: httpx.AsyncClient, provider: Provider) -> None:
    headers = provider.headers("agent")
    provider.clock.now_s += 3600
    check_problem(await client.get("/v1/things/a", headers=headers), 401, "session-expired")


async def test_the_provider_down(client: httpx.AsyncClient, provider: Provider) -> None:
    provider.source.fail = True
    answer = await client.get("/v1/things/a", headers=provider.headers("agent"))
    check_problem(answer, 503, "identity-provider-unavailable")
    assert answer.headers["retry-after"] == "10"


async def test_roles(client: httpx.AsyncClient, provider: Provider) -> None:
    assert (await client.get("/v1/things/a", headers=provider.headers("agent"))).status_code == 200
    for roles in ((), ("ops",), ("machine",), ("strangers",)):
        check_problem(await client.get("/v1/things/a", headers=provider.headers(*roles)), 403, "forbidden")


async def test_problems_speak_spanish_unless_english_is_preferred(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    headers = provider.headers("agent")
    assert (await client.get("/v1/things/gone", headers=headers)).json()["title"] == "No existe"
    english = {**headers, "Accept-Language": "en-US,en;q=0.9,es;q=0.2"}
    assert (await client.get("/v1/things/gone", headers=english)).json()["title"] == "Not found"


def test_language_by_quality() -> None:
    assert [language(x) for x in (None, "", "fr", "es,en;q=0.5", "en;q=0.5,es;q=0.4", "en;q=x", "en")] == [
        "es", "es", "es", "es", "en", "es", "en",
    ]  # fmt: skip


async def test_every_kind_of_error_is_a_problem(client: httpx.AsyncClient, provider: Provider) -> None:
    headers = provider.headers("agent")
    check_problem(await client.get("/v1/things/gone", headers=headers), 404, "not-found", "thing")
    check_problem(await client.get("/nowhere"), 404, "not-found")
    check_problem(await client.patch("/v1/things/a", headers=headers), 405, "method-not-allowed")
    check_problem(await client.get("/v1/things/a?limit=201", headers=headers), 422, "invalid", "limit")
    check_problem(await client.get("/v1/things/busy", headers=headers), 503, "unavailable")
    check_problem(
        await client.post("/v1/things", headers=headers, json={"text": "x"}),
        422,
        "invalid",
        "Idempotency-Key",
    )
    keyed = {**headers, "Idempotency-Key": "k"}
    check_problem(await client.post("/v1/things", headers=keyed, json={}), 422, "invalid", "text")
    check_problem(await client.post("/v1/things", headers=keyed, content=b"{"), 422, "invalid", "body")
    unexpected = await client.get("/v1/things/broken", headers=headers)
    check_problem(unexpected, 500, "internal")
    assert "secret-text" not in unexpected.text


async def test_a_body_beyond_the_limit_is_cut_off_even_without_a_length(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    async def stream() -> Any:
        for _ in range(MAX_BODY // 8192 + 2):
            yield b" " * 8192

    headers = provider.headers("agent", **{"Idempotency-Key": "k", "Content-Type": "application/json"})
    check_problem(await client.post("/v1/things", headers=headers, content=stream()), 413, "too-large")


async def test_preconditions(client: httpx.AsyncClient, provider: Provider) -> None:
    headers = provider.headers("ops")
    check_problem(await client.put("/v1/things/a", headers=headers), 428, "precondition-required", "If-Match")
    for bad in ("5", 'W/"5"', '"x"', "*"):
        check_problem(
            await client.put("/v1/things/a", headers={**headers, "If-Match": bad}), 400, "invalid", "If-Match"
        )
    made = await client.put("/v1/things/a", headers={**headers, "If-Match": '"7"'})
    assert made.json()["expected"] == 7
    fresh = await client.put("/v1/things/a", headers={**headers, "If-None-Match": "*"})
    assert fresh.json()["expected"] == "absent"


async def test_every_answer_carries_the_security_headers(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    for answer in (
        await client.get("/v1/things/a", headers=provider.headers("agent")),
        await client.get("/x"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_trace_is_kept_as_the_correlation(client: httpx.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await client.get("/x", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.headers["correlation-id"] == trace
    forged = await client.get("/x", headers={"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"})
    assert forged.headers["correlation-id"] != "0" * 32


async def test_only_the_console_may_call_across_origins(client: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await client.options("/v1/things", headers={"Origin": "https://c.test", **asked})
    assert allowed.headers["access-control-allow-origin"] == "https://c.test"
    other = await client.options("/v1/things", headers={"Origin": "https://evil.test", **asked})
    assert "access-control-allow-origin" not in other.headers


async def test_the_log_holds_the_route_and_nothing_of_the_address(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.get("/v1/things/5215512345678?limit=7&q=secreto", headers=provider.headers("agent"))
    assert [line["route"] for line in lines] == ["/v1/things/{thing}"]
    assert "5215512345678" not in str(lines)
    assert "secreto" not in str(lines)


def test_an_endpoint_without_a_role_or_a_key_stops_the_start() -> None:
    async def bare() -> None: ...

    async def unkeyed(_caller: Staff) -> None: ...

    for method, endpoint in (("GET", bare), ("POST", unkeyed)):
        unguarded = APIRouter()
        unguarded.add_api_route("/v1/x", endpoint, methods=[method])
        with pytest.raises(UnguardedError):
            check_guarded(unguarded)
    mounted = APIRouter()
    mounted.include_router(router)
    with pytest.raises(UnguardedError):
        check_guarded(mounted)


def test_all_texts_stand_in_both_languages() -> None:
    for words in COMMON.values():
        assert set(words) == {"es", "en"}
