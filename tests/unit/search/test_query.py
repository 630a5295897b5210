"""The search box: operators, plain words, and nothing that breaks it."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.dsl import body
from services.search.port import Query
from services.search.query import MAX_TERMS, parse


def ms(year: int, month: int, day: int, hour: int = 6) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Query()),
        ("   ", Query()),
        ("sismo", Query(prefix="sismo")),
        ("sismo ", Query(words=("sismo",))),
        ("s", Query(words=("s",))),
        ("sismo en oaxa", Query(words=("sismo", "en"), prefix="oaxa")),
        ('"la que manda"', Query(phrases=("la que manda",))),
        ("agua -lluvia ", Query(words=("agua",), without=("lluvia",))),
        ('-"plan b" agua ', Query(words=("agua",), without=("plan b",))),
        ("-", Query()),
        ("tipo:foto ", Query(types=("image",))),
        ("tipo:UBICACIÓN ", Query(types=("location",))),
        ("tipo:video tipo:audio ", Query(types=("video", "audio"))),
        ("tipo:cosa ", Query(words=("tipo:cosa",))),
        ("lugar:centro ", Query(words=("lugar:centro",))),
        ("https://x.mx ", Query(words=("https://x.mx",))),
        ("desde:2026-11-01 hasta:30/11/2026 ", Query(from_ms=ms(2026, 11, 1), to_ms=ms(2026, 12, 1))),
        ("desde:2026-13-45 ", Query(words=("desde:2026-13-45",))),
        ("desde:ayer ", Query(words=("desde:ayer",))),
        ("#Sismo", Query(hashtags=("sismo",))),
        ("# ((( -", Query()),
        ("+5215512345678", Query(phones=("525512345678", "5512345678"))),
        ("55-1234-5678 agua ", Query(words=("agua",), phones=("5512345678",))),
        ("12345 ", Query(words=("12345",))),
    ],
)
def test_what_is_typed_is_what_is_meant(text: str, expected: Query) -> None:
    assert parse(text).query == expected


def test_names_wait_to_be_resolved() -> None:
    parsed = parse('de:"Ana López" de:beto agua')
    assert parsed.names == ("Ana López", "beto")
    assert parsed.query == Query(prefix="agua")


def test_an_unclosed_phrase_is_words() -> None:
    assert parse('"la que ').query.words == ('"la', "que")


def test_terms_beyond_the_limit_are_counted() -> None:
    parsed = parse("palabra " * 100)
    assert len(parsed.query.words) == MAX_TERMS
    assert parsed.dropped == 100 - MAX_TERMS


@given(st.text(max_size=2000) | st.text(alphabet=string.punctuation + 'ab:-"# ', max_size=200))
def test_nothing_breaks_it_and_syntax_never_leaves_a_value(text: str) -> None:
    parsed = parse(text)
    question = body(parsed.query, 10, None, 1.0)["query"]["bool"]
    assert set(question) == {"must", "filter", "must_not"}
    for clause in question["must"]:
        assert set(clause) <= {"multi_match", "bool"}


@pytest.mark.parametrize("unit", ["a ", '"', "-", "de:", '":', "tipo:tipo:", "(", "*", "\x00", "ñ", "🔥"])
def test_ten_kilobytes_of_anything_parse_at_once(unit: str) -> None:
    text = (unit * 10240)[:10240]
    parsed = parse(text)
    query = parsed.query
    assert len((*query.words, *query.phrases, *query.without, *query.hashtags, *parsed.names)) <= MAX_TERMS


@pytest.mark.parametrize(
    "attack", ['"}}]}', "body:*", "1=1 OR *", "a AND (b", "/.*/", "_source:secret", "${x}", "<script>"]
)
def test_injection_stays_a_term(attack: str) -> None:
    query = parse(attack + " ").query
    terms = (*query.words, *query.phrases)
    flat = str(body(query, 10, None, 1.0)["query"]["bool"]["must"])
    assert terms or not attack.strip(string.punctuation)
    for term in terms:
        assert repr(term) in flat
    assert "query_string" not in flat
    assert "'script'" not in flat
