"""Google's CSV of contacts, of today and of before 2024, and Outlook's, which Google writes too; pure."""

import csv
import re
from collections.abc import Iterator, Mapping

from ops.contacts.book import UNREADABLE, Entry, tidy

_NUMBERS = re.compile(
    r"phone \d+ - value|(?:mobile|home|business|primary|other|car|company main|assistant's|radio) phone(?: \d)?",
    re.IGNORECASE,
)
_SEVERAL = ":::"  # between several values of one cell
_NAME = ("Name",)
_PARTS = (
    *(
        "Name Prefix",
        "First Name",
        "Given Name",
        "Middle Name",
        "Additional Name",
        "Last Name",
        "Family Name",
    ),
    "Name Suffix",
)
_FIRM = ("File As", "Nickname", "Organization Name", "Organization 1 - Name", "Company")


def is_google(text: str) -> bool:
    """Whether the first line is a header that names a person and a number."""
    header = next(csv.reader(text.splitlines()[:1]), [])
    named = {*_NAME, *_PARTS} & {each.strip() for each in header}
    return bool(named) and any(_NUMBERS.fullmatch(each.strip()) for each in header)


def entries(text: str) -> Iterator[Entry]:
    """One entry a row; a row's line is where it begins, for a cell may hold several lines."""
    rows = csv.DictReader(text.splitlines(keepends=True), restkey="")
    line = 1
    while True:
        line = rows.line_num + 1 if rows.line_num else 2
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Entry(line, "", (), UNREADABLE)
            continue
        yield _entry(line, {key.strip(): cell for key, cell in row.items() if key and isinstance(cell, str)})


def _entry(line: int, row: Mapping[str, str]) -> Entry:
    numbers = [
        each for name, cell in row.items() if _NUMBERS.fullmatch(name) for each in cell.split(_SEVERAL)
    ]
    return Entry(line, _name(row), tuple(numbers))


def _name(row: Mapping[str, str]) -> str:
    whole = next((shown for name in _NAME if (shown := tidy(row.get(name, "")))), "")
    parts = tidy(" ".join(row.get(name, "") for name in _PARTS))
    return whole or parts or next((shown for name in _FIRM if (shown := tidy(row.get(name, "")))), "")
