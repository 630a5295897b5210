"""An exported message in Meta's shape, so that desk, search and routes read it like any other. Pure."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ops.imports.chat import Message
from ops.imports.said import Said, is_voice
from shared.record.inbound import MediaSlot
from shared.whatsapp.messages import model_for
from shared.whatsapp.wording import one_line, preview

MIB = 1024 * 1024
LARGEST = 100 * MIB  # what the media road carries (wire-facts s.1.7)
OMITTED, MISSING, TOO_LARGE = "omitted", "missing", "too_large"
UNKNOWN = "application/octet-stream"
_MIMES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "mp4": "video/mp4", "3gp": "video/3gpp", "mov": "video/quicktime", "mkv": "video/x-matroska",
    "opus": "audio/ogg", "ogg": "audio/ogg", "oga": "audio/ogg", "m4a": "audio/mp4", "mp3": "audio/mpeg",
    "aac": "audio/aac", "amr": "audio/amr", "wav": "audio/wav",
    "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "vcf": "text/vcard", "rtf": "application/rtf",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "zip": "application/zip",
}  # fmt: skip
_SHOWN = {"image", "video", "audio"}
_LEFT_OUT = "Archivo no incluido en la exportación"


@dataclass(frozen=True, slots=True)
class Shaped:
    """A message as the record takes it."""

    type: str
    body: dict[str, Any]
    preview: str
    flags: tuple[str, ...]
    media: tuple[MediaSlot, ...]


def shape(message: Message, size: int | None) -> Shaped:
    """Meta's shape of a message; `size` of its file in bytes, None where the export has none."""
    said = message.said
    type_, part = _part(said, size)
    body = {"type": type_, "timestamp": str(message.at_s), **part}
    marks = {"edited": said.edited, "deleted": said.kind == "deleted", "poll": said.kind == "poll"}
    voice = "voice" if part.get("audio", {}).get("voice") else ""
    flags = (
        "imported",
        "unverified",
        *(name for name, holds in marks.items() if holds),
        *filter(None, [voice]),
    )
    return Shaped(type_, body, _preview(said, body), flags, _media(said, size))


def mime_of(file: str) -> str:
    """MIME type a file's name declares; the media worker looks whether it is true."""
    return _MIMES.get(PurePosixPath(file).suffix.lower().removeprefix("."), UNKNOWN)


def _part(said: Said, size: int | None) -> tuple[str, dict[str, Any]]:
    if said.kind == "media":
        return _file(said, size)
    if said.kind == "system":
        return "system", {"system": {"body": said.text, "type": "exported"}}
    if said.kind == "deleted":
        return "unsupported", {}
    if said.place is not None:
        latitude, longitude = said.place
        return "location", {"location": {"latitude": latitude, "longitude": longitude}}
    return "text", {"text": {"body": said.text}}


def _file(said: Said, size: int | None) -> tuple[str, dict[str, Any]]:
    words = {"caption": said.text} if said.text else {}
    if said.file is None or size is None:
        if said.file is None and said.type is None:
            return "media_placeholder", {"text": {"body": said.text}} if said.text else {}
        return said.type or _type(said.file or ""), {said.type or _type(said.file or ""): words}
    type_ = said.type or _type(said.file)
    known: dict[str, Any] = {"mime_type": mime_of(said.file), **words}
    if type_ == "document":
        known["filename"] = PurePosixPath(said.file).name
    if type_ == "audio" and is_voice(said.file):
        known["voice"] = True
    return type_, {type_: known}


def _type(file: str) -> str:
    path = PurePosixPath(file)
    if path.suffix.lower() == ".webp":
        return "sticker"
    kind = mime_of(file).partition("/")[0]
    return kind if kind in _SHOWN else "document"


def _media(said: Said, size: int | None) -> tuple[MediaSlot, ...]:
    if said.kind != "media":
        return ()
    mime = mime_of(said.file) if said.file else UNKNOWN
    if said.file is None:
        return (MediaSlot(0, mime, OMITTED),)
    if size is None:
        return (MediaSlot(0, mime, MISSING),)
    return (MediaSlot(0, mime, TOO_LARGE if size > LARGEST else None),)


def _preview(said: Said, body: dict[str, Any]) -> str:
    if said.kind == "deleted":
        return "Mensaje eliminado"
    if body["type"] == "media_placeholder":
        return one_line(said.text) if said.text else _LEFT_OUT
    return preview(model_for(body).model_validate(body))
