"""What is heard in a world's sounds, and how the product comes to know it: a decoder that measures, a transcriber."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

from services.media.adapters.memory import MemoryDecoder
from services.media.adapters.memory_transcribe import MemoryTranscriber
from services.media.ports import Decoded
from shared.objects.port import Objects
from shared.queue.memory import MemoryQueue

MOST_S = 60  # of a sound: two in three are long enough to be transcribed by themselves
LONG_S = 20
UNTOLD = 0.15  # of the ends of jobs: EventBridge tells on best effort
LATE_S = 8.0


def seconds_of(sha256: str) -> int:
    """How long a sound plays."""
    return 1 + int(sha256[:8], 16) % MOST_S


def words_of(sha256: str) -> str:
    """What is said in a sound, as services/media/adapters/memory_transcribe.py hears it."""
    return " ".join(f"palabra{sha256[n : n + 4]}" for n in range(0, 12, 4))


class StudioWire(MemoryDecoder):
    """A decoder that also says how long a sound plays."""

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        """As MemoryDecoder does."""
        data = b"".join([chunk async for chunk in chunks])

        async def again() -> AsyncIterator[bytes]:
            yield data

        decoded = await super().decode(again(), kind, read=read)
        if not kind.startswith("audio/"):
            return decoded
        return replace(decoded, facts={"ms": 1000 * seconds_of(hashlib.sha256(data).hexdigest())})


class StenographerWire(MemoryTranscriber):
    """Amazon Transcribe, whose ends of jobs come through queue `media`, late, twice or never."""

    def __init__(self, bucket: Objects, queue: MemoryQueue, rng: Random) -> None:
        super().__init__(bucket)
        self._queue = queue
        self._rng = rng

    async def start(self, job: str, key: str, form: str, output: str) -> None:
        """Do a job, and tell."""
        known = len(self.begun)
        await super().start(job, key, form, output)
        if len(self.begun) == known or self._rng.random() < UNTOLD:
            return
        detail = {"TranscriptionJobName": job, "TranscriptionJobStatus": "COMPLETED"}
        body = json.dumps({"detail-type": "Transcribe Job State Change", "detail": detail})
        for _ in range(self._rng.choice((1, 1, 2))):
            self._queue.put(body, {}, self._rng.uniform(0, LATE_S))
