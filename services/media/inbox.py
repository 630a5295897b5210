"""What queue `media` brings: recorded messages, uploads of agents, and the ends of transcription jobs."""

import json
from typing import Any

from services.media.handlers import Media
from services.media.transcription import Transcription
from services.media.uploads import Uploads
from shared.errors import Poison
from shared.events.model import EVENT, MessageRecorded, UploadCompletedEvent
from shared.queue.port import Message
from shared.record.reader import Reader

# Amazon Transcribe developer guide, "Using Amazon EventBridge with Amazon Transcribe".
JOB_CHANGED = "Transcribe Job State Change"
_STATES = {"COMPLETED": "done", "FAILED": "failed"}


class Inbox:
    """Handles queue `media`.

    Args:
        transcription: None where nothing is transcribed.
    """

    def __init__(
        self, reader: Reader, media: Media, uploads: Uploads, transcription: Transcription | None
    ) -> None:
        self._reader = reader
        self._media = media
        self._uploads = uploads
        self._transcription = transcription

    async def handle(self, message: Message) -> None:
        """Hand it to whom it is for. Raises Poison for a body that is none of these, and what they raise."""
        job = _job(message.body)
        if job is not None:
            await self._ended(job)
            return
        try:
            event = EVENT.validate_json(message.body)
        except ValueError:
            raise Poison("not_an_event", "body: one of shared/events is expected") from None
        if isinstance(event, UploadCompletedEvent):
            await self._uploads.completed(event.data.upload_id)
            return
        if isinstance(event, MessageRecorded) and event.data.direction == "out":
            await self._ours(event)
        await self._media.handle(message)

    async def _ours(self, event: MessageRecorded) -> None:
        place = await self._reader.find(event.data.message_id)
        view = await self._reader.get_message(event.data.message_id) if place else None
        if view is not None:
            await self._uploads.recorded(view.item)

    async def _ended(self, job: dict[str, Any]) -> None:
        state = _STATES.get(str(job.get("TranscriptionJobStatus")))
        name = job.get("TranscriptionJobName")
        if not isinstance(name, str):
            raise Poison("bad_field", "detail.TranscriptionJobName: a job's name is expected")
        if self._transcription is not None and state is not None:
            await self._transcription.ended(name, "done" if state == "done" else "failed")


def _job(body: str) -> dict[str, Any] | None:
    """The detail of an event of Amazon Transcribe; None for any other body."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    told = isinstance(found, dict) and found.get("detail-type") == JOB_CHANGED
    detail = found.get("detail") if told else None
    return detail if isinstance(detail, dict) else ({} if told else None)
