"""Amazon Transcribe through aiobotocore: one batch job a sound, in Mexican Spanish, its output in our bucket.

Source: botocore model transcribe 2017-10-26: StartTranscriptionJob (names are unique: ConflictException), `OutputKey`,
GetTranscriptionJob (NotFoundException; BadRequestException says so too), DeleteTranscriptionJob; quotas page: jobs
beyond the concurrency limit answer LimitExceededException.
"""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from services.media.ports import (
    JobState,
    TranscriberRefusedError,
    TranscriberThrottledError,
    TranscriberUnavailableError,
)
from shared import aws

LANGUAGE = "es-MX"
_STATES: dict[str, JobState] = {
    "QUEUED": "running",
    "IN_PROGRESS": "running",
    "COMPLETED": "done",
    "FAILED": "failed",
}
_MISSING = frozenset({"NotFoundException", "BadRequestException"})


class AmazonTranscribe:
    """Jobs over one bucket.

    Args:
        client: `transcribe`.
        bucket: deployed name of the media bucket.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def start(self, job: str, key: str, form: str, output: str) -> None:
        """Begin a job; see services/media/ports.py for what it raises."""
        try:
            await self._client.start_transcription_job(
                TranscriptionJobName=job,
                LanguageCode=LANGUAGE,
                MediaFormat=form,
                Media={"MediaFileUri": f"s3://{self._bucket}/{key}"},
                OutputBucketName=self._bucket,
                OutputKey=output,
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and aws.code(error) == "ConflictException":
                return
            raise _meaning(error) from None

    async def status(self, job: str) -> JobState | None:
        """How far a job is."""
        try:
            answer = await self._client.get_transcription_job(TranscriptionJobName=job)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and aws.code(error) in _MISSING:
                return None
            raise _meaning(error) from None
        return _STATES[answer["TranscriptionJob"]["TranscriptionJobStatus"]]

    async def forget(self, job: str) -> None:
        """Remove a job."""
        try:
            await self._client.delete_transcription_job(TranscriptionJobName=job)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and aws.code(error) in _MISSING:
                return
            raise _meaning(error) from None


def _meaning(error: ClientError | BotoCoreError) -> Exception:
    if isinstance(error, ClientError):
        if aws.throttled(error):
            return TranscriberThrottledError(aws.code(error))
        if aws.code(error) == "BadRequestException":
            return TranscriberRefusedError(aws.code(error))
    return TranscriberUnavailableError(type(error).__name__) if aws.unavailable(error) else error
