"""vCard 2.1, 3.0 and 4.0 through vobject: cards one by one, so that a broken one takes no other along.

Sources: RFC 2426 (3.0), RFC 6350 (4.0).
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

import vobject

from ops.contacts.book import UNREADABLE, Entry, tidy

_BEGIN = re.compile(r"^BEGIN:VCARD[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
# It logs the lines it cannot read, and they hold names and numbers.
logging.getLogger("vobject.base").disabled = True


def is_vcard(text: str) -> bool:
    """Whether a file begins like one."""
    return _BEGIN.match(text.lstrip()) is not None


def entries(text: str) -> Iterator[Entry]:
    """One entry a card."""
    starts = [found.start() for found in _BEGIN.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield _entry(text[start:end], text.count("\n", 0, start) + 1)


def _entry(card: str, line: int) -> Entry:
    try:
        read = next(vobject.readComponents(card, allowQP=True, ignoreUnreadable=True), None)
    except Exception:  # noqa: BLE001 - the library raises whatever its parts raise: ValueError, KeyError, its own
        read = None
    if read is None or read.name != "VCARD":
        return Entry(line, "", (), UNREADABLE)
    return Entry(line, _name(read), tuple(str(each.value) for each in read.contents.get("tel", ())))


def _name(card: Any) -> str:
    """The name to show, else the name's parts, else the firm."""
    for kind in ("fn", "n", "nickname", "org"):
        for each in card.contents.get(kind, ()):
            shown = tidy(" ".join(each.value) if isinstance(each.value, list) else str(each.value))
            if shown:
                return shown
    return ""
