from itertools import permutations

import pytest

from shared.whatsapp.errors import Action, known_codes, retriable, rule, worst
from shared.whatsapp.parts import MetaError
from shared.whatsapp.statuses import rank, supersedes


def settle(words: tuple[str, ...]) -> str | None:
    state: str | None = None
    for word in words:
        state = word if supersedes(word, state) else state
    return state


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("sent", "delivered", "read"), "read"),
        (("sent", "read", "played"), "played"),
        (("sent", "failed"), "failed"),
        (("sent", "failed", "delivered"), "delivered"),
        (("accepted", "sent", "pondered"), "sent"),
    ],
)
def test_the_outcome_does_not_depend_on_the_order(words: tuple[str, ...], outcome: str) -> None:
    assert {settle(order) for order in permutations(words)} == {outcome}


def test_unknown_words_have_no_rank() -> None:
    assert rank("pondered") is None
    assert not supersedes("pondered", None)
    assert supersedes("sent", "pondered")
    assert not supersedes("sent", "sent")


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (131047, Action.OFFER_TEMPLATE),
        (131056, Action.DELAY_RECIPIENT),
        (130429, Action.SLOW_NUMBER),
        (131048, Action.STOP_BULK),
        (131049, Action.WAIT_DAY),
        (131050, Action.OPT_OUT),
        (131026, Action.MARK),
        (368, Action.BREAK_CIRCUIT),
        (131042, Action.ALARM),
        (131053, Action.FIX_MEDIA),
        (131051, Action.SHOW),
        (131000, Action.BACK_OFF),
        (0, Action.STOP),
        (250, Action.STOP),
        (131009, Action.DEAD_LETTER),
        (130472, Action.MARK),
        (132001, Action.DEAD_LETTER),
        (132015, Action.BLOCK_TEMPLATE),
        (132069, Action.BLOCK_FLOW),
        (133010, Action.RUNBOOK),
        (2388293, Action.SHOW_EDITOR),
        ("131047", Action.OFFER_TEMPLATE),
        (999999, Action.PARK),
        ("nonsense", Action.PARK),
        ("9" * 5000, Action.PARK),
        (None, Action.PARK),
    ],
)
def test_what_to_do_about_a_code(code: int | str | None, action: Action) -> None:
    assert rule(code).action is action


def test_every_code_has_a_reason_and_a_remedy_and_only_gentle_ones_are_retried() -> None:
    codes = known_codes()
    assert len(codes) == len(set(codes))
    assert all(rule(code).reason_es and rule(code).remedy_es and rule(code).code == code for code in codes)
    again = {code for code in codes if retriable(rule(code)) and code > 99}
    assert again == {131056, 130429, 80007, 131000, 131016, 131057}
    assert not retriable(rule(999999))


DOCUMENTED = (
    *(
        131047,
        131056,
        130429,
        4,
        80007,
        131048,
        131049,
        131050,
        131026,
        368,
        131031,
        130497,
        131042,
        131053,
        131052,
    ),
    *(
        131051,
        131060,
        131000,
        131016,
        1,
        2,
        131057,
        131005,
        0,
        3,
        10,
        190,
        *range(200, 300),
        131008,
        131009,
        100,
        33,
    ),
    *(
        131021,
        131037,
        131045,
        130472,
        132000,
        132001,
        132005,
        132007,
        132012,
        132015,
        132016,
        132068,
        132069,
        133000,
    ),
    *(
        133004,
        133005,
        133006,
        133008,
        133009,
        133010,
        133016,
        2388019,
        2388040,
        2388047,
        2388072,
        2388073,
        2388293,
    ),
    *(2388299, 131062, 470, 2593109),
)


def test_every_documented_code_is_in_the_table_and_no_other() -> None:
    assert set(known_codes()) == set(DOCUMENTED)


def test_reasons_are_sentences_for_people() -> None:
    for code in known_codes():
        found = rule(code)
        for text in (found.reason_es, found.remedy_es):
            assert text[0].isupper()
            assert not text.endswith(".")
            assert len(text) <= 120
            assert not any(
                char.isdigit() for char in text.replace("100 MB", "").replace("24 h", "").replace("72 h", "")
            )


def test_the_hardest_of_several_errors_decides() -> None:
    found = worst([MetaError(code=131000), MetaError(code=368), MetaError(code=131026)])
    assert found is not None
    assert found.action is Action.BREAK_CIRCUIT
    assert worst([]) is None
