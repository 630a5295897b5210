"""Over budget the work waits, the message is kept, a person is told once."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.policy.budget import DAY_MS, KINDS, Over, Spend, State, spend, text_es
from shared.policy.spending import Deferred, Spending
from shared.store.memory import MemoryStore
from shared.store.port import Put
from tests.unit.record.world import NOON_MS, FixedClock

works = st.lists(st.tuples(st.integers(0, 3 * DAY_MS), st.integers(1, 120)), max_size=40)


@given(works, st.integers(1, 300))
def test_a_window_never_costs_more_than_its_budget_and_one_piece(
    drawn: list[tuple[int, int]], limit: int
) -> None:
    state, spent, told = State(), dict[int, list[int]](), dict[int, int]()
    for at, amount in sorted(drawn):
        verdict = spend(state, amount, limit, NOON_MS + at)
        state = verdict.state
        if isinstance(verdict, Spend):
            spent.setdefault(state.since_ms, []).append(amount)
        else:
            assert verdict.until_ms == state.since_ms + DAY_MS
            told[state.since_ms] = told.get(state.since_ms, 0) + verdict.tell
    for since, amounts in spent.items():
        assert sum(amounts) <= max(limit, amounts[0])
        assert told.get(since, 1) == 1


def test_what_waits_goes_once_the_window_is_over() -> None:
    first = spend(State(), 100, 100, NOON_MS)
    assert isinstance(first, Spend)
    over = spend(first.state, 1, 100, NOON_MS + 5)
    assert isinstance(over, Over)
    assert isinstance(spend(over.state, 1, 100, over.until_ms), Spend)
    assert isinstance(spend(over.state, 1, 100, over.until_ms - 1), Over)


def test_the_words_say_that_nothing_is_lost() -> None:
    assert all("guardado" in text_es(kind) for kind in KINDS)


async def test_state_limit_and_alert_lie_in_the_tables() -> None:
    store, clock = MemoryStore(), FixedClock()
    spending = Spending(store, clock)
    await store.write(Put("config", {"pk": "budget", "sk": "ocr_pages", "amount": 3}))
    assert [await spending.take("ocr_pages", "p_1", 1, "c_1") for _ in range(3)] == [None, None, None]
    over = await spending.take("ocr_pages", "p_1", 1, "c_1")
    assert isinstance(over, Deferred)
    assert over.alert is not None
    assert (over.alert.data.name, over.alert.subject) == ("budget_ocr_pages", "c_1")
    assert over.until_ms == NOON_MS + DAY_MS
    assert await spending.take("ocr_pages", "p_1", 1, "c_1") == Deferred(over.until_ms)
    assert await spending.take("ocr_pages", "p_2", 1) is None
    assert await spending.take("transcription_s", "p_1", 60) is None
    clock.ms = over.until_ms
    assert await spending.take("ocr_pages", "p_1", 1) is None


async def test_many_at_once_take_no_more_than_there_is() -> None:
    store = MemoryStore()
    await store.write(Put("config", {"pk": "budget", "sk": "connect_messages", "amount": 5}))
    spending = Spending(store, FixedClock())
    answers = await asyncio.gather(*(spending.take("connect_messages", "p_1", 1) for _ in range(12)))
    assert answers.count(None) == 5
    assert sum(each is not None and each.alert is not None for each in answers) == 1
