"""The fidelity check itself: it passes on what is documented, and fails where it must."""

import json
from pathlib import Path

import pytest

from tests.conformance import twin_fidelity


@pytest.fixture(scope="module")
def made() -> set[tuple[str, str]]:
    return twin_fidelity.emitted(1)[1]


def _folder(tmp_path: Path, leaves: set[tuple[str, str]]) -> Path:
    """A folder whose one sample is an entry with these paths only."""
    body = {"type": "text", "text": {"body": "x"}}
    value = {"messages": [body]} if ("entry.messages.messages[].text.body", "string") in leaves else {}
    (tmp_path / "one.json").write_text(
        json.dumps({"id": "1", "changes": [{"field": "messages", "value": value}]})
    )
    return tmp_path


def test_leaves_name_path_and_type() -> None:
    found = set(twin_fidelity.leaves({"a": [{"b": 1}, {"b": None}], "c": [], "d": True}, "x"))
    assert found == {("x.a[].b", "number"), ("x.a[].b", "null"), ("x.c", "array"), ("x.d", "boolean")}


def test_every_table_row_is_really_emitted(made: set[tuple[str, str]]) -> None:
    assert {(path, kind) for path, (kind, _) in twin_fidelity.DOCUMENTED.items()} <= made
    assert all(page.startswith("https://") for _, page in twin_fidelity.DOCUMENTED.values())


def test_a_folder_without_the_paths_fails(
    tmp_path: Path, made: set[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert twin_fidelity.main(["--samples", str(_folder(tmp_path, made))]) == 1
    told = capsys.readouterr().out
    assert "unknown: entry.messages.statuses[].status: string" in told
    assert "unknown: entry.messages.messages[].text.body" not in told


def test_an_empty_folder_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert twin_fidelity.main(["--samples", str(tmp_path)]) == 1
    assert "0 sample files" in capsys.readouterr().out


def test_the_plant_is_found(
    tmp_path: Path,
    made: set[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    documented = {(path, kind) for path, (kind, _) in twin_fidelity.DOCUMENTED.items()}
    monkeypatch.setattr(twin_fidelity, "sampled", lambda folder: (1, made - documented))
    assert twin_fidelity.main(["--samples", str(tmp_path)]) == 0
    assert twin_fidelity.main(["--samples", str(tmp_path), "--plant"]) == 1
    assert "unknown: entry.messages.messages[].text.planted: string" in capsys.readouterr().out
