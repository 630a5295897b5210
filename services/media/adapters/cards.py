"""What programs say of a file, read: its length and size, the card of its metadata, its text. Pure."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

_TEXT = 50_000  # characters kept of a file's text
_WORDS = re.compile(r"\w")
_LOCATION = re.compile(r"^([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")  # ISO 6709
_TAGS = {
    "make": ("com.apple.quicktime.make", "com.android.manufacturer", "make"),
    "model": ("com.apple.quicktime.model", "com.android.model", "model"),
    "software": ("com.apple.quicktime.software", "com.android.version", "encoder"),
    "taken_at": ("com.apple.quicktime.creationdate", "creation_time", "date"),
    "author": ("artist", "author"),
    "title": ("title",),
}


def numbers(words: Sequence[str]) -> tuple[int, ...]:
    """Hashes from their hex digits."""
    return tuple(int(word, 16) for word in words)


def text(out: bytes) -> str:
    """Lines with words in them."""
    lines = (line.strip() for line in out.decode("utf-8", "replace").replace("\f", "\n").splitlines())
    return "\n".join(line for line in lines if _WORDS.search(line))[:_TEXT]


def film_facts(said: Mapping[str, Any]) -> dict[str, int]:
    """Milliseconds of play, width and height, and `h264` where it is that, of what ffprobe says."""
    found: dict[str, int] = {}
    with suppress(KeyError, TypeError, ValueError):
        found["ms"] = round(float(said["format"]["duration"]) * 1000)
    for stream in said.get("streams", ()):
        if stream.get("codec_type") == "video" and "width" in stream:
            found |= {"width": int(stream["width"]), "height": int(stream["height"])}
            found |= {"h264": 1} if stream.get("codec_name") == "h264" else {}
    return found


def codecs(said: Mapping[str, Any]) -> dict[str, str]:
    """Codec of the first track of each type, of what ffprobe says."""
    found: dict[str, str] = {}
    for stream in said.get("streams", ()):
        found.setdefault(str(stream.get("codec_type")), str(stream.get("codec_name")))
    return found


def film_card(said: Mapping[str, Any]) -> dict[str, Any]:
    """When, where, with what and by whom a film or sound was made, of what ffprobe says."""
    tags = {
        str(name).lower(): str(value)[:200]
        for part in (said.get("format", {}), *said.get("streams", ()))
        for name, value in (part.get("tags") or {}).items()
    }
    found: dict[str, Any] = {
        name: next(tags[tag] for tag in known if tag in tags)
        for name, known in _TAGS.items()
        if any(tag in tags for tag in known)
    }
    place = tags.get("com.apple.quicktime.location.iso6709") or tags.get("location") or ""
    if match := _LOCATION.match(place):
        found |= {"latitude": float(match[1]), "longitude": float(match[2])}
    return found


def pdf_card(out: bytes) -> dict[str, str]:
    """Title, makers and times, of what pdfinfo says."""
    lines = _pdf_lines(out)
    known = {"title": "Title", "author": "Author", "software": "Creator", "producer": "Producer"}
    known |= {"written_at": "CreationDate", "changed_at": "ModDate"}
    return {name: lines[line] for name, line in known.items() if line in lines}


def pdf_facts(out: bytes) -> dict[str, int]:
    """Pages, of what pdfinfo says."""
    pages = _pdf_lines(out).get("Pages", "")
    return {"pages": int(pages)} if pages.isdigit() else {}


def _pdf_lines(out: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in out.decode("utf-8", "replace").splitlines())
    return {name.strip(): value.strip()[:200] for name, _, value in lines if value.strip()}
