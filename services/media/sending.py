"""What WhatsApp takes of a file of ours, and how small it must be made: pure.

Limits: AWS End User Messaging Social user guide, "Supported media file types and sizes in WhatsApp", and Meta, Cloud
API, "Media" (supported media types): images JPEG and PNG of 5 MB, films MP4 and 3GP of 16 MB with H.264 and AAC,
sounds of 16 MB, OGG with Opus alone and of one channel, documents of 100 MB, stickers WebP of 512 x 512 pixels and
100 KB, moving ones 500 KB. Meta, Cloud API, "Audio messages": a voice note over 512 KB is shown without its play
button. Where Meta does not say which megabyte it means, the smaller one is kept to.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.media.uploads import LIMITS, MB, Kind
from shared.objects.cdn import ORIGINAL

KB = 1_000
VOICE_BYTES = 512 * KB
STILL_STICKER_BYTES, STICKER_BYTES = 100 * KB, 500 * KB
STICKER_SIDE = 512
_SPARE = 0.9  # of a limit: what a container takes, and how far an encoder may miss its rate
# Opus: RFC 7587 s. 3.1.1 advises 8 to 12 kbit/s as the least for narrow-band speech, 16 to 20 for wide-band.
_VOICE_BPS = (8_000, 24_000)
_FILM_BPS = (150_000, 2_000_000)
_FILM_SOUND_BPS = 64_000


@dataclass(frozen=True, slots=True)
class Target:
    """What is made of an upload.

    Attributes:
        name: of the rendition; the original's where nothing has to be made.
        mime: its MIME type. most: bytes WhatsApp takes.
    """

    name: str
    mime: str
    most: int


_OFFICE = "application/vnd.openxmlformats-officedocument."
_SOUNDS: Mapping[str, str] = {
    "audio/aac": "wa_audio.aac",
    "audio/amr": "wa_audio.amr",
    "audio/mpeg": "wa_audio.mp3",
    "audio/mp4": "wa_audio.m4a",
    "audio/ogg": "wa_audio.ogg",
}
# Of these a copy without the author's metadata can be made; plain text has none. Old Office files have no such copy
# (services/media/renditions.py), and what cannot be cleaned does not leave.
_DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "clean.pdf",
    f"{_OFFICE}wordprocessingml.document": "clean.docx",
    f"{_OFFICE}spreadsheetml.sheet": "clean.xlsx",
    f"{_OFFICE}presentationml.presentation": "clean.pptx",
    "text/plain": ORIGINAL,
}


def target(kind: Kind, mime: str) -> Target | str:
    """What is made of a file of type `mime` that is to be sent as `kind`, or the reason why it cannot be sent."""
    if mime not in LIMITS[kind].mimes:
        return "unsupported"
    most = LIMITS[kind].size
    if kind == "image":
        return Target("wa_image.jpg", "image/jpeg", most)
    if kind == "video":
        return Target("wa_video.mp4", "video/mp4", most)
    if kind == "voice":
        return Target("wa_voice.ogg", "audio/ogg", VOICE_BYTES)
    if kind == "sticker":
        return Target("wa_sticker.webp", "image/webp", STICKER_BYTES)
    name = _SOUNDS.get(mime) if kind == "audio" else _DOCUMENTS.get(mime)
    return Target(name, mime, most) if name else "no_clean_copy"


def voice_bps(ms: int, most: int = VOICE_BYTES) -> int | None:
    """Bits a second of speech so that a note of this length fits; None where it would not be understood any more."""
    return _rate(ms, most, *_VOICE_BPS)


def film_bps(ms: int, most: int = 16 * MB) -> tuple[int, int] | None:
    """Bits a second of picture and of sound so that a film of this length fits; None where nothing would be seen."""
    least, best = _FILM_BPS
    picture = _rate(ms, most, least + _FILM_SOUND_BPS, best + _FILM_SOUND_BPS)
    return None if picture is None else (picture - _FILM_SOUND_BPS, _FILM_SOUND_BPS)


def film_side(bps: int) -> int:
    """The longest side in pixels that so many bits a second can show."""
    return 1280 if bps >= 900_000 else 854 if bps >= 400_000 else 640  # noqa: PLR2004 - the steps themselves


def _rate(ms: int, most: int, least: int, best: int) -> int | None:
    fits = int(most * _SPARE * 8 * 1000 / max(ms, 1))
    return None if fits < least else min(fits, best)
