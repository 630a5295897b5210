"""Amazon Transcribe as botocore's client speaks it (json 1.1), for batch jobs from and to the caller's own buckets.

Shapes, patterns and exceptions: botocore's service model of 2017-10-26. The output's form: Amazon Transcribe developer
guide, "Transcription output in JSON"; the event's: "Using Amazon EventBridge with Amazon Transcribe". What is heard is
made of the sound's hash: the twin understands no speech. Jobs are kept with the twin's settings.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from twin.driver import Driver, PublishError

JOBS = "transcription_jobs"
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=\S+/\d{8}/[^/]+/transcribe/aws4_request, ?SignedHeaders=\S+, ?Signature=[0-9a-f]{64}"
)
_NAME = re.compile(r"[0-9a-zA-Z._-]{1,200}")
_KEY = re.compile(r"[a-zA-Z0-9\-_.!*'()/]{1,1024}")
_URI = re.compile(r"s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])/(.{1,1024})")
_FORMATS = frozenset({"mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a"})
_LANGUAGES = frozenset({"es-MX", "es-ES", "es-US", "en-US"})
_WORK_S = 0.2  # of a job
_WORDS = (
    *(
        "agua",
        "mercado",
        "calle",
        "sismo",
        "luz",
        "vecinos",
        "reporte",
        "noche",
        "mañana",
        "puente",
        "lluvia",
    ),
    *("camión", "metro", "protesta", "hospital", "escuela", "bomberos", "fuga", "bache", "manifestación"),
    *("alcaldía", "inundación", "testigo", "video", "llamada"),
)


Operation = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class RefusedError(Exception):
    """An exception of the service model."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Transcribe:
    """The operations; `s3` reads sounds and writes what was heard, `told` puts an event where EventBridge's rule leads."""

    def __init__(self, driver: Driver, s3: Any, told: Callable[[str], Any]) -> None:
        self._driver = driver
        self._s3 = s3
        self._told = told
        self._running: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """The one path of the service."""
        return [web.post("/", self.call)]

    def hook(self, app: web.Application) -> None:
        """Go on with jobs that were under way, and stop with the application."""
        app.on_startup.append(self._resume)
        app.on_cleanup.append(self._stop)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """An operation by its X-Amz-Target."""
        try:
            return _json(await self._operation(request)(await _body(request)))
        except RefusedError as wrong:
            status = 500 if wrong.name == "InternalFailureException" else 400
            return _json({"__type": wrong.name, "Message": str(wrong)}, status)

    def _operation(self, request: web.Request) -> Operation:
        if not _SIGNED.fullmatch(request.headers.get("Authorization", "")):
            raise RefusedError("AccessDeniedException", "sign with SigV4 for transcribe")
        operations = {
            "Transcribe.StartTranscriptionJob": self.begin,
            "Transcribe.GetTranscriptionJob": self.get,
            "Transcribe.DeleteTranscriptionJob": self.delete,
        }
        operation = operations.get(request.headers.get("X-Amz-Target", ""))
        if operation is None:
            raise RefusedError("UnknownOperationException", "the twin does not serve this operation")
        return operation

    async def begin(self, body: dict[str, Any]) -> dict[str, Any]:
        """StartTranscriptionJob."""
        self._trouble()
        name = _text(body, "TranscriptionJobName", _NAME)
        if name in self._jobs():
            raise RefusedError("ConflictException", "TranscriptionJobName: there is a job of this name")
        job = {
            "name": name,
            "uri": _text(body.get("Media") or {}, "MediaFileUri", _URI),
            "bucket": _text(body, "OutputBucketName", re.compile(r"[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]")),
            "key": _text(body, "OutputKey", _KEY),
            "language": _one(body, "LanguageCode", _LANGUAGES),
            "format": _one(body, "MediaFormat", _FORMATS),
            "state": "IN_PROGRESS",
            "at": self._driver.now() // 1_000_000_000,
        }
        await self._sound(job)
        self._keep(job)
        self._work(job)
        return {"TranscriptionJob": _shown(job)}

    async def get(self, body: dict[str, Any]) -> dict[str, Any]:
        """GetTranscriptionJob."""
        self._trouble()
        job = self._jobs().get(_text(body, "TranscriptionJobName", _NAME))
        if job is None:
            raise RefusedError("NotFoundException", "TranscriptionJobName: there is no such job")
        return {"TranscriptionJob": _shown(job)}

    async def delete(self, body: dict[str, Any]) -> dict[str, Any]:
        """DeleteTranscriptionJob; the output stays."""
        jobs = self._jobs()
        if jobs.pop(_text(body, "TranscriptionJobName", _NAME), None) is None:
            raise RefusedError("BadRequestException", "TranscriptionJobName: there is no such job")
        self._driver.history.put_setting(JOBS, jobs)
        return {}

    def _trouble(self) -> None:
        faults = self._driver.world.state.faults
        if faults.draw("transcribe_throttle") is not None:
            raise RefusedError("LimitExceededException", "too many jobs or requests")
        if faults.draw("transcribe_error") is not None:
            raise RefusedError("InternalFailureException", "transcribe_error")

    def _jobs(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._driver.history.setting(JOBS, {})
        return found

    def _keep(self, job: dict[str, Any]) -> None:
        self._driver.history.put_setting(JOBS, {**self._jobs(), job["name"]: job})

    def _work(self, job: dict[str, Any]) -> None:
        task = asyncio.create_task(self._done(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _resume(self, _app: web.Application) -> None:
        for job in self._jobs().values():
            if job["state"] == "IN_PROGRESS":
                self._work(job)

    async def _stop(self, _app: web.Application) -> None:
        for task in list(self._running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _done(self, job: dict[str, Any]) -> None:
        """Listen, write what was heard, and say so."""
        await asyncio.sleep(_WORK_S)
        faults = self._driver.world.state.faults
        ended = {**job, "state": "FAILED", "reason": "transcribe_failed"}
        if faults.draw("transcribe_failed") is None:
            try:
                await self._written(job)
                ended = {**job, "state": "COMPLETED"}
            except (RefusedError, ClientError, BotoCoreError) as wrong:
                ended["reason"] = str(wrong)[:200]
        if job["name"] not in self._jobs():
            return  # deleted meanwhile
        self._keep(ended)
        if faults.draw("transcribe_mute") is None:
            with suppress(PublishError):  # EventBridge gives its best, no more
                await self._told(json.dumps(_event(ended)))

    async def _written(self, job: dict[str, Any]) -> None:
        said = json.dumps(heard(job, await self._sound(job)), ensure_ascii=False).encode()
        await self._s3.put_object(
            Bucket=job["bucket"], Key=job["key"], Body=said, ContentType="application/json"
        )

    async def _sound(self, job: dict[str, Any]) -> bytes:
        bucket, _, key = job["uri"].removeprefix("s3://").partition("/")
        try:
            found = await self._s3.get_object(Bucket=bucket, Key=key)
            async with found["Body"] as stream:
                data: bytes = await stream.read()
        except ClientError:
            raise RefusedError(
                "BadRequestException", "Media.MediaFileUri: the object cannot be read"
            ) from None
        return data


def heard(job: dict[str, Any], sound: bytes) -> dict[str, Any]:
    """The output of a job: as many words as its sound's hash chooses, one every half second."""
    digest = hashlib.sha256(sound).digest()
    words = [_WORDS[byte % len(_WORDS)] for byte in digest[: 6 + digest[0] % 10]]
    items: list[dict[str, Any]] = [
        {
            "type": "pronunciation",
            "start_time": f"{n / 2:.3f}",
            "end_time": f"{n / 2 + 0.4:.3f}",
            "alternatives": [{"confidence": f"{0.8 + digest[n] / 1500:.4f}", "content": word}],
        }
        for n, word in enumerate(words)
    ]
    items.append({"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]})
    text = " ".join(words).capitalize() + "."
    results = {"transcripts": [{"transcript": text}], "items": items}
    return {"jobName": job["name"], "accountId": "000000000000", "status": "COMPLETED", "results": results}


def _event(job: dict[str, Any]) -> dict[str, Any]:
    reason = {"FailureReason": job["reason"]} if "reason" in job else {}
    return {
        "version": "0",
        "id": hashlib.sha256(job["name"].encode()).hexdigest()[:32],
        "detail-type": "Transcribe Job State Change",
        "source": "aws.transcribe",
        "resources": [],
        "detail": {
            "TranscriptionJobName": job["name"],
            "TranscriptionJobStatus": job["state"],
            **reason,
        },
    }


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "TranscriptionJobName": job["name"],
        "TranscriptionJobStatus": job["state"],
        "LanguageCode": job["language"],
        "MediaFormat": job["format"],
        "Media": {"MediaFileUri": job["uri"]},
        "CreationTime": job["at"],
    }
    if job["state"] == "COMPLETED":
        shown["Transcript"] = {"TranscriptFileUri": f"s3://{job['bucket']}/{job['key']}"}
    return shown | ({"FailureReason": job["reason"]} if "reason" in job else {})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError("BadRequestException", "body: must be a JSON object")
    return body


def _text(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise RefusedError("BadRequestException", f"{name}: required, must match the service model")
    return value


def _one(body: dict[str, Any], name: str, known: frozenset[str]) -> str:
    value = body.get(name)
    if value not in known:
        raise RefusedError("BadRequestException", f"{name}: must be one of the service model")
    return str(value)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(body), status=status, content_type="application/x-amz-json-1.1")
