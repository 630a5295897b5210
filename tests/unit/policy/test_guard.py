"""The one guard in front of WhatsApp, and its buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.bucket import NUMBER, PAIR, Bucket
from shared.policy.guard import (
    OPT_OUT,
    REFUSALS,
    RESTRICTED,
    TEMPLATE,
    WINDOW,
    Allow,
    Kind,
    State,
    Wait,
    guard,
)
from shared.policy.state import opted_out
from shared.store.port import Item

NOW = 1_764_000_000_000
OPEN = NOW + 1


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        ("free", State(window_ends_at=OPEN, opted_out="all"), OPT_OUT),
        ("template", State(window_ends_at=OPEN, opted_out="marketing"), OPT_OUT),
        ("free", State(opted_out="marketing"), WINDOW),
        ("free", State(), WINDOW),
        ("free", State(window_ends_at=NOW), WINDOW),
        ("free", State(window_ends_at=OPEN, breaker_open=True), Wait("breaker", NOW + 30_000)),
        ("template", State(template_unusable=True, breaker_open=True), TEMPLATE),
        ("template", State(templates_restricted=True), RESTRICTED),
        (
            "free",
            State(window_ends_at=OPEN, template_unusable=True, templates_restricted=True),
            Allow(NOW * 1000 + 6_000_000, NOW * 1000 + 16_667),
        ),
        ("free", State(window_ends_at=OPEN), Allow(NOW * 1000 + 6_000_000, NOW * 1000 + 16_667)),
        ("template", State(), Allow(NOW * 1000 + 6_000_000, NOW * 1000 + 16_667)),
        ("signal", State(opted_out="all"), Allow(NOW * 1000 + 6_000_000, NOW * 1000 + 16_667)),
    ],
)
def test_the_guard_decides(kind: Kind, state: State, expected: object) -> None:
    assert guard(kind, state, NOW) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, ""),
        ({"state": "stop", "ts": 10}, "marketing"),
        ({"state": "resume", "ts": 10}, ""),
        ({"stopped_at": 9_000}, "marketing"),
        ({"stopped_at": 9_000, "state": "resume", "ts": 10}, ""),
        ({"stopped_at": 11_000, "state": "resume", "ts": 10}, "marketing"),
        ({"opted_out": "all", "state": "resume", "ts": 10}, "all"),
        ({"opted_out": "all", "stopped_at": 9_000}, "all"),
        ({"opted_out": "", "state": "resume", "ts": 10}, ""),
    ],
)
def test_the_later_word_on_marketing_counts_and_the_desks_word_on_all(item: Item, expected: str) -> None:
    assert opted_out(item) == expected


def test_every_refusal_names_its_remedy_in_spanish() -> None:
    assert set(REFUSALS) == {"opt_out", "window", "template_unusable", "restricted"}
    assert all(refusal.reason_es and refusal.remedy_es for refusal in REFUSALS.values())


def _spend(count: int) -> State:
    state = State(window_ends_at=OPEN)
    for _ in range(count):
        verdict = guard("free", state, NOW)
        assert isinstance(verdict, Allow)
        state = State(OPEN, pair_tat_us=verdict.pair_tat_us)
    return state


def test_the_45th_message_to_one_person_waits_six_seconds() -> None:
    verdict = guard("free", _spend(44), NOW)
    assert verdict == Wait("pair_rate", NOW + 6_000)


def test_the_11th_message_of_a_number_at_once_waits_for_its_throughput() -> None:
    tat: int | None = None
    for _ in range(10):
        tat = NUMBER.take(tat, NOW * 1000)
    assert guard("free", State(OPEN, number_tat_us=tat), NOW) == Wait("throughput", NOW + 17)


@given(
    bucket=st.sampled_from([PAIR, NUMBER, Bucket(1_000, 3)]),
    gaps=st.lists(st.integers(0, 10_000_000), max_size=200),
)
def test_no_window_of_time_ever_holds_more_than_the_rate(bucket: Bucket, gaps: list[int]) -> None:
    """Whatever the pattern of asking: in any span at most burst + span / interval tokens are taken."""
    now, tat = NOW * 1000, None
    taken: list[int] = []
    for gap in gaps:
        now += gap
        after = bucket.take(tat, now)
        if after is None:
            assert bucket.free_at_us(tat) > now
        else:
            tat = after
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last] - taken[first]
            assert last - first + 1 <= bucket.burst + span // bucket.interval_us
