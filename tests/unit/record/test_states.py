from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.record.states import REPORTED, advance, best

STATES = st.sampled_from(sorted({*REPORTED.values(), "queued", "sending", "unsettled"}))


@given(st.lists(STATES, max_size=5))
def test_the_order_of_reports_does_not_matter(reports: list[str]) -> None:
    def end(order: tuple[str, ...]) -> str | None:
        state: str | None = "queued"
        for each in order:
            state = advance(state, each)
        return state

    assert len({end(order) for order in permutations(reports)}) == 1


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        (["failed"], "failed"),
        (["failed", "queued"], "queued"),
        (["unsettled", "delivered"], "delivered"),
        (["cancelled", "refused"], "cancelled"),
        ([], None),
    ],
)
def test_a_message_is_as_far_as_its_furthest_attempt(states: list[str], shown: str | None) -> None:
    assert best(states) == shown


def test_failed_gives_way_to_delivered_and_to_nothing_less() -> None:
    assert advance("failed", "delivered") == "delivered"
    assert advance("failed", "sent") == "failed"
    assert advance("delivered", "failed") == "delivered"


def test_a_cancelled_attempt_that_was_sent_after_all_says_so() -> None:
    assert advance("cancelled", "sent") == "sent"
    assert advance("sent", "warning") == "sent"
