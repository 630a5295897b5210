"""The table of hostile files plays with every test run, but for those that take seconds; `make hostile-files` plays all."""

import pytest

from shared.media.outcomes import OUTCOMES
from tests.faults.hostile.__main__ import run
from tests.faults.hostile.cases import CASES


def test_every_hostile_file_ends_as_stated() -> None:
    assert run([case for case in CASES if not case.slow]) == []


def test_a_blind_scanner_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    infected = [case for case in CASES if case.reason == "infected"]
    assert run(infected, plant=True) == [case.name for case in infected]
    assert "expected quarantined infected" in capsys.readouterr().out


def test_the_table_covers_every_outcome() -> None:
    waits = {"throttled": "media_throttled", "unavailable": "media_unavailable"}
    waits["scanner_down"] = "ScannerUnavailableError"
    stated = {case.reason for case in CASES}
    assert {waits.get(code, code) for code in OUTCOMES} <= stated
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
