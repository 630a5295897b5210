"""The search box's little language, parsed without ever failing: what is no operator is a word.

palabra  "una frase"  -sinesta  de:ana  tipo:foto  desde:2026-11-01  hasta:30/11/2026  #hashtag  5512345678
"""

import re
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.search.fold import fold
from services.search.port import Query
from services.search.words import forms

MAX_QUERY = 10 * 1024  # characters accepted
MAX_TERMS = 24  # terms a question may have; Lucene's cost grows with each
MAX_TERM = 200  # characters of one term
MIN_PREFIX = 2
ZONE = ZoneInfo("America/Mexico_City")

_TOKEN = re.compile(r'(-?)(?:([^\W\d_]{2,12}):)?(?:"([^"]*)"|(\S+))', re.UNICODE)
_PHONE = re.compile(r"\+?[\d().-]{10,20}")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_LOCAL = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
TYPES = {
    "texto": ("text",),
    "foto": ("image",),
    "imagen": ("image",),
    "video": ("video",),
    "audio": ("audio",),
    "voz": ("audio",),
    "documento": ("document",),
    "archivo": ("document",),
    "sticker": ("sticker",),
    "ubicacion": ("location",),
    "lugar": ("location",),
    "contacto": ("contacts",),
    "reaccion": ("reaction",),
    "respuesta": ("interactive", "button"),
    "plantilla": ("template",),
    "editado": ("edit",),
    "borrado": ("revoke",),
}
WIRE_TYPES = frozenset(each for names in TYPES.values() for each in names)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A question, the names behind `de:` still to be resolved, and how many terms were one too many."""

    query: Query
    names: tuple[str, ...] = ()
    dropped: int = 0


@dataclass(slots=True)
class _Parts:
    words: list[str]
    phrases: list[str]
    without: list[str]
    hashtags: list[str]
    phones: list[str]
    names: list[str]
    types: list[str]
    from_ms: int | None = None
    to_ms: int | None = None


def parse(text: str) -> Parsed:
    """The question that `text` asks; never raises."""
    clean = text[:MAX_QUERY].replace("\0", " ")
    tokens = [match.groups() for match in _TOKEN.finditer(clean)]
    parts = _Parts([], [], [], [], [], [], [])
    for minus, operator, phrase, word in tokens[:MAX_TERMS]:
        _sort_in(parts, minus, operator, phrase, word)
    prefix = parts.words.pop() if _being_typed(clean, parts, tokens) else None
    query = Query(
        words=tuple(parts.words),
        phrases=tuple(parts.phrases),
        without=tuple(parts.without),
        prefix=prefix,
        hashtags=tuple(parts.hashtags),
        phones=tuple(parts.phones),
        types=tuple(parts.types),
        from_ms=parts.from_ms,
        to_ms=parts.to_ms,
    )
    return Parsed(query, tuple(parts.names), max(0, len(tokens) - MAX_TERMS))


def _sort_in(parts: _Parts, minus: str, operator: str | None, phrase: str | None, word: str | None) -> None:
    value = (phrase if phrase is not None else word or "")[:MAX_TERM].strip()
    if operator is not None:
        if not minus and value and _operate(parts, fold(operator), value):
            return
        value = f"{operator}:{value}"
    _plain(parts, value, minus=bool(minus), quoted=phrase is not None and operator is None)


def _plain(parts: _Parts, value: str, *, minus: bool, quoted: bool) -> None:
    if not value.strip(string.punctuation + " "):
        return  # punctuation alone is in no index and would match nothing
    if minus:
        parts.without.append(value)
    elif quoted:
        parts.phrases.append(value)
    elif value.startswith("#") and len(value) > 1:
        parts.hashtags.append(fold(value[1:]))
    elif _PHONE.fullmatch(value) and forms(value):
        parts.phones.extend(forms(value))
    else:
        parts.words.append(value)


def _operate(parts: _Parts, operator: str, value: str) -> bool:
    """Apply an operator; False where it is none of ours or its value is not understood."""
    if operator == "de":
        parts.names.append(value)
        return True
    if operator == "tipo":
        found = TYPES.get(fold(value), (value,) if value in WIRE_TYPES else ())
        parts.types.extend(found)
        return bool(found)
    day = _day(value) if operator in {"desde", "hasta"} else None
    if day is None:
        return False
    if operator == "desde":
        parts.from_ms = _ms(day)
    else:
        parts.to_ms = _ms(day + timedelta(days=1))
    return True


def _day(value: str) -> datetime | None:
    """Midnight in Mexico City of `2026-11-30` or `30/11/2026`."""
    iso, local = _ISO.fullmatch(value), _LOCAL.fullmatch(value)
    if iso is None and local is None:
        return None
    year, month, day = map(int, iso.groups() if iso else reversed(local.groups() if local else ()))
    try:
        return datetime(year, month, day, tzinfo=ZONE)
    except ValueError:
        return None


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)


def _being_typed(text: str, parts: _Parts, tokens: list[tuple[str, ...]]) -> bool:
    """Whether the last thing typed is a word that may still go on."""
    if not parts.words or not tokens or text[-1:].isspace() or len(tokens) > MAX_TERMS:
        return False
    last = tokens[-1][3]
    return last is not None and parts.words[-1] == last[:MAX_TERM] and len(last) >= MIN_PREFIX
