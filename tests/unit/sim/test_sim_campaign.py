"""One integer replays a world; a planted bug makes the command fail, name the integer and the shrunk world."""

import json
import os
import subprocess
import sys

import pytest

from sim.__main__ import main
from sim.campaign import campaign, world
from sim.shrink import shrink

BUG = "failure-to-keep-swallowed"


@pytest.fixture(autouse=True)
def _few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.shrink.MAX_RUNS", 8)


def test_a_seed_is_one_world_in_every_process() -> None:
    (here,) = [world(2)]
    (there,) = list(campaign(2, 1, workers=1))
    assert here == there
    assert here.sound, here.line
    assert here.written > 0


def test_neither_hashes_nor_the_collector_nor_what_ran_before_decides() -> None:
    """Python hashes strings by a number drawn for each process, and ends forgotten generators when it collects."""
    script = "import gc; gc.set_threshold(20, 2, 2); from sim.campaign import world; world(5); print(world(2).digest)"
    run = subprocess.run(  # noqa: S603 - our own fixed command
        [sys.executable, "-c", script],
        capture_output=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
        text=True,
        check=True,
    )
    assert run.stdout.strip() == world(2).digest


def test_a_planted_bug_is_shrunk_to_the_faults_it_needs() -> None:
    report, runs = shrink(2, BUG)
    assert not report.sound
    assert runs > 1
    assert len(report.struck) < len(world(2, bug=BUG).struck)


def test_a_planted_bug_fails_the_command_with_the_integer_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sim", "--seeds", "1", "--first", "2", "--bug", BUG, "--some-cells"])
    assert main() == 1
    said = capsys.readouterr().out
    assert "violation: seed 2, audit: " in said
    assert f"again with: python -m sim --replay 2 --bug {BUG}" in said
    assert "shrunk to " in said
    last = said.splitlines()[-1]
    assert last.startswith("sim: FAILED, commit ")
    assert last.endswith(f"1 violations, with bug {BUG} planted")


def test_cells_that_nobody_visited_fail_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sim", "--seeds", "1", "--first", "2", "--json"])
    assert main() == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[0])
    assert summary["violations"] == []
    assert 0 < summary["cells_visited"] < summary["cells"]


def test_a_replay_shows_every_fault_and_the_digest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sim", "--replay", "2"])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    report = world(2)
    assert len(lines) == len(report.struck) + 1 + len(report.faults)
    assert f"digest {report.digest}" in lines[-1]
