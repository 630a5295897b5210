"""Which number of a printed date is the day, and what date it is. Pure.

The order is decided once a file, from all its dates: a reading that makes no date, or makes time run backwards
more often, is not the file's. What stays open is asked, never guessed. Only `/` is written month first
(Unicode CLDR 48, short date patterns of all locales), so `.` and `-` settle it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from hijridate import Hijri

from ops.imports.header import ERAS, Stamp

Order = Literal["day-first", "month-first", "year-first"]
ORDERS: tuple[Order, ...] = ("day-first", "month-first", "year-first")
FIRST = date(2009, 1, 1)  # WhatsApp Inc. was founded in February 2009: no chat is older
_SHORT = 2  # digits of a day, and of a year that is cut
_FEW = 4  # time running backwards this many times more often decides against a reading


@dataclass(slots=True)
class _Reading:
    wrong: int = 0
    back: int = 0
    last: date = FIRST


@dataclass(slots=True)
class Evidence:
    """What the dates of a file say about their order, in constant memory.

    Args:
        today: nothing was written later than tomorrow here (time zones).
    """

    today: date
    readings: dict[Order, _Reading] = field(default_factory=lambda: {order: _Reading() for order in ORDERS})
    differ: bool = False
    _seen: tuple[int, int, int] | None = None

    def add(self, stamp: Stamp) -> None:
        """One more head; equal dates in a row count once."""
        if stamp.numbers == self._seen:
            return
        self._seen = stamp.numbers
        possible = orders(stamp)
        found = {order: resolve(stamp, order, self.today) if order in possible else None for order in ORDERS}
        for order, day in found.items():
            self._count(self.readings[order], day)
        self.differ |= len({day for day in found.values() if day}) > 1

    def _count(self, reading: _Reading, day: date | None) -> None:
        if day is None:
            reading.wrong += 1
            return
        reading.back += day < reading.last
        reading.last = day

    def decide(self) -> Order | None:
        """The file's order; None where the dates allow more than one."""
        least = min(reading.wrong for reading in self.readings.values())
        left = [order for order in ORDERS if self.readings[order].wrong == least]
        if len(left) == 1 or not self.differ:
            return left[0]
        best, *others = sorted(left, key=lambda order: self.readings[order].back)
        clear = all(self.readings[best].back * _FEW < self.readings[other].back for other in others)
        return best if clear else None


def orders(stamp: Stamp) -> tuple[Order, ...]:
    """The readings a printed date allows at all."""
    if (
        stamp.widths[0] > _SHORT
        or ERAS.get(stamp.era) in {"minguo", "reiwa", "heisei"}
        or stamp.separator in "年년"
    ):
        return ("year-first",)
    if stamp.widths[2] > _SHORT:
        return ("day-first", "month-first") if stamp.separator == "/" else ("day-first",)
    if stamp.separator == "/":
        return ("day-first", "month-first")
    return ("day-first", "year-first") if stamp.spaced else ("day-first",)  # ko writes `24. 3. 12.`


def resolve(stamp: Stamp, order: Order, today: date) -> date | None:
    """The Gregorian date of a head read in this order; None where it is none, or none WhatsApp can print."""
    a, b, c = stamp.numbers
    year, month, day = {"day-first": (c, b, a), "month-first": (c, a, b), "year-first": (a, b, c)}[order]
    width = stamp.widths[0 if order == "year-first" else 2]
    for calendar, full in _calendars(year, width, ERAS.get(stamp.era, "")):
        found = _gregorian(calendar, full, month, day)
        if found is not None and FIRST <= found <= today + timedelta(days=1):
            return found
    return None


# Years that 2009 and later have in other calendars; they do not overlap before 2051.
_RANGES = {"minguo": (98, 200), "persian": (1387, 1429), "islamic": (1430, 1500), "buddhist": (2552, 2700)}
_SHIFT = {"buddhist": -543, "minguo": 1911, "reiwa": 2018, "heisei": 1988}
_CENTURIES = (
    ("gregorian", 2000),
    ("buddhist", 2500),
    ("persian", 1400),
    ("persian", 1300),
    ("islamic", 1400),
)


def _calendars(year: int, width: int, era: str) -> list[tuple[str, int]]:
    """(calendar, full year) in the order in which they are believed."""
    if era:
        return [(era, year)] if width > _SHORT or era in _SHIFT else [(era, year + 1300), (era, year + 1400)]
    if width > _SHORT:
        known = [(name, year) for name, (low, high) in _RANGES.items() if low <= year <= high]
        return known or [("gregorian", year)]
    return [(name, century + year) for name, century in _CENTURIES]


def _gregorian(calendar: str, year: int, month: int, day: int) -> date | None:
    try:
        if calendar == "islamic":
            found = Hijri(year, month, day).to_gregorian()
            return date(found.year, found.month, found.day)
        if calendar == "persian":
            return _persian(year, month, day)
        return date(year + _SHIFT.get(calendar, 0), month, day)
    except (ValueError, OverflowError):
        return None


_NOWRUZ = (1387, date(2008, 3, 20))  # 1 Farvardin, from which years are counted


def _persian(year: int, month: int, day: int) -> date | None:
    """Solar Hijri, by the cycle of 33 years (8 of them leap), right for all years of `_RANGES`."""
    first, start = _NOWRUZ
    if year < first or not (1 <= month <= 12 and 1 <= day <= _length(year, month)):  # noqa: PLR2004 - months
        return None
    years = sum(366 if _leap(one) else 365 for one in range(first, year))
    months = sum(_length(year, one) for one in range(1, month))
    return start + timedelta(days=years + months + day - 1)


def _length(year: int, month: int) -> int:
    if month <= 6:  # noqa: PLR2004 - the first half has months of 31 days
        return 31
    return 30 if month < 12 or _leap(year) else 29  # noqa: PLR2004 - months


def _leap(year: int) -> bool:
    return (year * 25 + 11) % 33 < 8  # noqa: PLR2004 - leap years a cycle
