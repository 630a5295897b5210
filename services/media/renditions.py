"""Which renditions a type of file has (CONTRACTS s.7), and under which type each is served. Pure."""

from collections.abc import Mapping

_MIMES = {
    "thumb.webp": "image/webp",
    "poster.webp": "image/webp",
    "page1.webp": "image/webp",
    "photo.jpg": "image/jpeg",
    "sticker.png": "image/png",
    "preview.mp4": "video/mp4",
    "voice.m4a": "audio/mp4",
    "voice.wav": "audio/wav",
    "peaks.json": "application/json",
}
_PICTURE = ("thumb.webp", "photo.jpg")
_FILM = ("thumb.webp", "poster.webp", "preview.mp4")
_SOUND = ("voice.m4a", "voice.wav", "peaks.json")
_OFFICE = "application/vnd.openxmlformats-officedocument."
# Types of which a copy without metadata can be made -> its ending. Old Office files hold theirs in streams that only
# Office itself rewrites safely: they have no clean copy.
_CLEAN = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "application/pdf": "pdf",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}presentationml.presentation": "pptx",
}


def clean_name(kind: str) -> str | None:
    """Name of the copy without metadata; None where none can be made."""
    ending = _CLEAN.get(kind)
    return f"clean.{ending}" if ending else None


def names(kind: str) -> Mapping[str, str]:
    """Name -> MIME type of every rendition that a file of this type has, in the order they are made."""
    made = {name: _MIMES[name] for name in _seen(kind)}
    clean = clean_name(kind)
    return {**made, clean: kind} if clean else made


def _seen(kind: str) -> tuple[str, ...]:
    """What people look at and listen to."""
    if kind == "image/webp":  # WhatsApp's stickers
        return (*_PICTURE, "sticker.png")
    if kind == "application/pdf":
        return ("thumb.webp", "page1.webp")
    families = {"image": _PICTURE, "video": _FILM, "audio": _SOUND}
    return families.get(kind.partition("/")[0], ())


def has_words(kind: str) -> bool:
    """Whether a file of this type may show words that only a look at it can read."""
    return kind == "application/pdf" or (kind.startswith("image/") and kind != "image/webp")
