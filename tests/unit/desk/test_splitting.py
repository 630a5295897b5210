"""Long texts go out whole, in marked parts."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.desk.splitting import split

WORDS = st.lists(st.text(alphabet="aé🔥 .\n", min_size=1, max_size=30), max_size=60).map("".join)


@given(WORDS, st.integers(20, 120))
def test_nothing_is_lost_and_nothing_is_too_long(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(len(part) <= most for part in parts)
    if len(parts) == 1:
        assert parts == [text]
    else:
        marks = [re.match(r"\((\d+)/(\d+)\) ", part) for part in parts]
        assert [(m.group(1), m.group(2)) for m in marks if m] == [
            (str(n), str(len(parts))) for n in range(1, len(parts) + 1)
        ]
        assert "".join(part[m.end() :] for part, m in zip(parts, marks, strict=True) if m) == text


def test_a_short_text_stays_as_it_is() -> None:
    assert split("hola") == ["hola"]
    assert split("x" * 4096) == ["x" * 4096]
    assert len(split("x" * 4097)) == 2


def test_parts_end_at_a_paragraph_where_one_fits() -> None:
    text = "uno " * 15 + "\n\n" + "dos " * 15
    assert split(text, 100)[0].endswith("uno \n\n")
