"""The judgements of each row, from readings made up here."""

from pathlib import Path

import pytest

from bench import document, plot, report
from bench.figures import Row
from bench.newsroom import WORKERS
from bench.rows import ingest, memory, pipeline, queue
from bench.rows.ingest import Phase
from bench.rows.pipeline import Step
from bench.rows.queue import Drain

META = {"date": "2026-11-24 08:00 UTC", "commit": "abc", "seed": 0, "cores": 2, "memory_gb": 24}


def _figures(row: Row) -> dict[str, float]:
    return {figure.name: figure.value for figure in row.figures}


def _drain(cost: float, missing: int = 0, left: int = 0) -> Drain:
    return Drain(cost, 1000.0, 80.0, missing, 0, left, 1.0)


def test_we_are_ahead_of_the_cheapest_peer_only() -> None:
    row = Row("queue")
    queue.judge(row, {"ours": [_drain(3.0)], "sqs-workers": [_drain(4.0)], "taskiq": [_drain(12.0)]})
    assert _figures(row)["ours / cheapest peer"] == 0.75
    assert row.missed() == []
    assert row.problems() == []


def test_behind_a_peer_or_over_the_bar_is_missed() -> None:
    row = Row("queue")
    queue.judge(row, {"ours": [_drain(4.6)], "sqs-workers": [_drain(4.0)], "taskiq": [_drain(12.0)]})
    assert [figure.name for figure in row.missed()] == ["ours: CPU per 10,000", "ours / cheapest peer"]


@pytest.mark.parametrize("bad", [_drain(3.0, missing=1), _drain(3.0, left=1)])
def test_a_message_missing_or_left_voids_the_queue_row(bad: Drain) -> None:
    row = Row("queue")
    queue.judge(row, {"ours": [bad], "sqs-workers": [_drain(4.0)]})
    assert row.problems()


def test_own_work_is_without_the_idling_and_is_what_the_bar_judges() -> None:
    row = Row("ingest")
    cpu = dict.fromkeys(WORKERS, 1.0)
    idle = dict.fromkeys(WORKERS, 0.02)
    ingest.judge(row, {"text": Phase(100, 10.0, cpu)}, idle, 10)
    assert _figures(row)["ingest: all it spent a text"] == pytest.approx(10.0)
    assert _figures(row)["ingest: own work a text"] == pytest.approx(8.0)
    assert _figures(row)["desk: idle"] == pytest.approx(20.0)
    assert row.counts["texts"] == 100
    assert row.missed() == []
    ingest.judge(row, {"text": Phase(100, 10.0, dict.fromkeys(WORKERS, 1.3))}, idle, 10)
    assert [figure.name for figure in row.missed()] == ["ingest: own work a text"]


def test_the_hold_is_taken_off_forwarding_alone() -> None:
    row = Row("pipeline")
    seen = {"a": 1100.0, "b": 1150.0}
    pipeline.judge(row, {"a": 500.0, "b": 600.0}, {"persisted": seen, "forwarded": seen, "searchable": seen})
    assert _figures(row) == {
        "publish to persisted, p99": 600.0,
        "publish to forwarded beyond the hold, p99": 100.0,
        "publish to searchable, p99": 600.0,
    }
    assert [figure.name for figure in row.missed()] == ["publish to persisted, p99"]


def test_a_message_never_seen_voids_the_pipeline_row() -> None:
    row = Row("pipeline")
    pipeline.judge(row, {"a": 1.0, "b": 2.0}, {"persisted": {"a": 3.0}})
    assert row.problems() == ["1 never seen persisted"]


@pytest.mark.parametrize(("through", "saturated"), [(19.0, False), (16.0, False), (15.0, True)])
def test_a_step_saturates_below_four_fifths(through: float, saturated: bool) -> None:  # noqa: FBT001 - a table
    assert Step(20.0, 20.0, through, {"ingest": 0.4}).saturated is saturated


def test_the_end_of_the_ramp_names_who_was_busiest_and_who_of_ours() -> None:
    row = Row("pipeline")
    cores = {"ministack": 0.9, "forwarder": 0.5, "ingest": 0.3}
    pipeline.saturation(row, [Step(20, 20, 20, {"ministack": 0.4, "forwarder": 0.3, "ingest": 0.2})])
    pipeline.saturation(row, [Step(20, 20, 20, cores), Step(40, 40, 25, cores)])
    names = [figure.name for figure in row.figures]
    assert "not saturated" in row.figures[0].note
    assert names[3:] == [
        "most forwarded in a ramp step",
        "busiest at the end of the ramp: ministack",
        "busiest of our own: forwarder",
    ]
    assert row.figures[3].value == 25


def test_growth_is_that_of_the_second_half() -> None:
    row = Row("memory")
    grown = [(n * 100.0, 80.0 + n) for n in range(11)]
    settled = [(n * 100.0, 119.0 if n > 4 else 60.0) for n in range(11)]
    memory.judge(row, {"ingest": grown, "desk": settled, "media": [(0.0, 300.0), (1000.0, 300.0)]})
    found = _figures(row)
    assert found["ingest: growth in the second half"] == pytest.approx(5.0)
    assert found["desk: growth in the second half"] == pytest.approx(0.0)
    assert [figure.name for figure in row.missed()] == ["ingest: growth in the second half"]


def _whole() -> list[Row]:
    rows = [Row(name, counts={"n": 1}, audit="audit: 1 written, 0 lost") for name in report_names()]
    queue.judge(rows[0], {"ours": [_drain(3.0)], "sqs-workers": [_drain(4.0)]})
    ingest.judge(
        rows[1], {"text": Phase(9, 1.0, dict.fromkeys(WORKERS, 1.0))}, dict.fromkeys(WORKERS, 0.1), 9
    )
    times = {"persisted": {"a": 9.0}, "forwarded": {"a": 510.0}, "searchable": {"a": 700.0}}
    pipeline.judge(rows[2], {"a": 1.0}, times)
    pipeline.saturation(rows[2], [Step(20, 20, 20, {"ministack": 0.4, "ingest": 0.2})])
    memory.judge(rows[3], {"ingest": [(0.0, 80.0), (10.0, 80.0)]})
    return rows


def report_names() -> tuple[str, ...]:
    return ("queue", "ingest", "pipeline", "memory")


def test_a_row_comes_back_from_its_json() -> None:
    for row in _whole():
        assert report.from_json(report.to_json(row, META)) == (row, META)


def test_the_page_gets_every_row_and_keeps_its_words(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.md", tmp_path / "img" / "bench-rows.png"
    page.write_text(f"antes\n{document.BEGIN}\nviejo\n{document.END}\ndespués\n", "utf-8")
    document.update([(row, META) for row in _whole()], page, picture)
    text = page.read_text("utf-8")
    assert text.startswith("antes\n")
    assert text.endswith("después\n")
    assert "viejo" not in text
    assert all(f"### {name}" in text for name in report_names())
    assert "| ours: CPU per 10,000 | 3.00 CPU s | <= 4.5 | met |" in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_page_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("sin marcas", "utf-8")
    with pytest.raises(ValueError, match="measured: begin"):
        document.update([], page, tmp_path / "x.png")
    assert page.read_text("utf-8") == "sin marcas"


def test_a_void_row_has_no_picture(tmp_path: Path) -> None:
    plot.draw([Row("ingest", voids=["stopped"])], tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_voided_row_says_so_in_its_closing() -> None:
    row = Row("queue", counts={"messages": 0}, voids=["2 missing"], audit="2 missing")
    assert report.closing(row).endswith("VOID: 2 missing; messages is 0")


def test_the_memory_row_says_how_far_it_is_and_who_is_largest() -> None:
    curves = {"ingest": [(500.0, 90.0)], "desk": [(500.0, 110.0)], "media": [(500.0, 300.0)]}
    told = memory._progress(curves, 2000, 50.0)
    assert told == "500 de / of 2,000, 10/s, faltan / left 2 min, desk 110 MB"
