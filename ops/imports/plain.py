"""Text without what cannot be seen: marks of writing direction, and spaces of any width.

WhatsApp puts U+200E before its own words on iOS and around names in right-to-left languages, and ICU puts
U+202F before "p. m."; two phones print the same message with different ones.
"""

import re
import unicodedata

LRM = "\u200e"
MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff"  # Unicode UAX #9, and the BOM
_NO_MARKS = str.maketrans(dict.fromkeys(MARKS))
_NOISE = re.compile(r"[\s.\u200b\u200c\u200d'\"\u2019\u201d\u05f4]+")


def bare(text: str) -> str:
    """Without marks of direction."""
    return text.translate(_NO_MARKS)


def word(text: str) -> str:
    """A word of a date or time to look up: no marks, spaces or points, lower case (`p. m.` is `pm`)."""
    return _NOISE.sub("", bare(text)).casefold()


def canonical(text: str) -> str:
    """A text as two exports of one message agree on it: no marks, one kind of line end, NFC, trimmed."""
    lines = unicodedata.normalize("NFC", bare(text)).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def name(text: str) -> str:
    """A printed name: no marks, single spaces, without the `~` before a name its owner chose."""
    return " ".join(unicodedata.normalize("NFC", bare(text)).split()).removeprefix("~").strip()
