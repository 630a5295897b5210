"""What the desk's API answers of files: those of messages, and those on their way to one."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Explained(Model):
    """Why a file stands where it does, and what to do, in plain Spanish.

    `helps`: machine = it goes on by itself, sender = ask the person to send it again, person = ask support, never =
    nothing does.
    """

    code: str
    text: str
    helps: Literal["machine", "sender", "person", "never"]


class Rendition(Model):
    """A copy made for people (`thumb.webp`, `preview.mp4` ..) or to leave the house (`clean.<ext>`), signed."""

    name: str
    url: str


class Transcript(Model):
    """What is said in a sound, as a machine heard it; `confidence` of 0 to 100."""

    text: str
    confidence: int


class Medium(Model):
    """A file of a message. All addresses are signed and good for `url_seconds`; null until the file is ready.

    Of a message whose content is not for the caller only position, type and state are shown.
    """

    n: int
    mime: str
    state: Literal["pending", "ready", "failed", "quarantined"]
    phase: Literal["fetching", "waiting", "held", "ready", "expired", "erased", "failed", "quarantined"]
    explained: Explained | None = None
    size: int | None = None
    sha256: str | None = None
    reason: str | None = None
    url: str | None = None
    url_seconds: int | None = None
    renditions: list[Rendition] = Field(default_factory=list)
    card: dict[str, Any] | None = Field(
        None,
        description="what its metadata say: when, latitude and longitude, camera, author; as found, unverified",
    )
    text: str | None = Field(None, description="read out of it (OCR, a document's own text)")
    transcript: Transcript | None = None
    transcription: Literal["waiting", "ready", "failed"] | None = Field(
        None, description="waiting = a budget is used up, it goes on by itself"
    )


class FileOrigin(Model):
    """How far a file, or one near the same, has come about; `first_seen` is when it reached us first.

    What protected people sent is counted only for those who may see it.
    """

    first_seen: str
    first_message_id: str
    sources: int
    messages: int
    variants: int


class MediumDetail(Medium):
    """A file with what is known of it beyond its message."""

    origin: FileOrigin | None
    perceptual_hashes: list[str] = Field(description="64 bits each, hex; near = at most 10 bits apart")


class Upload(Model):
    """A file on its way to a reply: open until it is completed, then pending until it was checked."""

    upload_id: str
    kind: Literal["image", "video", "audio", "voice", "document", "sticker"]
    mime: str
    size: int
    state: Literal["open", "pending", "ready", "failed", "quarantined"]
    explained: Explained | None
    expires_at: str


class UploadTicket(Upload):
    """An upload and where its bytes go: one PUT to `url` with `headers`, before `url_expires_at`."""

    url: str | None = Field(description="null once the bytes are there")
    headers: dict[str, str]
    url_expires_at: str | None
