"""What Amazon Transcribe writes of a job, read; and which sounds are transcribed. Pure.

Source: Amazon Transcribe developer guide, "Transcription output in JSON": `results.transcripts[].transcript`, and
`results.items[]` with `type` pronunciation or punctuation, `start_time` in seconds as text, `alternatives[]` of
`content` and `confidence`; "Supported languages and language-specific features" and StartTranscriptionJob (formats).
"""

import json
from collections.abc import Mapping
from typing import Any

LONG_MS = 20_000  # shorter notes are heard faster than they are read
OUTPUT = "transcripts/"  # prefix in the media bucket
_FORMATS: Mapping[str, str] = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/webm": "webm",
    "video/mp4": "mp4",
}
_MOST_WORDS = 10_000  # an hour of quick speech; beyond, text without times


def form(mime: str) -> str | None:
    """How a file of this MIME type is announced; None where it is not taken as it is."""
    return _FORMATS.get(mime.partition(";")[0].strip().lower())


def output_key(job: str) -> str:
    """Where a job's output lies in the media bucket."""
    return f"{OUTPUT}{job}.json"


def job_name(message_id: str, n: int) -> str:
    """Name of the job of a message's n-th medium: the message_id, which makes a job that was begun twice one job."""
    return f"{message_id}.{n}" if n else message_id


def job_of(name: str) -> tuple[str, int]:
    """Message_id and position behind a job's name."""
    message_id, dot, n = name.partition(".")
    return message_id, int(n) if dot and n.isdigit() else 0


def read(data: bytes) -> dict[str, Any]:
    """{"text", "confidence" of 0 to 100, "words": [[ms, word]]} of a job's output; no text where nobody speaks.

    Raises ValueError for anything else than such an output.
    """
    try:
        results = json.loads(data)["results"]
        text = " ".join(each["transcript"] for each in results["transcripts"]).strip()
        spoken = [each for each in results.get("items", ()) if each.get("type") == "pronunciation"]
        sure = [float(each["alternatives"][0]["confidence"]) for each in spoken]
        words = [
            [round(float(each["start_time"]) * 1000), str(each["alternatives"][0]["content"])]
            for each in spoken
        ]
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a transcript: {type(error).__name__}") from None
    confidence = round(100 * sum(sure) / len(sure)) if sure else 0
    return {"text": text, "confidence": confidence, "words": words[:_MOST_WORDS]}
