"""An upload's signed address on a real S3 face: these bytes, of this type, until its end, and nobody else's."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import boto3
import pytest
from aiobotocore.session import AioSession

from services.desk.adapters.tickets import S3Tickets, open_tickets
from shared.media.uploads import upload_key

pytestmark = pytest.mark.engines
BYTES = b"\x89PNG and more"


@pytest.fixture
async def tickets(ministack: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Tickets]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv(
        "AWS_SECRET_ACCESS_KEY", "test"
    )  # the only secret with which the emulator checks addresses
    boto3.Session().client("s3", endpoint_url=ministack, region_name="us-east-1").create_bucket(
        Bucket=f"{prefix}media"
    )
    async with AsyncExitStack() as stack:
        yield await open_tickets(stack, AioSession(), "us-east-1", f"{prefix}media", ministack)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_the_declared_bytes_are_taken_and_an_altered_request_is_not(
    tickets: S3Tickets, session: aiohttp.ClientSession, ministack: str, prefix: str
) -> None:
    key = upload_key("u_" + "a" * 26)
    url, headers = await tickets.put(key, "image/png", len(BYTES), 900)
    for wrong_url, wrong_headers, body in (
        (url.replace("uploads/u_a", "served/u_a"), headers, BYTES),
        (url.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"), headers, BYTES),
        (url, {**headers, "Content-Type": "text/html"}, BYTES),
        (url, headers, BYTES + b"!"),
    ):
        async with session.put(wrong_url, data=body, headers=wrong_headers) as answer:
            assert answer.status == 403, (wrong_url, wrong_headers)
    async with session.put(url, data=BYTES, headers=headers) as answer:
        assert answer.status == 200
    s3 = boto3.Session().client("s3", endpoint_url=ministack, region_name="us-east-1")
    kept = s3.get_object(Bucket=f"{prefix}media", Key=key)
    assert (kept["Body"].read(), kept["ContentType"]) == (BYTES, "image/png")


async def test_what_was_put_is_not_put_over(tickets: S3Tickets, session: aiohttp.ClientSession) -> None:
    url, headers = await tickets.put(upload_key("u_" + "b" * 26), "image/png", len(BYTES), 900)
    async with session.put(url, data=BYTES, headers=headers) as answer:
        assert answer.status == 200
    async with session.put(url, data=BYTES[::-1], headers=headers) as answer:
        assert answer.status == 412
