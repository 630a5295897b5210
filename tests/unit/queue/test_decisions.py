"""The pure parts: backoff, verdicts, options, what the DLQ is told."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Poison, RetryAfter, StopAndPage
from shared.queue.backoff import CAP_S, ceiling, full_jitter
from shared.queue.options import Options
from shared.queue.parking import first_seen_ms, reason_attributes, renewed_attributes, traceparent
from shared.queue.port import MAX_ATTRIBUTES, Message
from shared.queue.verdict import DONE, Verdict, decide


def _highest(_low: float, high: float) -> float:
    return high


def _message(body: str = "x", **attributes: str) -> Message:
    return Message("id", body, "receipt", 1, 1_764_000_000_123, attributes)


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 1), (2, 4), (3, 16), (4, 64), (5, 256), (6, 900), (7, 900), (10_000, 900)],  # 1 * 4**(n-1), cap 900
)
def test_ceiling(attempt: int, seconds: float) -> None:
    assert ceiling(attempt) == seconds


def test_ceiling_of_no_attempt_is_refused() -> None:
    with pytest.raises(ValueError, match="attempt must be >= 1"):
        ceiling(0)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_jitter_stays_within_its_bounds(attempt: int, share: float) -> None:
    pause = full_jitter(attempt, lambda low, high: low + (high - low) * share)
    assert 0 <= pause <= min(CAP_S, ceiling(attempt))


@pytest.mark.parametrize(
    ("error", "receive", "waits", "verdict"),
    [
        (None, 1, False, DONE),
        (None, 7, False, DONE),
        (Poison("bad"), 1, False, Verdict("park", "poison", reason="bad")),
        (RetryAfter(1.2, "busy"), 1, False, Verdict("hide", "retry", 2, "busy")),
        (RetryAfter(-5, "busy"), 2, False, Verdict("hide", "retry", 0, "busy")),
        (RetryAfter(-5, "busy"), 3, False, Verdict("renew", "retry", 0, "busy")),
        (RetryAfter(10**6, "busy"), 1, False, Verdict("hide", "retry", 21_600, "busy")),
        (RetryAfter(10**6, "busy"), 7, False, Verdict("renew", "retry", 900, "busy")),
        (KeyError("x"), 3, False, Verdict("hide", "retry", 16, "unexpected")),
        (KeyError("x"), 6, False, Verdict("hide", "retry", 900, "unexpected")),
        (KeyError("x"), 7, False, Verdict("park", "poison", reason="unexpected")),
        (KeyError("x"), 8, False, Verdict("park", "poison", reason="unexpected")),
        (KeyError("x"), 2, True, Verdict("hide", "retry", 4, "KeyError")),
        (KeyError("x"), 7, True, Verdict("renew", "retry", 900, "KeyError")),
        (StopAndPage("x"), 2, False, Verdict("hide", "retry", 4, "StopAndPage")),
        (StopAndPage("x"), 7, False, Verdict("renew", "retry", 900, "StopAndPage")),
    ],
)
def test_verdicts(error: Exception | None, receive: int, waits: bool, verdict: Verdict) -> None:  # noqa: FBT001 - a case
    assert decide(error, receive, 7, _highest, waits=waits) == verdict


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"visibility_s": 0}, "visibility_s must be 1 to 21600"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"pollers": 0}, "pollers must be at least 1"),
        ({"wait_s": 0}, "wait_s must be above 0 and at most 20"),
        ({"wait_s": 21}, "wait_s must be above 0 and at most 20"),
        ({"heartbeat_s": 60}, "heartbeat_s must be below visibility_s"),
        ({"heartbeat_s": -1}, "heartbeat_s must be below visibility_s"),
        ({"flush_s": 20}, "flush_s must be below a third of visibility_s"),
        ({"max_hold_s": 59}, "max_hold_s must be visibility_s to 21599"),
        ({"drain_s": 5}, "drain_s must be at least wait_s"),
        ({"release_s": 0}, "release_s must be above 0"),
        ({"drain_s": 115}, "must fit into 120"),
        ({"park_at": 8}, "park_at must be 1 to 7"),
        ({"wait_s": math.nan}, "wait_s must be above 0"),
    ],
)
def test_bad_options_are_refused_where_they_are_written(changes: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        Options(**{"visibility_s": 60, **changes})


def test_options_beat_at_a_third_of_the_visibility() -> None:
    assert Options(visibility_s=60).beat_s == 20
    assert Options(visibility_s=60, heartbeat_s=5).beat_s == 5


def test_first_seen_survives_renewal_and_redrive() -> None:
    fresh = _message(type="desk.x.v1")
    assert first_seen_ms(fresh) == 1_764_000_000_123
    assert renewed_attributes(fresh) == {"type": "desk.x.v1", "first_seen": "1764000000123"}
    assert first_seen_ms(_message(first_seen="1700000000000")) == 1_700_000_000_000
    assert first_seen_ms(_message(first_seen="٣")) == 1_764_000_000_123


@pytest.mark.parametrize(
    "bad", ["", "00-abc", f"00-{'A' * 32}-{'b' * 16}-01", f"ff-{'a' * 32}-{'b' * 16}-01"]
)
def test_a_malformed_traceparent_is_none(bad: str) -> None:
    assert traceparent(_message(traceparent=bad)) is None


@given(
    st.dictionaries(st.text(max_size=20), st.text(max_size=80), max_size=10),
    st.text(max_size=40),
    st.text(max_size=300),
)
def test_reason_attributes_are_few_filled_and_known(
    attributes: dict[str, str], body: str, detail: str
) -> None:
    found = reason_attributes(_message(body), "bad", Poison("bad", detail), "ingest")
    assert len(found) <= MAX_ATTRIBUTES
    assert set(found) <= {"reason", "error", "service", "first_seen", "raw_id", "type", "traceparent"}
    assert all(found.values())
    assert len(found["error"]) <= 256
    foreign = Message("id", body, "r", 1, 0, attributes)
    assert set(reason_attributes(foreign, "bad", None, "ingest")) <= set(found) | {"type", "traceparent"}


def test_a_foreign_type_is_not_copied() -> None:
    assert "type" not in reason_attributes(_message(type="Juan Pérez +5215512345678"), "bad", None, "ingest")


def test_a_lone_surrogate_in_the_body_still_has_a_raw_id() -> None:
    assert len(reason_attributes(_message("\ud800"), "bad", None, "ingest")["raw_id"]) == 32
