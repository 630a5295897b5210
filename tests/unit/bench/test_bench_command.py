"""What the command names and how much it measures."""

import subprocess
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.rows import memory


def test_memory_alone_is_measured_over_all_that_its_bar_speaks_of() -> None:
    assert command._flood("memory") == memory.FULL == 20_000
    assert command._flood("queue,ingest,pipeline,memory") == memory.SHORT < memory.FULL


def test_a_commit_is_dirty_only_where_a_measured_file_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    for name in ("shared", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("one")
    for words in (["init", "-q"], ["add", "."], _commit()):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)  # noqa: S603, S607 - our own words, git as found
    clean = command._commit()
    (tmp_path / "docs" / "file").write_text("two")
    assert command._commit() == clean
    (tmp_path / "shared" / "file").write_text("two")
    assert command._commit() == f"{clean}-dirty"


def _commit() -> list[str]:
    return ["-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-q", "-m", "first"]
