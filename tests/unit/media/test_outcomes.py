"""Every reason the worker can give is explained, and fits the state it stands with."""

import pytest

from services.media.renditions import clean_name, names
from services.media.structure import Structure
from services.media.verdict import LIMIT, Found, judge, refetch, threat
from shared.media.outcomes import OUTCOMES, explain

SHA = "a" * 64
CASES = {
    "zero_bytes": Found(SHA, 0, ""),
    "too_large": Found(SHA, LIMIT + 1, "image/jpeg"),
    "infected": Found(SHA, 9, "image/jpeg", finding="Win.Trojan.X"),
    "bomb": Found(SHA, 9, "image/jpeg", Structure(bomb=True)),
    "program": Found(SHA, 9, "application/x-executable"),
    "polyglot": Found(SHA, 9, "image/jpeg", Structure(polyglot=True)),
    "encrypted": Found(SHA, 9, "image/jpeg", finding="Heuristics.Encrypted.PDF"),
    "mismatch": Found(SHA, 9, "text/html"),
    "damaged": Found(SHA, 9, "image/jpeg", Structure(cut=True)),
}


@pytest.mark.parametrize("reason", sorted(CASES))
def test_each_reason_stands_with_its_state(reason: str) -> None:
    verdict = judge("image/jpeg", None, CASES[reason])
    assert (verdict.reason, verdict.state) == (reason, OUTCOMES[reason].state)


def test_a_file_that_is_not_the_announced_one_is_torn_or_another() -> None:
    cut = Found(SHA, 9, "image/jpeg", Structure(cut=True))
    assert judge("image/jpeg", "b" * 64, cut).reason == "truncated"
    assert judge("image/jpeg", "b" * 64, Found(SHA, 9, "image/jpeg")).reason == "hash_mismatch"


def test_a_threat_outranks_all_that_could_hide_it() -> None:
    worst = Found(SHA, 9, "text/html", Structure(cut=True, encrypted=True, polyglot=True), "Win.Trojan.X")
    assert judge("image/jpeg", "b" * 64, worst).reason == "infected"


def test_limits_of_the_scanner_are_no_infection() -> None:
    assert threat("Heuristics.Limits.Exceeded.MaxScanSize") == "bomb"
    assert threat("Heuristics.Encrypted.Zip") == "encrypted"
    assert threat("Heuristics.Phishing.Email") == "infected"


def test_what_surely_was_torn_is_asked_for_again() -> None:
    assert refetch(None, Found(SHA, 0, ""))
    assert refetch("b" * 64, Found(SHA, 9, ""))
    assert not refetch(SHA, Found(SHA, 0, ""))
    assert not refetch(None, Found(SHA, 9, ""))


def test_each_outcome_is_a_spanish_sentence_with_what_helps() -> None:
    for code, outcome in OUTCOMES.items():
        assert outcome.es.endswith("."), code
        assert outcome.retry in {"machine", "sender", "person", "never"}
        assert (outcome.state == "pending") == (outcome.retry == "machine")


def test_a_code_of_another_version_is_still_explained() -> None:
    assert explain("something-new").es


def test_a_type_without_renditions_has_none() -> None:
    assert names("application/zip") == {}
    assert clean_name("application/msword") is None
    assert list(names("image/webp")) == ["thumb.webp", "photo.jpg", "sticker.png", "clean.webp"]
