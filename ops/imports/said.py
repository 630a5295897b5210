"""What the text of an exported message is: words, a file, a notice of WhatsApp's, a poll, a place. Pure."""

# ruff: noqa: RUF001, SIM905 - the letters are those of the languages; a table of words is read best as words

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ops.imports import words
from ops.imports.plain import LRM, bare

Kind = Literal["text", "media", "system", "deleted", "poll", "location"]

_FILE_THEN_WORD = re.compile(
    r"(?P<file>[^\n/\\<>|\"]{1,240}\.\w{1,8})\s\((?P<word>[^()\n]{2,40})\)", re.UNICODE
)
_WORD_THEN_FILE = re.compile(r"<(?P<word>[^<>:\n]{2,25})\s?[:：]\s?(?P<file>[^<>\n/\\]{1,240}\.\w{1,8})>")
_OWN_NAME = re.compile(r"(?:IMG|VID|AUD|PTT|STK|DOC)-\d{8}-WA\d{4,}\.\w{1,8}")
_PLACE = re.compile(
    r"(?:[^:\n]{2,40}: )?https?://(?:maps\.google\.com|www\.google\.com/maps)/?\S*[?&]q=(?P<lat>-?\d{1,3}(?:\.\d+)?),(?P<lon>-?\d{1,3}(?:\.\d+)?)\S*"
)
_MARKED_END = re.compile(rf"{LRM}<[^<>:\n]{{4,60}}>$")
_TAIL = re.compile(rf"{LRM}(?P<words>[^{LRM}\n]{{4,60}})$")
_VOICE = re.compile(r"PTT-|-PTT-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """A message taken apart.

    Attributes:
        text: its words, the caption of a file; WhatsApp's own words taken out.
        file: name of the attached file as printed, for kind media; None where it was left out.
        type: Meta's type of a file as far as it is known, else None.
        edited: its text was changed later.
        place: latitude and longitude, for kind location.
    """

    kind: Kind
    text: str
    file: str | None = None
    type: str | None = None
    edited: bool = False
    place: tuple[float, float] | None = None


def take_apart(text: str, has: Callable[[str], bool]) -> Said:
    """What a message says.

    Args:
        text: as printed, with its marks.
        has: whether the export holds a file of this name.
    """
    text, edited = _unedited(text)
    plain = bare(text).strip()
    if plain.rstrip(".").casefold() in words.DELETED:
        return Said("deleted", plain)
    found = _attached(text, has) or _omitted(text, plain)
    if found is not None:
        caption, file, kind = found
        return Said("media", caption, file, kind, edited)
    first = plain.partition("\n")[0]
    if first.rstrip(":：").casefold() in words.POLL and first.endswith((":", "：")):
        return Said("poll", plain)
    place = _PLACE.fullmatch(plain)
    if place is not None:
        return Said("location", plain, edited=edited, place=(float(place["lat"]), float(place["lon"])))
    if text.startswith(LRM):
        return Said("system", plain)
    return Said("text", text, edited=edited)


def _unedited(text: str) -> tuple[str, bool]:
    """A text without the mark of having been changed."""
    trimmed = text.rstrip()
    for mark in words.EDITED:
        if trimmed.endswith(mark):
            return trimmed.removesuffix(mark).rstrip().removesuffix(LRM).rstrip(), True
    marked = _MARKED_END.search(trimmed)
    if marked and marked.start() > 0 and bare(marked[0]).casefold() not in words.OMITTED:
        return text[: marked.start()].rstrip(), True
    return text, False


def _attached(text: str, has: Callable[[str], bool]) -> tuple[str, str, str | None] | None:
    """(caption, file, type) of a message with a file."""
    plain = bare(text)
    line = plain.partition("\n")[0].strip()
    named = _FILE_THEN_WORD.fullmatch(line)
    if named and _believed(named, has, own=text.startswith(LRM)):
        return plain.partition("\n")[2].strip(), named["file"], None
    for match in _WORD_THEN_FILE.finditer(plain):
        if has(match["file"]) or LRM + match[0] in text or match["word"].strip().casefold() in _ADJUNTO:
            return _around(plain, match), match["file"], None
    return None


_ADJUNTO = frozenset(
    "adjunto attached anexado anexo anhang angehängt pièce jointe allegato bijlage bijgevoegd вложение прикреплено ekli eklenen 添付ファイル 添付"
    " 附件 附檔 첨부 مرفق מצורף dołączono bifogad".split()
)


def _believed(match: "re.Match[str]", has: Callable[[str], bool], *, own: bool) -> bool:
    known = match["word"].casefold() in words.ATTACHED
    return known or own or has(match["file"]) or _OWN_NAME.fullmatch(match["file"]) is not None


def _around(plain: str, match: "re.Match[str]") -> str:
    before, after = plain[: match.start()].strip(), plain[match.end() :].strip()
    return "\n".join(part for part in (before, after) if part)


def _omitted(text: str, plain: str) -> tuple[str, None, str | None] | None:
    """(caption, None, type) of a file that was left out of the export."""
    first, _, rest = plain.partition("\n")
    if first.strip().casefold() in words.OMITTED:
        return rest.strip(), None, None
    if plain.casefold() in words.OMITTED_KINDS:
        return "", None, _type(words.OMITTED_KINDS[plain.casefold()])
    tail = _TAIL.search(text.rstrip())
    if tail and tail["words"].strip().casefold() in words.OMITTED_KINDS:
        kind = words.OMITTED_KINDS[tail["words"].strip().casefold()]
        return bare(text.rstrip()[: tail.start()]).strip(), None, _type(kind)
    return None


def _type(kind: str) -> str:
    return "video" if kind == "gif" else kind  # WhatsApp sends GIFs as short videos


def is_voice(file: str) -> bool:
    """Whether a file's name says voice note (`PTT-20240312-WA0001.opus`)."""
    return bool(_VOICE.search(file)) or file.lower().endswith(".opus")
