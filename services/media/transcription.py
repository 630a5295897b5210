"""Sounds are transcribed by Amazon Transcribe: notes over 20 s by themselves, the others where a person asks.

A job is named after its message, so that one begun twice is one job. Its end is told through the queue, on best effort
only: whoever began it looks after it too (kind `transcript`). What it wrote is read into the record, sealed, and then
the output and the job are removed: nothing of what was said stays there. Nothing of a protected source goes there
unless a person asked for it.
"""

from collections.abc import Mapping
from typing import Any

from services.media import transcript
from services.media.beside import Beside, gone
from services.media.budgets import Budgets, owed
from services.media.ledger import medium
from services.media.ports import (
    JobState,
    Transcriber,
    TranscriberRefusedError,
    TranscriberThrottledError,
    TranscriberUnavailableError,
)
from services.media.readings import Readings
from services.media.shelf import Shelf
from shared.clock import Clock
from shared.errors import RetryAfter
from shared.ids import Ids
from shared.media.transcripts import KIND
from shared.objects.cdn import served_key
from shared.objects.port import ObjectMissingError, Objects
from shared.record.people import People
from shared.record.reader import Reader
from shared.store.port import Item, Op, Store

CHECK = "transcript"  # kind of the due item that looks after a job
CHECK_S = (
    600.0  # longer than a job of any sound takes but in the worst case; its event is nearly always faster
)
RENDERING_S = 5.0
THROTTLE_S = 5.0
FAILED: Mapping[str, str] = {"transcript": "failed"}


class Transcription:
    """Begins jobs and brings in what they wrote.

    Args:
        bucket: the media bucket, from which jobs read and into which they write.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        people: People,
        shelf: Shelf,
        readings: Readings,
        transcriber: Transcriber,
        bucket: Objects,
        budgets: Budgets,
        beside: Beside,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._reader = reader
        self._people = people
        self._shelf = shelf
        self._readings = readings
        self._transcriber = transcriber
        self._bucket = bucket
        self._budgets = budgets
        self._beside = beside
        self._clock = clock
        self._ids = ids

    def heard(self, message: Item, n: int, known: Item) -> list[Op]:
        """The op that has a rendered file of a customer's transcribed, where it is long enough."""
        live = message["source"] == "live" and message["direction"] == "in"
        long = known.get("facts", {}).get("ms", 0) > transcript.LONG_MS
        sound = medium(message, n)["mime"].startswith("audio/")
        return [owed(message, n, KIND, self._clock.now_ms())] if live and long and sound else []

    async def on_due(self, item: Item) -> None:
        """A due item of kind `transcribe`: begin the job, unless there is a transcript already or a budget is used up.

        Raises RetryAfter while Amazon Transcribe cannot take it.
        """
        n, message = int(item["position"]), await self._beside.message(item)
        sha256 = None if message is None else medium(message, n).get("sha256")
        known = await self._shelf.get(sha256) if sha256 else None
        asked = bool(item.get("asked"))
        over = {"ready"} if asked else {"ready", "failed"}  # a person may have it tried once more
        if message is None or known is None:
            return
        if medium(message, n).get("transcript") in over:
            # Whoever wrote it may have died before it was told.
            await self._beside.tell(message, "transcript")
            return
        if "rendered" not in known:
            raise RetryAfter(RENDERING_S, "media_rendering")
        if not asked and await self._protected(message):
            return
        said = await self._readings.of_another(known["pk"])
        if said is not None and said.get("transcript"):
            await self._put(message, n, said["transcript"])
        elif await self._affordable(message, n, known, asked=asked):
            await self._begin(message, n, known)

    async def on_check(self, item: Item) -> None:
        """A due item of kind `transcript`: bring in what a job wrote whose end nobody told. Raises RetryAfter."""
        job = transcript.job_name(str(item["message_id"]), int(item["position"]))
        try:
            state = await self._transcriber.status(job)
        except (TranscriberThrottledError, TranscriberUnavailableError):
            raise self._later("transcriber_unavailable") from None
        if state == "running":
            raise RetryAfter(CHECK_S, "transcribing")
        if state is not None:  # None: it was brought in, and forgotten
            await self.ended(job, state)

    async def ended(self, job: str, state: JobState) -> None:
        """Bring in what a job wrote, tell, and leave nothing of it there; again it finds nothing any more."""
        message_id, n = transcript.job_of(job)
        view = await self._reader.get_message(message_id)
        if view is not None and not gone(view.item):
            await self._brought(view.item, n, job, state)
        await self._bucket.delete(transcript.output_key(job))
        try:
            await self._transcriber.forget(job)
        except (TranscriberThrottledError, TranscriberUnavailableError):
            raise self._later("transcriber_unavailable") from None

    # --- begin

    async def _protected(self, message: Item) -> bool:
        conversation = await self._store.get("conversations", message["pk"])
        root = await self._people.root(message["contact_id"]) if message["contact_id"] else None
        return bool((conversation or {}).get("protected") or (root or {}).get("protected"))

    async def _affordable(self, message: Item, n: int, known: Item, *, asked: bool) -> bool:
        """Whether the sender's budget and everybody's allow it; where not it is said, and goes on by itself."""
        seconds = -(-int(known.get("facts", {}).get("ms", 0)) // 1000)
        for kind in ("transcription_s", "transcription_all_s"):
            if await self._budgets.waits(kind, message, n, seconds, KIND, asked=asked):
                await self._marked(message, n, {"transcript": "waiting"})
                return False
        return True

    async def _begin(self, message: Item, n: int, known: Item) -> None:
        form = transcript.form(str(known["mime"]))
        if form is None or "ms" not in known.get("facts", {}):
            await self._marked(message, n, FAILED)
            return
        job = transcript.job_name(message["message_id"], n)
        try:
            await self._transcriber.start(job, served_key(known["pk"]), form, transcript.output_key(job))
        except TranscriberRefusedError:
            await self._marked(message, n, FAILED)
            return
        except (TranscriberThrottledError, TranscriberUnavailableError):
            raise self._later("transcriber_unavailable") from None
        await self._store.write(owed(message, n, CHECK, self._clock.now_ms() + int(CHECK_S * 1000)))

    # --- end

    async def _brought(self, message: Item, n: int, job: str, state: JobState) -> None:
        if state == "failed":
            await self._marked(message, n, FAILED)
            return
        try:
            said = transcript.read(await self._bucket.get(transcript.output_key(job)))
        except ObjectMissingError:
            return  # brought in before
        except ValueError:
            await self._marked(message, n, FAILED)
            return
        await self._put(message, n, said)

    async def _put(self, message: Item, n: int, said: Mapping[str, Any]) -> None:
        after = await self._beside.add(message, n, {"transcript": dict(said)}, {"transcript": "ready"})
        if after is not None:
            await self._beside.tell(after, "transcript")

    async def _marked(self, message: Item, n: int, facts: Mapping[str, Any]) -> None:
        after = await self._beside.mark(message, n, facts)
        if after is not None:
            await self._beside.tell(after, "transcript")

    def _later(self, reason: str) -> RetryAfter:
        return RetryAfter(self._ids.uniform(THROTTLE_S, 2 * THROTTLE_S), reason)
