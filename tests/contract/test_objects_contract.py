"""The bucket's behaviour, the same on the fake, on ministack and (`make test-engines`) on versitygw."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from functools import cache

import boto3
import pytest
from aiobotocore.session import AioSession

from local.engines import versitygw as gateway
from shared.aws import open_client
from shared.objects.memory import MemoryObjects
from shared.objects.port import ObjectInfo, ObjectMissingError, Objects, ObjectsUnavailableError
from shared.objects.s3 import PART, S3Objects
from tests import faultproxy
from tests.engines import unique_prefix
from tests.faultproxy import FaultProxy

ENGINES = ["memory", "ministack"]
if os.environ.get("CDMX_TEST_ENGINES") == "all":
    ENGINES.append("versitygw")


@pytest.fixture(scope="module")
def bucket_on() -> Callable[[str], str]:
    @cache
    def make(url: str) -> str:
        name = f"{unique_prefix()}objects"
        boto3.Session().client("s3", endpoint_url=url).create_bucket(Bucket=name)
        return name

    return make


@pytest.fixture(params=ENGINES)
async def objects(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, bucket_on: Callable[[str], str]
) -> AsyncIterator[Objects]:
    if request.param == "memory":
        yield MemoryObjects("objects")
        return
    if request.param == "versitygw":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", gateway.ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", gateway.SECRET_KEY)
    url = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    async with AsyncExitStack() as stack:
        client = await open_client(stack, AioSession(), "s3", "us-east-1")
        yield S3Objects(client, bucket_on(url))


@pytest.fixture
def folder() -> str:
    return f"{unique_prefix()}/"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def everything(found: AsyncIterator[ObjectInfo]) -> list[ObjectInfo]:
    return [info async for info in found]


async def test_an_object_comes_back_as_it_was_put(objects: Objects, folder: str) -> None:
    key = f"{folder}a b+c/ñ.bin"
    body = bytes(range(256)) * 40
    assert await objects.put(key, body, content_type="image/webp", metadata={"sha256": "ab"}) is True
    assert await objects.get(key) == body
    info = await objects.head(key)
    assert info is not None
    assert (info.key, info.size, info.content_type) == (key, len(body), "image/webp")
    assert info.metadata == {"sha256": "ab"}
    assert info.etag == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert await objects.read(key) == (body, info)


async def test_an_empty_object_is_an_object(objects: Objects, folder: str) -> None:
    await objects.put(f"{folder}empty", b"")
    assert await objects.get(f"{folder}empty") == b""
    assert [piece async for piece in objects.stream(f"{folder}empty")] == []


async def test_what_is_not_there_is_told(objects: Objects, folder: str) -> None:
    key = f"{folder}none"
    assert await objects.head(key) is None
    with pytest.raises(ObjectMissingError):
        await objects.get(key)
    with pytest.raises(ObjectMissingError):
        await objects.read(key)
    with pytest.raises(ObjectMissingError):
        await anext(objects.stream(key))
    with pytest.raises(ObjectMissingError):
        await objects.copy(key, f"{folder}copy")
    await objects.delete(key)


async def test_absent_keeps_the_first(objects: Objects, folder: str) -> None:
    key = f"{folder}raw.json"
    assert await objects.put(key, b"first", absent=True) is True
    assert await objects.put(key, b"second", absent=True) is False
    assert await objects.get(key) == b"first"
    assert await objects.put(key, b"third") is True
    assert await objects.get(key) == b"third"


async def test_of_twenty_writers_one_creates(objects: Objects, folder: str) -> None:
    async def write(n: int) -> bool:
        try:
            return await objects.put(f"{folder}race", b"%d" % n, absent=True)
        except ObjectsUnavailableError:  # S3 may answer 409 to a race; nothing is known then
            return False

    won = await asyncio.gather(*(write(n) for n in range(20)))
    assert won.count(True) == 1
    assert await objects.get(f"{folder}race") == b"%d" % won.index(True)


async def test_a_stream_comes_in_chunks(objects: Objects, folder: str) -> None:
    body = os.urandom(300_000)
    await objects.put(f"{folder}v", body)
    pieces = [piece async for piece in objects.stream(f"{folder}v", 65_536)]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 65_536


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART + 5])
async def test_a_stored_stream_is_whole(objects: Objects, folder: str, size: int) -> None:
    body = os.urandom(1024) * (size // 1024) + b"x" * (size % 1024)
    cut = size // 3
    stored = await objects.put_stream(
        f"{folder}s", chunks(body[:cut], body[cut:]), content_type="video/mp4", metadata={"n": "1"}
    )
    assert stored == size
    assert await objects.get(f"{folder}s") == body
    info = await objects.head(f"{folder}s")
    assert info is not None
    assert (info.size, info.content_type, info.metadata) == (size, "video/mp4", {"n": "1"})


@pytest.mark.parametrize("before", [1, PART + 1])
async def test_a_broken_stream_leaves_nothing(objects: Objects, folder: str, before: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * before
        raise ConnectionResetError("source")

    with pytest.raises(ConnectionResetError):
        await objects.put_stream(f"{folder}b", broken(), content_type="video/mp4")
    assert await objects.head(f"{folder}b") is None


async def test_a_copy_keeps_content_and_metadata(objects: Objects, folder: str) -> None:
    await objects.put(f"{folder}in/1", b"x", content_type="image/png", metadata={"k": "v"})
    await objects.copy(f"{folder}in/1", f"{folder}out/1")
    await objects.copy(f"{folder}in/1", f"{folder}out/2", content_type="image/webp")
    assert await objects.get(f"{folder}out/2") == b"x"
    heads = [await objects.head(f"{folder}out/{n}") for n in (1, 2)]
    assert [info and (info.content_type, info.metadata) for info in heads] == [
        ("image/png", {"k": "v"}),
        ("image/webp", {"k": "v"}),
    ]


async def test_a_list_is_complete_and_in_key_order(objects: Objects, folder: str) -> None:
    keys = [f"{folder}l/{n:04}" for n in range(1005)]  # S3 lists 1000 a page

    async def put_all(some: Iterable[str]) -> None:
        for key in some:
            await objects.put(key, b"12")

    await asyncio.gather(*(put_all(keys[start::8]) for start in range(8)))
    await objects.put(f"{folder}m", b"")
    found = await everything(objects.list(f"{folder}l/"))
    assert [info.key for info in found] == keys
    assert {info.size for info in found} == {2}
    assert await everything(objects.list(f"{folder}nothing/")) == []


async def test_deleted_is_gone_and_deleting_again_no_error(objects: Objects, folder: str) -> None:
    await objects.put(f"{folder}d", b"x")
    await objects.delete(f"{folder}d")
    await objects.delete(f"{folder}d")
    assert await objects.head(f"{folder}d") is None


@pytest.fixture
async def broken(
    ministack: str, monkeypatch: pytest.MonkeyPatch, bucket_on: Callable[[str], str]
) -> AsyncIterator[tuple[FaultProxy, S3Objects]]:
    async with FaultProxy(ministack) as proxy, AsyncExitStack() as stack:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        client = await open_client(stack, AioSession(), "s3", "us-east-1")
        yield proxy, S3Objects(client, bucket_on(ministack))


async def test_no_answer_is_unavailable(broken: tuple[FaultProxy, S3Objects], folder: str) -> None:
    proxy, objects = broken
    await objects.put(f"{folder}x", b"x")
    proxy.fail("*", faultproxy.refuse("SlowDown", 503), times=None)
    with pytest.raises(ObjectsUnavailableError):
        await objects.put(f"{folder}x", b"x")
    with pytest.raises(ObjectsUnavailableError):
        await objects.get(f"{folder}x")
    with pytest.raises(ObjectsUnavailableError):
        await everything(objects.list(folder))


async def test_a_body_cut_short_is_never_taken_for_the_whole(
    broken: tuple[FaultProxy, S3Objects], folder: str
) -> None:
    proxy, objects = broken
    await objects.put(f"{folder}x", b"x" * 100_000)
    for call in (objects.get, objects.read):
        rule = proxy.fail("GET *", faultproxy.cut_body())
        with pytest.raises(ObjectsUnavailableError):
            await call(f"{folder}x")
        assert rule.hits == 1


async def test_a_failed_part_leaves_nothing(broken: tuple[FaultProxy, S3Objects], folder: str) -> None:
    proxy, objects = broken
    puts = proxy.fail("PUT *", faultproxy.fail_with(500), times=3)
    with pytest.raises(ObjectsUnavailableError):
        await objects.put_stream(f"{folder}p", chunks(b"x" * (PART + 1)), content_type="video/mp4")
    assert puts.hits == 3
    assert await objects.head(f"{folder}p") is None
    uploads = await objects._client.list_multipart_uploads(Bucket=objects.bucket)
    assert uploads.get("Uploads", []) == []
