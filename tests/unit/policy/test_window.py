import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.window import DAY_MS, OPENING_TYPES, free_entry_ends_at, opens_window, window_ends_at

TIMES = st.integers(0, 4_000_000_000)


@pytest.mark.parametrize("kind", ["text", "image", "audio", "location", "button", "request_welcome"])
def test_what_a_customer_sends_opens_the_window(kind: str) -> None:
    assert opens_window(kind, direction="in", source="live")
    assert opens_window(kind, direction="in", source="replay")


@pytest.mark.parametrize(
    "kind", ["system", "reaction", "edit", "revoke", "unsupported", "unknown", "brand_new"]
)
def test_what_nobody_sent_on_purpose_does_not(kind: str) -> None:
    assert not opens_window(kind, direction="in", source="live")


@given(st.sampled_from(sorted(OPENING_TYPES)))
def test_neither_an_import_nor_what_we_sent_opens_it(kind: str) -> None:
    assert not opens_window(kind, direction="in", source="import")
    assert not opens_window(kind, direction="out", source="live")


@given(ts=TIMES, arrival=TIMES)
def test_it_ends_a_minute_before_a_day_after_the_earlier_time(ts: int, arrival: int) -> None:
    assert window_ends_at(ts, arrival * 1000) == min(ts, arrival) * 1000 + 86_400_000 - 60_000
    assert window_ends_at(None, arrival * 1000) == arrival * 1000 + 86_340_000


@given(ts=TIMES, arrival=TIMES)
def test_a_free_entry_point_never_outlives_three_days(ts: int, arrival: int) -> None:
    assert free_entry_ends_at(ts, arrival * 1000) - window_ends_at(ts, arrival * 1000) == 2 * DAY_MS
