"""Exports as phones write them, read back: every language of CLDR, every kind of line, by round trip."""

# ruff: noqa: DTZ001, FBT001, FBT002, PLE2502, RUF001 - local times as phones print them; letters and marks of all languages

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale, localedata
from hypothesis import example, given
from hypothesis import strategies as st

from ops.imports.chat import Message, Rejected, Tally
from ops.imports.dates import Order
from ops.imports.parse import Reading, messages, survey
from ops.imports.plain import canonical
from tests.unit.imports import exports
from tests.unit.imports.exports import LRM, WORDS, Kind, Wrote

TODAY = date(2026, 11, 24)
CDMX = ZoneInfo("America/Mexico_City")
# Languages WhatsApp is translated into, and the Americas' Spanish.
LANGUAGES = [
    "af",
    "am",
    "ar",
    "ar_EG",
    "az",
    "bg",
    "bn",
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "en_GB",
    "en_US",
    "en_IN",
    "es",
    "es_MX",
    "es_AR",
    "es_CO",
    "es_US",
    "es_PR",
    "et",
    "fa",
    "fi",
    "fil",
    "fr",
    "fr_CA",
    "gu",
    "he",
    "hi",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "kk",
    "kn",
    "ko",
    "lo",
    "lt",
    "lv",
    "mk",
    "ml",
    "mr",
    "ms",
    "my",
    "nb",
    "nl",
    "pa_Guru_IN",
    "pl",
    "pt",
    "pt_PT",
    "ro",
    "ru",
    "sk",
    "sl",
    "sq",
    "sr",
    "sv",
    "sw",
    "ta",
    "te",
    "th",
    "tr",
    "uk",
    "ur",
    "uz",
    "vi",
    "zh_Hans_CN",
    "zh_Hant_TW",
    "zh_Hant_HK",
    "zu",
    "ka",
    "hy",
    "km",
    "ne",
    "si",
    "ga",
]


def read(
    lines: Sequence[str],
    order: Order | None = None,
    zone: ZoneInfo = CDMX,
    keep: bool = False,
    has: frozenset[str] = frozenset(),
) -> list[Message | Rejected]:
    found = survey(lines, TODAY)
    assert found.shape is not None, lines[:2]
    chosen = order or found.order
    assert chosen is not None, "ambiguous"
    reading = Reading(found.shape, chosen, zone, TODAY, keep)
    return [
        each for each in messages(lines, reading, has.__contains__) if isinstance(each, Message | Rejected)
    ]


def local(message: Message | Rejected, zone: ZoneInfo = CDMX) -> datetime:
    assert isinstance(message, Message)
    return datetime.fromtimestamp(message.at_s, zone).replace(tzinfo=None)


def month_of(start: datetime) -> list[datetime]:
    """Times over six weeks, morning and afternoon: enough for any order to show."""
    return [start + timedelta(hours=17 * n) for n in range(60)]


@pytest.mark.parametrize("locale", sorted(set(LANGUAGES)))
@pytest.mark.parametrize("form", ["android", "ios"])
def test_dates_and_times_of_every_language(locale: str, form: str) -> None:
    times = month_of(datetime(2024, 2, 20, 0, 5, 33 if form == "ios" else 0))
    said = [Wrote(at, "Ana", "text", "hola") for at in times]
    lines = getattr(exports, form)(said, locale, WORDS["es"])
    asked: Order | None = "year-first" if locale == "ne" else None  # `24/3/13`: the one that must be asked
    found = read(lines, asked)
    assert [local(each) for each in found] == times, (lines[:3], found[:3])


def test_every_short_date_of_cldr_is_a_date() -> None:
    """All 1,000 locales: which ones are read wrongly is written down, and is none that WhatsApp speaks."""
    wrong = Counter[str]()
    for locale in localedata.locale_identifiers():
        known = Locale.parse(locale)
        times = month_of(datetime(2024, 2, 20, 0, 5))[::6]
        lines = exports.android([Wrote(at, "Ana", "text", "hola") for at in times], locale, WORDS["es"])
        found = survey(lines, TODAY)
        right = known.language == "ne" or (
            found.shape is not None and found.heads[found.shape] == len(lines) and found.order is not None
        )
        if not right:
            wrong[known.language] += 1
    assert not set(wrong) & {Locale.parse(name).language for name in LANGUAGES}, wrong


KINDS: tuple[Kind, ...] = ("text", "omitted", "attached", "edited", "deleted", "system", "poll", "place")
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\u200e\u200f<>"),
    max_size=40,
)
NAMES = st.sampled_from(
    ["Ana", "Luis Peña", "+52 1 55 1234 5678", "Dra. Núñez (IMSS)", "دانة", "李雷", "~ Beto"]
)


@st.composite
def chats(draw: st.DrawFn) -> list[Wrote]:
    at = datetime(2024, 1, 28, 23, 50)
    said: list[Wrote] = []
    for _ in range(draw(st.integers(20, 40))):
        at += timedelta(minutes=draw(st.integers(0, 2000)))
        kind = draw(st.sampled_from(KINDS))
        lines = draw(st.lists(TEXTS, min_size=1, max_size=4))
        text = (
            "\n".join([lines[0], *(f"· {line}" for line in lines[1:])])
            if kind in {"text", "edited"}
            else lines[0]
        )
        if kind == "attached":
            text = ""
        said.append(Wrote(at, draw(NAMES), kind, text.strip() or "x", f"IMG-20240312-WA{len(said):04d}.jpg"))
    return said


@given(
    chats(),
    st.sampled_from(["es_MX", "es", "en_US", "de", "pt", "ar_EG", "fa", "zh_Hant_TW", "ko", "fi"]),
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(["android", "ios"]),
)
def test_what_a_phone_writes_is_read_back(said: list[Wrote], locale: str, language: str, form: str) -> None:
    plain = [
        one if one.kind != "attached" else Wrote(one.at, one.who, one.kind, "", one.file) for one in said
    ]
    lines = getattr(exports, form)(plain, locale, WORDS[language])
    orders: dict[str, Order] = {
        "en_US": "month-first",
        "fa": "year-first",
        "zh_Hant_TW": "year-first",
        "ko": "year-first",
    }
    found = read(lines, orders.get(locale, "day-first"))
    tally = Tally()
    for each in found:
        tally.add(each, lambda _: False)
    assert tally.lines == len(lines)
    assert tally.rejected == 0
    kinds = {"omitted": "media", "attached": "media", "edited": "text", "place": "location"}
    for one, each in zip(plain, found, strict=True):
        assert isinstance(each, Message)
        assert local(each) == one.at
        assert each.said.kind == kinds.get(one.kind, one.kind), (one, each)
        if one.kind in {"text", "edited", "omitted"}:
            assert canonical(each.said.text) == canonical(one.text)
        assert each.said.edited == (one.kind == "edited")
        assert each.said.file == (one.file if one.kind == "attached" else None)
        if one.kind != "system":
            assert each.sender == one.who.removeprefix("~").strip()


@pytest.mark.parametrize("calendar", [exports.buddhist, exports.persian])
@pytest.mark.parametrize("form", ["{} - Ana: hola", "[{}] Ana: hola"])
def test_years_of_other_calendars(calendar: Callable[[datetime, bool], str], form: str) -> None:
    times = month_of(datetime(2024, 2, 20, 0, 5))
    found = read([form.format(calendar(at, False)) for at in times])
    assert [local(each) for each in found] == times


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("民國113/3/13, 14:05", date(2024, 3, 13)),
        ("113/3/13 14:05", date(2024, 3, 13)),
        ("R6/3/13 14:05", date(2024, 3, 13)),
        ("令和6年3月13日 14:05", date(2024, 3, 13)),
        ("13/3/67 14:05", date(2024, 3, 13)),
        ("13/3/พ.ศ. 2567 14:05", date(2024, 3, 13)),
        ("٢‏/٩‏/١٤٤٥ هـ، ٢:٠٥ م", date(2024, 3, 12)),
        ("2024年3月13日 下午2:05", date(2024, 3, 13)),
        ("13.03.24 г., 14:05 ч.", date(2024, 3, 13)),
        ("13/03/2024 à 14:05", date(2024, 3, 13)),
        ("13. 03. 2024. 14:05", date(2024, 3, 13)),
        ("14:05, 13/3/24", date(2024, 3, 13)),
    ],
)
def test_other_ways_to_print_a_date(printed: str, day: date) -> None:
    (found,) = read([f"{printed} - Ana: hola"], "day-first" if "هـ" in printed else None)
    assert local(found).date() == day
    assert local(found).strftime("%H:%M") == "14:05"


def test_one_day_alone_is_ambiguous_and_a_thirteenth_decides() -> None:
    assert survey(["1/2/24, 10:00 - Ana: a", "2/2/24, 10:00 - Ana: b"], TODAY).order is None
    assert survey(["1/2/24, 10:00 - Ana: a", "13/2/24, 10:00 - Ana: b"], TODAY).order == "day-first"
    assert survey(["2/1/24, 10:00 - Ana: a", "2/13/24, 10:00 - Ana: b"], TODAY).order == "month-first"
    assert survey(["5/5/24, 10:00 - Ana: a"], TODAY).order == "day-first"  # both readings agree


def test_time_running_backwards_decides() -> None:
    """5 and 6 February, then 1 March: month first it would run from June back to January."""
    lines = [f"{day}, 10:00 - Ana: a" for day in ("5/2/24", "6/2/24", "1/3/24")]
    assert survey(lines, TODAY).order == "day-first"


def test_a_date_to_come_is_no_reading() -> None:
    assert survey(["11/12/26, 10:00 - Ana: a"], TODAY).order == "month-first"


@pytest.mark.parametrize(
    "line",
    [
        "99/99/24, 10:00 - Nadie: x",
        "[12/03/2024, 10:00] Juan: copiado",
        "12/3/24 junta con todos",
        "31/2/24, 10:00 - Ana: x",
        "12/3/24, 25:00 - Ana: x",
    ],
)
def test_a_line_that_starts_like_a_date_is_rejected(line: str) -> None:
    lines = ["12/3/24, 14:05 - Ana: agenda", line, "13/3/24, 14:05 - Luis: b"]
    found = read(lines)
    assert [type(each) for each in found] == [Message, Rejected, Message]
    kept = read(lines, keep=True)
    assert isinstance(kept[0], Message)
    assert kept[0].said.text == f"agenda\n{line}"


@pytest.mark.parametrize(
    "line",
    [
        "10.5 mil personas",
        "192.168.1.1",
        "55-12-34-5678",
        "1.2.3 instalar",
        "2024 fue largo",
        "12:30 nos vemos",
        "3/4 de litro",
        "¿12/3/24?",
    ],
)
def test_other_numbers_carry_on_a_message(line: str) -> None:
    (found,) = read(["13/3/24, 14:05 - Ana: mira", line])
    assert isinstance(found, Message)
    assert found.said.text == f"mira\n{line}"


@pytest.mark.parametrize(
    "notice",
    [
        'Ana cambió el asunto de "a" a "b: c"',
        "Los mensajes y las llamadas están cifrados de extremo a extremo. Solo las personas en este chat: nadie más",
        "Ana añadió a Luis",
        "الرسائل والمكالمات مشفّرة بالكامل: لا أحد خارج هذه الدردشة يستطيع قراءتها.",
    ],
)
def test_notices_have_no_sender(notice: str) -> None:
    (found,) = read([f"13/3/24, 14:05 - {notice}"])
    assert isinstance(found, Message)
    assert found.sender is None
    assert found.said.kind == "system"
    assert found.said.text == notice


def test_a_file_is_known_by_the_zip_in_any_language() -> None:
    (found,) = read(["13/3/24, 14:05 - Ana: nota.pdf (wyślij to)"], has=frozenset({"nota.pdf"}))
    assert isinstance(found, Message)
    assert found.said.file == "nota.pdf"
    (found,) = read(["13/3/24, 14:05 - Ana: nota.pdf (wyślij to)"])
    assert isinstance(found, Message)
    assert found.said.kind == "text"


def test_captions_stay_with_their_files() -> None:
    android, apple = (
        read(["13/3/24, 14:05 - Ana: IMG-20240313-WA0001.jpg (archivo adjunto)", "mira esto"])[0],
        read([f"[13/3/24, 14:05:00] Ana: mira esto {LRM}<adjunto: 00000012-PHOTO-2024-03-13-14-05-00.jpg>"])[
            0
        ],
    )
    assert isinstance(android, Message)
    assert isinstance(apple, Message)
    assert android.said.text == apple.said.text == "mira esto"


@pytest.mark.parametrize("filler", [" ", "\n", LRM, f"{LRM}<", "<a: ", "x (", "a.b", "?q="])
def test_a_long_message_takes_no_longer_than_its_length(filler: str) -> None:
    """A pattern that walks back would need hours for this."""
    lines = ["13/3/24, 14:05 - Ana: a", *(filler * 250_000).split("\n"), "b"]
    found = read(lines)
    assert len(found) == 1


def test_the_hour_shown_twice_is_two_hours() -> None:
    """On 30 October 2022 at 2:00 the clocks of Mexico City went back to 1:00, for the last time."""
    found = read([f"30/10/22, {clock} - Ana: x" for clock in ("00:30", "01:30", "01:50", "01:10", "02:30")])
    utc = [
        datetime.fromtimestamp(each.at_s, UTC).strftime("%H:%M")
        for each in found
        if isinstance(each, Message)
    ]
    assert utc == ["05:30", "06:30", "06:50", "07:10", "08:30"]


def test_empty_lines_belong_to_their_message() -> None:
    lines = [
        "",
        "13/3/24, 14:05 - Ana: uno",
        "",
        "dos",
        "13/3/24, 14:06 - Ana:",
        "13/3/24, 14:07 - Luis: fin",
    ]
    shape = survey(lines, TODAY).shape
    assert shape is not None
    tally = Tally()
    for each in messages(lines, Reading(shape, "day-first", CDMX, TODAY), lambda _: False):
        tally.add(each, lambda _: False)
    assert (tally.messages, tally.continuation, tally.rejected) == (3, 3, 0)
    assert dict(tally.senders) == {"Ana": 2, "Luis": 1}


def test_a_hundred_thousand_lines_add_up() -> None:
    start, lines = datetime(2020, 1, 1, 8, 0), list[str]()
    for n in range(90_000):
        at = start + timedelta(minutes=31 * n)
        lines.append(f"{at:%d/%m/%y}, {at:%H:%M} - {'Ana' if n % 3 else 'Luis'}: hola")
        lines += ["qué tal"] * (n % 9 == 0)
    assert len(lines) == 100_000
    tally = Tally()
    for each in read(lines):
        tally.add(each, lambda _: False)
    assert (tally.messages, tally.continuation, tally.lines) == (90_000, 10_000, 100_000)
    assert (tally.rejected, tally.system, tally.media) == (0, 0, 0)


@given(st.lists(st.text(max_size=60), max_size=30))
@example(["13/3/24, 14:05 - Ana: a", "\u200f[\u200e", "1/1/1 - x"])
def test_any_text_adds_up(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    found = survey(lines, TODAY)
    if found.shape is None:
        return
    tally = Tally()
    for each in messages(
        lines, Reading(found.shape, found.order or "day-first", CDMX, TODAY), lambda _: False
    ):
        tally.add(each, lambda _: False)
    assert tally.lines == len(lines)
