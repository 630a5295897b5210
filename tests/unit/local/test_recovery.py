"""Whether the emulator saved is read from its files, and only a whole save counts."""

import os
from pathlib import Path

import pytest

from local import recovery


def _saved(folder: Path, at_ns: int) -> None:
    (folder / "state").mkdir(exist_ok=True)
    for name in recovery._KEPT:
        file = folder / "state" / f"{name}.json"
        file.write_text("{}")
        os.utime(file, ns=(at_ns, at_ns))


def _began(folder: Path) -> int:
    recovery.mark_running(folder)
    return (folder / "running").stat().st_mtime_ns


def test_a_first_start_lost_nothing(tmp_path: Path) -> None:
    assert not recovery.forget_unsaved(tmp_path)


def test_a_whole_save_is_kept(tmp_path: Path) -> None:
    _saved(tmp_path, _began(tmp_path) + 1)
    assert not recovery.forget_unsaved(tmp_path)
    assert (tmp_path / "state" / "sqs.json").exists()


def test_an_older_state_is_dropped(tmp_path: Path) -> None:
    _saved(tmp_path, _began(tmp_path) - 1)
    assert recovery.forget_unsaved(tmp_path)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", recovery._KEPT)
def test_one_file_that_was_not_written_spoils_the_save(tmp_path: Path, name: str) -> None:
    _saved(tmp_path, _began(tmp_path) + 1)
    (tmp_path / "state" / f"{name}.json").unlink()
    assert recovery.forget_unsaved(tmp_path)
