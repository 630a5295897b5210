"""What an import says: to people in Spanish, with `--json` to programs. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ops.imports.chat import Tally
from ops.imports.plan import Planned
from ops.imports.reasons import LINES

_CLASSES = ("messages", "system", "media", "continuation", "rejected")
_BAD = 2


def facts(planned: Sequence[Planned], zone: ZoneInfo) -> dict[str, Any]:
    """Counts of all files together, and of each chat."""
    return {
        **_counts([each.tally for each in planned], zone),
        "chats": [_chat(each, zone) for each in planned],
    }


def exit_code(planned: Sequence[Planned], *, writing: bool) -> int:
    """0 without rejects, 1 with some, 2 where a file cannot be read, or written, before a person tells something."""
    if any(each.error or (writing and each.asks) for each in planned):
        return _BAD
    return int(any(each.tally.rejected for each in planned))


def lines(planned: Sequence[Planned], zone: ZoneInfo) -> list[str]:
    """The report for people."""
    shown = [line for each in planned for line in _lines(each, zone)]
    total = _counts([each.tally for each in planned], zone)
    named = zip(("mensajes", "avisos", "archivos", "líneas que siguen", "rechazadas"), _CLASSES, strict=True)
    summed = ", ".join(f"{total[key]} {word}" for word, key in named)
    return [*shown, f"import: {sum(total[key] for key in _CLASSES)} líneas = {summed}"]


def capped(each: Planned, zone: ZoneInfo) -> str | None:
    """The warning of an export that WhatsApp seems to have cut."""
    tally = each.tally
    if tally.first_s is None or not tally.capped():
        return None
    return (
        f"la exportación parece cortada por WhatsApp (40,000 mensajes sin archivos, 10,000 con ellos): "
        f"faltan mensajes anteriores al {_day(tally.first_s, zone)}"
    )


def _counts(tallies: Sequence[Tally], zone: ZoneInfo) -> dict[str, Any]:
    senders: Counter[str] = sum((each.senders for each in tallies), Counter())
    first = min((each.first_s for each in tallies if each.first_s is not None), default=None)
    last = max((each.last_s for each in tallies if each.last_s is not None), default=None)
    return {
        **{name: sum(getattr(each, name) for each in tallies) for name in _CLASSES},
        "senders": dict(senders.most_common()),
        "first": _at(first, zone),
        "last": _at(last, zone),
    }


def _chat(each: Planned, zone: ZoneInfo) -> dict[str, Any]:
    tally = each.tally
    return {
        "file": each.file,
        "form": each.form or None,
        "order": each.order,
        "group": each.cast.group if each.cast else None,
        "title": each.cast.title if each.cast else None,
        "lines": tally.lines,
        **_counts([tally], zone),
        "files": {"attached": tally.attached, "omitted": tally.omitted, "missing": tally.missing},
        "rejects": [{"line": one.line, "why": one.why, "text": one.text} for one in each.rejected],
        "warnings": _warnings(each, zone),
        "asks": each.asks or None,
        "error": each.error or None,
    }


def _warnings(each: Planned, zone: ZoneInfo) -> list[str]:
    found = [capped(each, zone)]
    if each.tally.missing:
        found.append(
            f"{each.tally.missing} archivos se nombran y no vienen: exporte con archivos para tenerlos"
        )
    if each.tally.back:
        found.append(
            f"{each.tally.back} veces la fecha retrocede más de un día: ¿texto copiado de otro chat?"
        )
    return [one for one in found if one]


def _lines(each: Planned, zone: ZoneInfo) -> list[str]:
    name = each.file if each.form != "exporter" or not each.cast else f"{each.file} · {each.cast.title}"
    found = [f"{name}: {why}" for why in (each.error, each.asks) if why]
    found += [f"{name}: línea {one.line}: {LINES[one.why]}: {one.text[:80]}" for one in each.rejected]
    found += [f"{name}: {warning}" for warning in _warnings(each, zone)]
    tally = each.tally
    if tally.first_s is not None and tally.last_s is not None:
        people = ", ".join(f"{who} ({count})" for who, count in tally.senders.most_common(8))
        found.append(
            f"{name}: {tally.entries} mensajes del {_day(tally.first_s, zone)} al {_day(tally.last_s, zone)}; {people}"
        )
    return found


def _day(at_s: int, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(at_s, zone)
    return f"{at.day}/{at.month:02d}/{at.year}"


def _at(at_s: int | None, zone: ZoneInfo) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, zone).isoformat()
