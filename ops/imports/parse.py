"""A chat's text into messages: two passes over the lines, nothing kept but what is counted. Pure.

The first pass (`survey`) finds out how this file writes its dates, the second (`messages`) reads it so.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ops.imports import header, words
from ops.imports.chat import Blank, Found, Message, Rejected
from ops.imports.dates import Evidence, Order, resolve
from ops.imports.header import Bad, Stamp
from ops.imports.plain import bare, name
from ops.imports.said import Said, take_apart

Shape = tuple[str, str]  # style and separator: one file has one
_SENDER = re.compile(r"(?P<name>[^\n]{1,120}?)\s?:(?:\s|$)")
_LONGEST_NAME = 60
_LONGEST = 1024 * 1024  # characters a message; WhatsApp's longest text has 65,536 bytes
_PAIRS = (("“", "”"), ("«", "»"), ("「", "」"), ("『", "』"))


@dataclass(slots=True)
class Survey:
    """What a first look at a text found out."""

    today: date
    lines: int = 0
    heads: Counter[Shape] = field(default_factory=Counter)
    evidence: dict[Shape, Evidence] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """Look at one line."""
        self.lines += 1
        head = header.read(line)
        if isinstance(head, Stamp):
            shape = shape_of(head)
            self.heads[shape] += 1
            self.evidence.setdefault(shape, Evidence(self.today)).add(head)

    @property
    def shape(self) -> Shape | None:
        """How most heads look; None where there is not one."""
        return self.heads.most_common(1)[0][0] if self.heads else None

    @property
    def order(self) -> Order | None:
        """The order of its dates, as far as they say."""
        return self.evidence[self.shape].decide() if self.shape else None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is to be read; `keep` = rejected lines stay with the message before them."""

    shape: Shape
    order: Order
    zone: ZoneInfo
    today: date
    keep: bool = False


def survey(lines: Iterable[str], today: date) -> Survey:
    """The first pass."""
    found = Survey(today)
    for line in lines:
        found.add(line)
    return found


def shape_of(stamp: Stamp) -> Shape:
    """What is the same in all heads of a file."""
    return stamp.style, stamp.separator


def messages(lines: Iterable[str], reading: Reading, has: Callable[[str], bool]) -> Iterator[Found]:
    """The second pass: messages and rejected lines, a message before its rejected lines."""
    wall = _Wall(reading.zone)
    open_: _Open | None = None
    for number, line in enumerate(lines, 1):
        begun = _begun(line, number, reading)
        if isinstance(begun, _Open):
            if open_ is not None:
                yield from open_.close(wall, has)
            open_ = begun
        elif open_ is None:
            blank = begun is None and not bare(line).strip()
            yield Blank(number) if blank else Rejected(number, "orphan", line)
        else:
            open_.carry(number, line, begun, keep=reading.keep)
    if open_ is not None:
        yield from open_.close(wall, has)


def _begun(line: str, number: int, reading: Reading) -> "_Open | Bad | None":
    head = header.read(line)
    if not isinstance(head, Stamp):
        return head
    if shape_of(head) != reading.shape:
        return Bad("like_a_date")
    day = resolve(head, reading.order, reading.today)
    if day is None:
        return Bad("date")
    sender, text = split(line[head.end :])
    return _Open(number, datetime.combine(day, time(*head.time)), sender, [text])


def split(rest: str) -> tuple[str | None, str]:
    """(sender, text) behind a head; a notice of WhatsApp's has no sender."""
    match = _SENDER.match(rest)
    if match is None or _is_notice(bare(match["name"])):
        return None, rest
    sender = name(match["name"])
    return (sender, rest[match.end() :]) if sender else (None, rest)


def _is_notice(before_colon: str) -> bool:
    """Whether a colon stands inside a notice (`Ana cambió el asunto de "a" a "b: c"`) and not behind a name."""
    if before_colon.count('"') % 2 or any(before_colon.count(a) != before_colon.count(b) for a, b in _PAIRS):
        return True
    if len(before_colon) > _LONGEST_NAME:
        return True
    lower = before_colon.casefold()
    return len(lower) > 20 and any(stem in lower for stem in words.ENCRYPTED)  # noqa: PLR2004 - shorter ones are names


@dataclass(slots=True)
class _Open:
    """A message whose end is not yet seen."""

    line: int
    at: datetime
    sender: str | None
    texts: list[str]
    rejected: list[Rejected] = field(default_factory=list)
    lines: int = 1
    size: int = 0

    def carry(self, number: int, line: str, bad: Bad | None, *, keep: bool) -> None:
        """One more line, which begins no message."""
        self.size += len(line)
        if bad is not None:
            self.rejected.append(Rejected(number, bad.why, line))
        elif self.size > _LONGEST:
            self.rejected.append(Rejected(number, "too_long", line))
            return
        else:
            self.lines += 1
        if bad is None or keep:
            self.texts.append(line)

    def close(self, wall: "_Wall", has: Callable[[str], bool]) -> Iterator[Found]:
        """The message and its rejected lines."""
        text = "\n".join(self.texts)
        said = take_apart(text, has) if self.sender else Said("system", bare(text).strip())
        yield Message(self.line, self.lines, wall.epoch(self.at), self.sender, said, text)
        yield from self.rejected


class _Wall:
    """The phone's wall clock: local times into seconds since the epoch.

    An hour that a change of the clock shows twice is read as the first one until time runs backwards in it.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last: datetime | None = None
        self._fold = 0

    def epoch(self, at: datetime) -> int:
        """Seconds since the epoch of a local time, the file's next one."""
        first, second = (at.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            self._fold = 0
        elif self._last is not None and timedelta() < self._last - at < timedelta(hours=1):
            self._fold = 1
        self._last = at
        return int((second if self._fold else first).timestamp())
