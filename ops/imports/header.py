"""The head of an exported message: date, time and where its text begins. Pure; one line at a time.

Android writes `12/3/24, 14:05 - Ana: hola`, iOS `[12/3/24, 14:05:33] Ana: hola`. Order, separators, digits,
words for morning and afternoon and calendars are those of the phone's language (Unicode CLDR 48, short
formats). Which number is the day is decided per file (dates.py).
"""

# ruff: noqa: RUF001, RUF003, SIM905 - the letters are those of the languages; a table of words is read best as words

import re
from dataclasses import dataclass
from typing import Literal

from ops.imports.dayperiods import hour_of
from ops.imports.plain import MARKS, bare, word

Style = Literal["dash", "bracket"]
_HEAD = 90  # characters a head may take with its marks

_SEP = r"\s?[./\-\u2010\u2011\u2013年月년월]\s?"
_DATE = (
    rf"(?P<era>[^\W\d_][^\d/:\[\]]{{0,7}}?\s?)?"
    rf"(?P<a>\d{{1,4}})(?P<sep>{_SEP})(?P<b>\d{{1,2}})(?P<sep2>{_SEP})(?P<era2>[^\d/:\[\]\s][^\d/:\[\]]{{0,8}}?\s?)?(?P<c>\d{{1,4}})"
)
_TIME = r"(?P<h>\d{1,2})\s?[:.hH時시點点]\s?(?P<m>\d{2})(?:\s?(?:[:.分분]|min)\s?(?P<s>\d{2})(?:\s?[秒초]|\ss\b)?)?"
_END = r"(?:(?P<dash>\s[-\u2013\u2014]\s)|(?P<bracket>\s?\](?:\s|$)))"
_WORDS = r"[^\d\[\]]{0,26}?"
_DATE_FIRST = re.compile(rf"\s?(?P<open>\[)?\s?{_DATE}(?P<mid>{_WORDS}){_TIME}(?P<post>{_WORDS}){_END}")
_TIME_FIRST = re.compile(
    rf"\s?(?P<open>\[)?\s?{_TIME}(?P<mid>{_WORDS}){_DATE}(?P<post>[^\d\[\]\w]{{0,3}}){_END}"
)
_LOOSE = re.compile(
    rf"[\s\[(]{{0,3}}(?P<a>\d{{1,4}})(?P<sep>{_SEP})(?P<b>\d{{1,2}})(?P<sep2>{_SEP})(?P<c>\d{{1,4}})(?!\d|[./\-]\d)"
)

# What may stand between a date and a time without meaning anything: "à", "um", "kl.", "г.", "日"...
_FILLERS = frozenset(
    "à a às as alas ala um om kl klo at ob o v в у г об ore alle la lúc u saat pukul 日 일 น ที่ เวลา στις 於 το في".split()
)
_TAILS = frozenset("ч h hrs hs uhr uur น ع".split())


@dataclass(frozen=True, slots=True)
class Stamp:
    """A head as printed.

    Attributes:
        numbers: of the date, in the printed order; widths: how many digits each had.
        separator: between them, trimmed. spaced: a space follows it (`12. 3. 24`).
        era: a word of the date, ready to look up; empty for nearly all.
        time: hour (0-23), minute, second.
        period: the word for morning or afternoon, ready to look up.
        style: how the head ends. end: where the rest of the line begins.
    """

    numbers: tuple[int, int, int]
    widths: tuple[int, int, int]
    separator: str
    spaced: bool
    era: str
    time: tuple[int, int, int]
    period: str
    style: Style
    end: int


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that begins like a head and is none; `why` is a word of reasons.py."""

    why: str


def read(line: str) -> Stamp | Bad | None:
    """The head of a line; None for a line that carries on the one before."""
    first = line[:4].translate(_FIRST).lstrip()[:1]
    if not (first.isdigit() or first in _OPENERS):
        return None
    head, places = _visible(line)
    match = _DATE_FIRST.match(head) or _TIME_FIRST.match(head)
    if match is None or bool(match["open"]) != bool(match["bracket"]):
        return Bad("like_a_date") if _dated(head) else None
    return _stamp(match, places)


_FIRST = str.maketrans(dict.fromkeys(MARKS))
_OPENERS = frozenset("[(民西平令昭RHSr")


def _visible(line: str) -> tuple[str, list[int] | None]:
    """The beginning of a line without marks, and where each character stood."""
    head = line[:_HEAD]
    if head.isascii() or bare(head) == head:
        return head, None
    places = [at for at, char in enumerate(head) if char not in MARKS]
    return "".join(head[at] for at in places), [*places, len(head)]


def _stamp(match: "re.Match[str]", places: list[int] | None) -> Stamp | Bad:
    era = word((match["era"] or "") + (match["era2"] or ""))
    period, more, odd = _words(match["mid"], match["post"])
    time = _time(match, period)
    if odd or (match["sep"].strip() != match["sep2"].strip() and not _units(match)):
        return Bad("like_a_date")
    if time is None:
        return Bad("time")
    end = match.end() if places is None else places[match.end() - 1] + 1
    a, b, c = match["a"], match["b"], match["c"]
    return Stamp(
        numbers=(int(a), int(b), int(c)),
        widths=(len(a), len(b), len(c)),
        separator=match["sep"].strip(),
        spaced=match["sep"][-1:].isspace(),
        era=era or more,
        time=time,
        period=period,
        style="bracket" if match["bracket"] else "dash",
        end=end,
    )


def _units(match: "re.Match[str]") -> bool:
    """`2024年3月12日`: each number has its own unit."""
    return match["sep"].strip() in "年년" and match["sep2"].strip() in "月월"


def _words(mid: str, post: str) -> tuple[str, str, bool]:
    """(word of the day's half, word of an era, whether a word is left that nobody knows)."""
    period, era, odd = "", "", False
    for text in (mid, post):
        rest = word(re.sub(r"[,،、;]", " ", text))
        if not rest or rest in _FILLERS or rest in _TAILS:
            continue
        if not period and hour_of(1, rest) is not None:
            period = rest
        elif not era and rest in ERAS:
            era = rest
        else:
            period, era, odd = _apart(mid, period, era) if text is mid else (period, era, True)
    return period, era, odd


def _apart(mid: str, period: str, era: str) -> tuple[str, str, bool]:
    """Several words between date and time, one by one."""
    odd = False
    parts = [word(part) for part in re.split(r"[,،、;\s]+", mid)]
    for part in filter(None, parts):
        if part in _FILLERS:
            continue
        if hour_of(1, part) is not None:
            period = part
        elif part in ERAS:
            era = part
        else:
            odd = True
    return period, era, odd


def _time(match: "re.Match[str]", period: str) -> tuple[int, int, int] | None:
    hour = hour_of(int(match["h"]), period)
    minute, second = int(match["m"]), int(match["s"] or 0)
    if hour is None or minute > 59 or second > 59:  # noqa: PLR2004 - a clock's
        return None
    return hour, minute, second


def _dated(head: str) -> bool:
    """Whether a line begins with three numbers that may be a date."""
    found = _LOOSE.match(head)
    if found is None or found["sep"].strip() != found["sep2"].strip():
        return False
    a, b, c = (int(found[part]) for part in "abc")
    wide = {len(found["a"]), len(found["c"])} & {2, 4}
    day_first = 1 <= a <= 31 and 1 <= b <= 31 and min(a, b) <= 12  # noqa: PLR2004 - a calendar's
    year_first = len(found["a"]) == 4 and 1 <= b <= 31 and 1 <= c <= 31  # noqa: PLR2004 - the same
    return bool(wide) and (day_first or year_first)


# Words of calendars (CLDR 48, eraAbbr and eraNarrow), ready to look up; dates.py says what each means.
ERAS: dict[str, str] = {
    "พศ": "buddhist",
    "be": "buddhist",
    "هش": "persian",
    "ap": "persian",
    "ه": "islamic",
    "هـ": "islamic",
    "ah": "islamic",
    "民國": "minguo",
    "民国": "minguo",
    "令和": "reiwa",
    "r": "reiwa",
    "平成": "heisei",
    "h": "heisei",
    "西元": "gregorian",
    "西暦": "gregorian",
    "م": "gregorian",
    "ad": "gregorian",
    "ce": "gregorian",
    "คศ": "gregorian",
}
