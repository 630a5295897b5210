"""Over budget the work waits, the message is kept, a person is told once."""

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import Ids
from shared.policy.budget import DAY_MS, KINDS, Kind, Over, Spend, State, spend, text_es
from shared.policy.spending import Deferred, Spending
from shared.store.memory import MemoryStore
from shared.store.port import Put
from tests.unit.record.world import NOON_MS, FixedClock


def spending_over(store: MemoryStore, clock: FixedClock) -> Spending:
    tokens = itertools.count()
    return Spending(store, clock, Ids(clock, lambda size: next(tokens).to_bytes(size)), "media")


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
    spending = spending_over(store, clock)
    works = itertools.count()

    async def take(kind: Kind, contact_id: str, amount: int, conversation_id: str = "") -> Deferred | None:
        return await spending.take(kind, contact_id, amount, f"i_{next(works)}#0", conversation_id)

    await store.write(Put("config", {"pk": "budget", "sk": "ocr_pages", "amount": 3}))
    assert [await take("ocr_pages", "p_1", 1, "c_1") for _ in range(3)] == [None, None, None]
    over = await take("ocr_pages", "p_1", 1, "c_1")
    assert isinstance(over, Deferred)
    (told,) = over.alerts
    assert (told.data.name, told.subject) == ("budget_ocr_pages", "c_1")
    assert [op.pk for op in over.owed] == ["media"]  # published later, should nobody live to publish it now
    assert over.until_ms == NOON_MS + DAY_MS
    assert await take("ocr_pages", "p_1", 1, "c_1") == Deferred(over.until_ms)
    assert await take("ocr_pages", "p_2", 1) is None
    assert await take("transcription_s", "p_1", 60) is None
    clock.ms = over.until_ms
    assert await take("ocr_pages", "p_1", 1) is None


async def test_many_at_once_take_no_more_than_there_is() -> None:
    store = MemoryStore()
    await store.write(Put("config", {"pk": "budget", "sk": "connect_messages", "amount": 5}))
    spending = spending_over(store, FixedClock())
    answers = await asyncio.gather(
        *(spending.take("connect_messages", "p_1", 1, f"i_{n}") for n in range(12))
    )
    assert answers.count(None) == 5
    assert sum(each is not None and bool(each.alerts) for each in answers) == 1


async def test_a_piece_of_work_is_paid_for_once_however_often_it_is_begun() -> None:
    store, clock = MemoryStore(), FixedClock()
    await store.write(Put("config", {"pk": "budget", "sk": "media_bytes", "amount": 10}))
    spending = spending_over(store, clock)
    again = [await spending.take("media_bytes", "p_1", 10, "i_1#0") for _ in range(5)]
    assert again == [None] * 5
    assert isinstance(await spending.take("media_bytes", "p_1", 1, "i_2#0"), Deferred)
    paid = await store.get("ids", "paid#media_bytes#i_1#0")
    assert paid is not None
    assert paid["ttl"] * 1000 > clock.now_ms() + 7 * DAY_MS


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50), st.integers(0, DAY_MS)), max_size=25),
    st.integers(1, 100),
)
def test_whatever_comes_again_and_again_each_work_costs_once_and_nothing_is_dropped(
    drawn: list[tuple[int, int, int]], limit: int
) -> None:
    """Works come several times, as after crashes and retries, until each is done; windows keep to their budget."""

    async def run() -> None:
        store, clock = MemoryStore(), FixedClock()
        await store.write(Put("config", {"pk": "budget", "sk": "ocr_pages", "amount": limit}))
        spending = spending_over(store, clock)
        amounts = {work: amount for work, amount, _ in drawn}
        done: dict[int, None] = {}
        for work, _, later in drawn:
            clock.ms += later
            if await spending.take("ocr_pages", "p_1", amounts[work], f"i_{work}") is None:
                done[work] = None
        state = await store.get("policy", "BUDGET#ocr_pages#p_1")
        assert (state or {"used": 0})["used"] <= max([limit, *amounts.values()])
        for work, amount in amounts.items():
            while (over := await spending.take("ocr_pages", "p_1", amount, f"i_{work}")) is not None:
                assert over.until_ms > clock.ms
                clock.ms = over.until_ms
            done[work] = None
        marks = [key for key in amounts if await store.get("ids", f"paid#ocr_pages#i_{key}")]
        assert sorted(marks) == sorted(done) == sorted(amounts)

    asyncio.run(run())
