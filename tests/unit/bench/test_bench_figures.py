import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Row, latencies, percentile, second_half, slope, spread, verdict

_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(_NUMBERS, st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_leaves_its_share_below(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_percentiles_of_a_hundred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert math.isnan(percentile([], 0.5))


@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(2, 30))
def test_the_slope_of_a_line_is_the_lines(rise: float, start: float, count: int) -> None:
    assert slope([(float(x), start + rise * x) for x in range(count)]) == pytest.approx(rise, abs=1e-6)


def test_a_slope_of_one_place_is_flat() -> None:
    assert slope([(3.0, 1.0), (3.0, 9.0)]) == 0.0
    assert math.isnan(slope([]))


def test_the_second_half_goes_by_x() -> None:
    assert second_half([(0, 1), (1, 2), (9, 3), (10, 4)]) == [(9, 3), (10, 4)]
    assert second_half([]) == []


def test_repetitions_are_judged_by_their_median_and_all_shown() -> None:
    found = spread("x", [3.0, 1.0, 9.0], "s", 2.9)
    assert (found.value, found.missed) == (3.0, True)
    assert found.note == "repetitions: 3.00, 1.00, 9.00"
    assert spread("x", [], "s", 5.0).missed


@pytest.mark.parametrize(("value", "missed"), [(4.5, False), (4.51, True), (math.nan, True)])
def test_a_bar_is_at_most(value: float, missed: bool) -> None:  # noqa: FBT001 - the table's column
    assert Figure("x", value, "s", 4.5).missed is missed


def test_latencies_are_of_those_seen() -> None:
    assert latencies({"a": 1, "b": 2}, {"a": 5, "c": 9}) == [4]


def _row(value: float = 1.0, **counts: int) -> Row:
    return Row("r", [Figure("cost", value, "s", 2.0)], counts or {"n": 1})


def test_all_bars_met_is_zero() -> None:
    assert verdict([_row()]) == ("bench: 1 rows, 1 of 1 bars met", 0)


def test_a_missed_bar_is_named_and_is_two() -> None:
    assert verdict([_row(), _row(3.0)]) == ("bench: 2 rows, 1 of 2 bars met, missed: cost", 2)


def test_a_count_of_zero_is_void_whatever_the_figures_say() -> None:
    line, code = verdict([_row(n=0)])
    assert code == 1
    assert line.endswith("VOID: r")


def test_a_voided_row_outweighs_a_missed_bar() -> None:
    row = _row(3.0)
    row.voids.append("2 lost")
    assert verdict([row])[1] == 1
    assert row.problems() == ["2 lost"]


@pytest.mark.parametrize("rows", [[], [Row("r", [Figure("x", 1, "s")], {"n": 1})]])
def test_nothing_judged_is_no_success(rows: list[Row]) -> None:
    assert verdict(rows)[1] == 1
