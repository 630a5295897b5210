"""Amazon Transcribe in memory: a job is done as soon as it is begun, and what it hears follows from the bytes."""

import asyncio
import hashlib
import json

from services.media.ports import JobState, TranscriberRefusedError
from shared.objects.port import Objects

FORMS = frozenset({"mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a"})


class MemoryTranscriber:
    """Jobs over a bucket.

    Args:
        bucket: the media bucket.

    Attributes:
        begun: names of jobs in the order they were begun, each once.
    """

    def __init__(self, bucket: Objects) -> None:
        self._bucket = bucket
        self._jobs: dict[str, JobState] = {}
        self.begun: list[str] = []

    async def start(self, job: str, key: str, form: str, output: str) -> None:
        """Do a job. Raises TranscriberRefusedError for a form or an object that is not there."""
        await asyncio.sleep(0)
        if job in self._jobs:
            return
        if form not in FORMS or await self._bucket.head(key) is None:
            raise TranscriberRefusedError("BadRequestException")
        digest = hashlib.sha256(b"".join([chunk async for chunk in self._bucket.stream(key)])).hexdigest()
        words = [f"palabra{digest[n : n + 4]}" for n in range(0, 12, 4)]
        items = [
            {
                "type": "pronunciation",
                "start_time": f"{n}.5",
                "end_time": f"{n}.9",
                "alternatives": [{"confidence": "0.9", "content": word}],
            }
            for n, word in enumerate(words)
        ]
        said = {"transcripts": [{"transcript": " ".join(words)}], "items": items}
        await self._bucket.put(output, json.dumps({"jobName": job, "results": said}).encode())
        self._jobs[job] = "done"
        self.begun.append(job)

    async def status(self, job: str) -> JobState | None:
        """How far a job is."""
        await asyncio.sleep(0)
        return self._jobs.get(job)

    async def forget(self, job: str) -> None:
        """Remove a job."""
        await asyncio.sleep(0)
        self._jobs.pop(job, None)
