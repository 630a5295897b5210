"""One suite for the sources of media: the one in memory, and EUM Social's adapter against the twin and a real S3."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiobotocore.session import get_session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.provision import Provisioned
from services.media.adapters.eum import EumSource
from services.media.adapters.memory import MemorySource
from services.media.ports import MediaDeniedError, MediaGoneError, MediaUnavailableError, Source
from shared import aws
from shared.clock import SystemClock
from shared.objects.cdn import Cdn, served_key
from shared.objects.memory import MemoryObjects
from shared.objects.port import Objects
from shared.objects.s3 import S3Objects
from shared.topology import MEDIA_BUCKET
from twin.app import Twin
from twin.core.model import Account
from twin.settings import Settings

pytestmark = pytest.mark.engines
ACCOUNT = Account()
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class Place:
    """A source, the bucket it writes into, and a file it has: (media id, SHA-256)."""

    source: Source
    bucket: Objects
    media_id: str
    sha256: str
    url: str = ""


async def in_memory(_ministack: str, _made: Provisioned, _path: Path, _stack: AsyncExitStack) -> Place:
    bucket = MemoryObjects(MEDIA_BUCKET)
    source = MemorySource(bucket, {"123": ("image/jpeg", b"jpeg")})
    return Place(source, bucket, "123", hashlib.sha256(b"jpeg").hexdigest())


async def of_the_twin(ministack: str, made: Provisioned, path: Path, stack: AsyncExitStack) -> Place:
    name = made.naming.bucket(MEDIA_BUCKET, made.account)
    known = {"TWIN_PORT": "0", "TWIN_STATE_DIR": str(path), "TWIN_MEDIA_BUCKET": name}
    known |= {"TWIN_CDN_PUBLIC_KEY": PEM, "TWIN_CDN_KEY_ID": "K1"}
    twin = await stack.enter_async_context(Twin(Settings.read(known), time.time_ns))
    url = f"http://127.0.0.1:{twin.port}"
    session = get_session()
    s3 = await stack.enter_async_context(session.create_client("s3", endpoint_url=ministack))
    eum = session.create_client("socialmessaging", endpoint_url=url, config=aws.config(attempts=1))
    http = await stack.enter_async_context(aiohttp.ClientSession(url))
    async with http.post("/_twin/customers/5215512345678/messages", json={"type": "image"}) as answer:
        said = await answer.json()
    media_id = twin_media_id(twin)
    source = EumSource(await stack.enter_async_context(eum), {ACCOUNT.pnid: ACCOUNT.eum_phone_id}, name)
    return Place(source, S3Objects(s3, name), media_id, said["media_sha256"][0], url)


def twin_media_id(twin: Twin) -> str:
    (media_id,) = twin.driver.world.state.media
    return str(media_id)


MAKERS: dict[str, Callable[[str, Provisioned, Path, AsyncExitStack], Awaitable[Place]]] = {
    "memory": in_memory,
    "eum": of_the_twin,
}


@pytest.fixture(params=sorted(MAKERS))
async def place(
    request: pytest.FixtureRequest,
    ministack: str,
    provisioned: Provisioned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Place]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    async with AsyncExitStack() as stack:
        yield await MAKERS[request.param](ministack, provisioned, tmp_path, stack)


async def keys(bucket: Objects, prefix: str) -> list[str]:
    return [info.key async for info in bucket.list(prefix)]


async def test_a_file_lies_under_the_prefix_under_a_name_of_the_sources(place: Place) -> None:
    await place.source.fetch(place.media_id, ACCOUNT.pnid, "incoming/m/0/")
    (key,) = await keys(place.bucket, "incoming/m/0/")
    assert hashlib.sha256(await place.bucket.get(key)).hexdigest() == place.sha256


async def test_fetching_again_leaves_one_file(place: Place) -> None:
    for _ in range(2):
        await place.source.fetch(place.media_id, ACCOUNT.pnid, "incoming/m/0/")
    assert len(await keys(place.bucket, "incoming/m/0/")) == 1


async def test_an_unknown_id_is_gone(place: Place) -> None:
    with pytest.raises(MediaGoneError):
        await place.source.fetch("999999", ACCOUNT.pnid, "incoming/m/1/")
    assert await keys(place.bucket, "incoming/m/1/") == []


@pytest.mark.parametrize(
    ("fault", "error"), [("media_error", MediaUnavailableError), ("media_denied", MediaDeniedError)]
)
async def test_faults_of_the_service_have_their_meaning(
    ministack: str,
    provisioned: Provisioned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    error: type[Exception],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    async with AsyncExitStack() as stack:
        place = await of_the_twin(ministack, provisioned, tmp_path, stack)
        async with aiohttp.ClientSession(place.url) as http:
            await http.post("/_twin/faults", json={"kind": fault, "rate": 1.0, "seed": 1})
        with pytest.raises(error):
            await place.source.fetch(place.media_id, ACCOUNT.pnid, "incoming/m/0/")


async def test_a_signed_url_serves_the_stored_file_and_nothing_else(
    ministack: str, provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    async with AsyncExitStack() as stack:
        place = await of_the_twin(ministack, provisioned, tmp_path, stack)
        await place.bucket.put(served_key(place.sha256), b"bytes", content_type="image/jpeg")
        url = Cdn(f"{place.url}/cdn", "K1", KEY, SystemClock()).url(place.sha256, 60)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with http.get(url) as answer:
            assert (answer.status, await answer.read()) == (200, b"bytes")
        for other in (url.replace("/original", "/r/thumb.webp"), url.split("?", maxsplit=1)[0]):
            async with http.get(other) as answer:
                assert answer.status == 403
