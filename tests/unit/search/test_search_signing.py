"""Signed requests: a server that computes each signature anew, with botocore's own signer, lets nothing else in."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiobotocore.session import AioSession, get_session
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError
from opensearchpy.exceptions import AuthorizationException

from services.search.adapters.opensearch import OpenSearchIndex
from services.search.port import Query, Write
from services.search.settings import IndexerSettings
from shared import opensearch
from shared.clock import SystemClock
from shared.opensearch import Signature, TaskCredentials, connect
from shared.service import App
from shared.settings import load

KEY, SECRET, TOKEN, REGION = (
    "AKIDEXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "FwoGZXIvYXdzE",
    "us-east-1",
)
_AUTH = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})")
SKEW = timedelta(
    minutes=5
)  # AWS general reference, "Signature Version 4": the request's date may be off by this
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def fault(method: str, raw_path: str, headers: dict[str, str], body: bytes, service: str = "es") -> str:
    """Why a request is not let in; empty where it is signed as botocore signs it."""
    found = _AUTH.fullmatch(headers.get("authorization", ""))
    if found is None:
        return "unsigned"
    scope, names, signature = found.group(1), found.group(2).split(";"), found.group(3)
    date = headers.get("x-amz-date", "")
    if scope != f"{KEY}/{date[:8]}/{REGION}/{service}/aws4_request":
        return "scope"
    if not {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= set(names):
        return "headers"
    if abs(datetime.strptime(date, "%Y%m%dT%H%M%S%z") - datetime.now(UTC)) > SKEW:
        return "date"
    if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return "body"
    url = f"http://{headers['host']}{raw_path}"
    request = AWSRequest(method, url, {name: headers[name] for name in names}, body)
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials(KEY, SECRET, TOKEN), service, REGION)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return "" if hmac.compare_digest(expected, signature) else "signature"


@dataclass
class Domain:
    """A domain that answers what the index needs, to signed requests only."""

    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        why = fault(request.method, request.raw_path, headers, body)
        self.seen.append((request.method, request.raw_path))
        if why:
            self.refused.append(why)
            return web.json_response({"error": why, "status": 403}, status=403)
        return web.json_response(_said(request, body))


def _said(request: web.Request, body: bytes) -> Any:
    if request.path.endswith("/_bulk"):
        heads = [json.loads(line) for line in body.splitlines() if b'"_id"' in line]
        return {"items": [{next(iter(head)): {"status": 200}} for head in heads]}
    if request.path.endswith("/_search"):
        return {"timed_out": False, "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}
    if request.method == "GET" and request.path.endswith("desk-msgs-*"):
        return {"t-desk-msgs-2026.11": {}}
    return {"acknowledged": True, "found": False}


@pytest.fixture
async def domain() -> AsyncIterator[Domain]:
    made = Domain()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


class Session(AioSession):
    """Gives credentials as an SDK session does whose role is renewed."""

    def __init__(self, *answers: ReadOnlyCredentials | Exception) -> None:
        super().__init__()
        self.answers = list(answers)

    async def get_credentials(self) -> Any:  # type: ignore[override] # the stubs speak of botocore's blocking session
        return self

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def held(*answers: ReadOnlyCredentials | Exception) -> TaskCredentials:
    credentials = TaskCredentials(Session(*(answers or (ReadOnlyCredentials(KEY, SECRET, TOKEN),))))
    await credentials.refresh()
    return credentials


async def use(index: OpenSearchIndex) -> None:
    """Everything the product asks of the engine; names hold what a signer may get wrong: `*`, commas, blanks."""
    await index.ensure("2026.11")
    document = {"message_id": "i_1", "body": ["ñandú 📷 +&%"]}
    await index.apply(
        [Write("messages", "i_1", 3, document, "2026.11"), Write("messages", "i_2", 4, again=True)]
    )
    await index.apply([Write("conversations", "c_1", 1, {"name": ["Ana"]})])
    await index.search(Query(words=("ñandú",), phrases=("a b",)), 5)
    await index.resolve("ana lópez")
    await index.get("messages", "i_1")
    await index.get("conversations", "c 1/%2A+*")
    await index.forget("p_1")
    await index.refresh()


async def test_every_request_of_the_index_is_signed_as_botocore_signs_it(domain: Domain) -> None:
    client = connect(domain.url, Signature(await held(), REGION, "es"), max_retries=0)
    async with client:
        await use(OpenSearchIndex(client, "t-"))
    assert domain.refused == []
    assert len(domain.seen) >= 12
    assert {method for method, _ in domain.seen} >= {"GET", "PUT", "POST", "HEAD"}


async def test_the_server_refuses_what_is_not_signed_or_by_somebody_else(domain: Domain) -> None:
    for signature, why in (
        (None, "unsigned"),
        (Signature(await held(ReadOnlyCredentials(KEY, "other", TOKEN)), REGION, "es"), "signature"),
        (Signature(await held(), "eu-west-1", "es"), "scope"),
        (Signature(await held(), REGION, "aoss"), "scope"),
    ):
        async with connect(domain.url, signature, max_retries=0) as client:
            with pytest.raises(AuthorizationException):
                await client.indices.refresh(index="x")
        assert domain.refused[-1] == why


def test_the_check_itself_notices_an_altered_request() -> None:
    request = AWSRequest("POST", "http://h/a", {"Content-Type": "application/json"}, b"{}")
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"{}").hexdigest()
    SigV4Auth(Credentials(KEY, SECRET, TOKEN), "es", REGION).add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()} | {"host": "h"}
    assert fault("POST", "/a", sent, b"{}") == ""
    assert fault("POST", "/b", sent, b"{}") == "signature"
    assert fault("PUT", "/a", sent, b"{}") == "signature"
    assert fault("POST", "/a", sent, b"[]") == "body"
    assert fault("POST", "/a", sent | {"content-type": "text/plain"}, b"{}") == "signature"
    assert fault("POST", "/a", sent | {"x-amz-date": "20200101T000000Z"}, b"{}") == "scope"


async def test_credentials_are_renewed_and_those_of_before_serve_while_they_cannot_be() -> None:
    new = ReadOnlyCredentials("NEW", "s", "t")
    failed = CredentialRetrievalError(provider="container", error_msg="no answer")
    credentials = await held(ReadOnlyCredentials(KEY, SECRET, TOKEN), failed, new)
    await credentials.refresh()
    assert credentials.get_frozen_credentials().access_key == KEY
    await credentials.refresh()
    assert credentials.get_frozen_credentials() == new


async def test_without_credentials_the_first_request_says_what_is_missing() -> None:
    failed = CredentialRetrievalError(provider="container", error_msg="no answer")
    with pytest.raises(CredentialRetrievalError):
        await held(failed)
    with pytest.raises(LookupError, match="AWS_ACCESS_KEY_ID"):
        TaskCredentials(get_session()).get_frozen_credentials()


async def test_the_sdks_own_session_gives_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    credentials = TaskCredentials(get_session())
    await credentials.refresh()
    assert credentials.get_frozen_credentials() == ReadOnlyCredentials(KEY, SECRET, TOKEN)


def test_signing_is_a_setting_and_off_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDMX_OPENSEARCH_URL", "http://127.0.0.1:9200")
    assert load(IndexerSettings).opensearch_sign == ""
    monkeypatch.setenv("CDMX_OPENSEARCH_SIGN", "es")
    assert load(IndexerSettings).opensearch_sign == "es"
    assert opensearch.REFRESH_S < 15 * 60


async def test_the_search_services_sign_where_it_is_set_and_keep_their_credentials_fresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("CDMX_OPENSEARCH_URL", "http://127.0.0.1:9200")
    async with AsyncExitStack() as stack:
        app = App("search", load(IndexerSettings), stack, SystemClock())
        assert await opensearch.signature(app) is None
        assert "credentials" not in app.tasks
        monkeypatch.setenv("CDMX_OPENSEARCH_SIGN", "aoss")
        app = App("search", load(IndexerSettings), stack, SystemClock())
        signature = await opensearch.signature(app)
        assert signature is not None
        assert (signature.service, signature.credentials.get_frozen_credentials().access_key) == ("aoss", KEY)
        assert "credentials" in app.tasks
