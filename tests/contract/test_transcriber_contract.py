"""One suite for every transcriber: the fake, and Amazon Transcribe's adapter over the twin, with real S3 and SQS."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.media import transcript
from services.media.adapters.memory_transcribe import MemoryTranscriber
from services.media.adapters.transcribe import AmazonTranscribe
from services.media.inbox import JOB_CHANGED
from services.media.ports import (
    Transcriber,
    TranscriberRefusedError,
    TranscriberThrottledError,
    TranscriberUnavailableError,
)
from shared import aws, aws_models
from shared.objects.memory import MemoryObjects
from shared.objects.port import Objects
from shared.objects.s3 import S3Objects
from twin.app import Twin
from twin.settings import Settings

pytestmark = pytest.mark.engines
KEY, OUT = "served/ab/abab/original", "transcripts/i_one.json"
SOUND = b"OggS" + bytes(range(200))


@dataclass(frozen=True)
class Room:
    """A transcriber with its bucket; with the twin behind it, also its queue and the twin's own API."""

    transcriber: Transcriber
    bucket: Objects
    sqs: Any = None
    queue: str = ""
    http: Any = None

    async def ended(self, job: str) -> str | None:
        """How a job ends, looked for at most 15 s."""
        for _ in range(300):
            if (state := await self.transcriber.status(job)) != "running":
                return state
            await asyncio.sleep(0.05)
        raise AssertionError("the job did not end within 15 s")

    async def fault(self, kind: str) -> None:
        async with self.http.post("/_twin/faults", json={"kind": kind, "rate": 1.0}) as answer:
            assert answer.status < 300, await answer.text()

    async def well(self) -> None:
        async with self.http.delete("/_twin/faults") as answer:
            assert answer.status < 300, await answer.text()

    async def events(self, seconds: float = 10) -> list[dict[str, Any]]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = await self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1)
            if messages := answer.get("Messages"):
                return [json.loads(each["Body"]) for each in messages]
        return []


@asynccontextmanager
async def behind(
    ministack: str, prefix: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    """Amazon Transcribe's adapter over a twin."""
    for service in ("SNS", "SQS", "S3"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", ministack)
    env = {"TWIN_PORT": "0", "TWIN_STATE_DIR": str(state), "TWIN_TRANSCRIBE_QUEUE": f"{prefix}media"}
    async with AsyncExitStack() as stack:
        session = aws_models.session()
        s3 = await aws.open_client(stack, session, "s3", "us-east-1")
        sqs = await aws.open_client(stack, session, "sqs", "us-east-1")
        name = f"{prefix}media".lower().replace("_", "-")
        await s3.create_bucket(Bucket=name)
        queue = (await sqs.create_queue(QueueName=f"{prefix}media"))["QueueUrl"]
        twin = await stack.enter_async_context(Twin(Settings.read(env), time.time_ns))
        url = f"http://127.0.0.1:{twin.port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_TRANSCRIBE", url)
        client = await aws.open_client(stack, session, "transcribe", "us-east-1")
        http = await stack.enter_async_context(aiohttp.ClientSession(url))
        yield Room(AmazonTranscribe(client, name), S3Objects(s3, name), sqs, queue, http)


@pytest.fixture
async def twin_room(
    ministack: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    async with behind(ministack, prefix, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(params=["memory", "twin"])
async def room(
    request: pytest.FixtureRequest, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    if request.param == "memory":
        bucket = MemoryObjects("media")
        yield Room(MemoryTranscriber(bucket), bucket)
        return
    async with behind(request.getfixturevalue("ministack"), prefix, tmp_path, monkeypatch) as found:
        yield found


async def test_a_sound_becomes_words(room: Room) -> None:
    await room.bucket.put(KEY, SOUND)
    await room.transcriber.start("i_one", KEY, "ogg", OUT)
    assert await room.ended("i_one") == "done"
    said = transcript.read(await room.bucket.get(OUT))
    assert said["text"]
    assert 0 < said["confidence"] <= 100
    assert len(said["words"]) >= 3
    assert [at for at, _ in said["words"]] == sorted(at for at, _ in said["words"])


async def test_a_job_is_begun_once_by_its_name(room: Room) -> None:
    await room.bucket.put(KEY, SOUND)
    await room.transcriber.start("i_one", KEY, "ogg", OUT)
    await room.ended("i_one")
    first = await room.bucket.get(OUT)
    await room.bucket.put(KEY, b"OggS other")
    await room.transcriber.start("i_one", KEY, "ogg", OUT)
    assert await room.ended("i_one") == "done"
    assert await room.bucket.get(OUT) == first


async def test_a_forgotten_job_is_not_there_and_its_output_stays(room: Room) -> None:
    await room.bucket.put(KEY, SOUND)
    await room.transcriber.start("i_one", KEY, "ogg", OUT)
    await room.ended("i_one")
    for _ in range(2):
        await room.transcriber.forget("i_one")
        assert await room.transcriber.status("i_one") is None
    assert await room.bucket.head(OUT) is not None


async def test_what_it_does_not_take_is_refused(room: Room) -> None:
    await room.bucket.put(KEY, SOUND)
    with pytest.raises(TranscriberRefusedError):
        await room.transcriber.start("i_one", KEY, "exe", OUT)
    with pytest.raises(TranscriberRefusedError):
        await room.transcriber.start("i_two", "served/none", "ogg", OUT)
    assert await room.transcriber.status("i_one") is None


async def test_the_end_of_a_job_is_told_through_the_queue(twin_room: Room) -> None:
    await twin_room.bucket.put(KEY, SOUND)
    await twin_room.transcriber.start("i_one", KEY, "ogg", OUT)
    (event,) = await twin_room.events()
    assert event["detail-type"] == JOB_CHANGED
    assert event["detail"] == {"TranscriptionJobName": "i_one", "TranscriptionJobStatus": "COMPLETED"}


async def test_trouble_has_its_meaning(twin_room: Room) -> None:
    await twin_room.bucket.put(KEY, SOUND)
    for kind, error in (
        ("transcribe_throttle", TranscriberThrottledError),
        ("transcribe_error", TranscriberUnavailableError),
    ):
        await twin_room.fault(kind)
        with pytest.raises(error):
            await twin_room.transcriber.start("i_one", KEY, "ogg", OUT)
        await twin_room.well()
    for kind in ("transcribe_failed", "transcribe_mute"):
        await twin_room.fault(kind)
    await twin_room.transcriber.start("i_one", KEY, "ogg", OUT)
    assert await twin_room.ended("i_one") == "failed"
    assert await twin_room.events(1) == []


async def test_a_twin_that_is_stopped_goes_on_with_its_jobs(
    ministack: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with behind(ministack, prefix, tmp_path, monkeypatch) as room:
        await room.bucket.put(KEY, SOUND)
        await room.transcriber.start("i_one", KEY, "ogg", OUT)
        assert await room.transcriber.status("i_one") == "running"
    async with behind(ministack, prefix, tmp_path, monkeypatch) as room:
        assert await room.ended("i_one") == "done"
        assert await room.bucket.head(OUT) is not None


async def test_without_an_answer_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_TRANSCRIBE", "http://127.0.0.1:9")
    async with AsyncExitStack() as stack:
        client = await aws.open_client(stack, aws_models.session(), "transcribe", "us-east-1")
        with pytest.raises(TranscriberUnavailableError):
            await AmazonTranscribe(client, "bucket").start("i_one", KEY, "ogg", OUT)
