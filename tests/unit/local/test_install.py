"""An installation is whole or made again; a damaged download is named, removed and fetched anew."""

import errno
from pathlib import Path

import pytest

from local import install, trouble
from local.engines import maven


def _build(folder: Path) -> None:
    (folder / "jar").write_bytes(b"x" * 100)


def test_it_is_built_once(tmp_path: Path) -> None:
    assert install.ensure(tmp_path / "a", "r1", _build)
    assert not install.ensure(tmp_path / "a", "r1", _build)


def test_another_recipe_builds_again(tmp_path: Path) -> None:
    install.ensure(tmp_path / "a", "r1", _build)
    assert install.ensure(tmp_path / "a", "r2", _build)


@pytest.mark.parametrize("damage", ["truncated", "missing", "unsealed"])
def test_half_an_installation_is_made_again(tmp_path: Path, damage: str) -> None:
    target = tmp_path / "a"
    install.ensure(target, "r1", _build)
    if damage == "truncated":
        (target / "jar").write_bytes(b"x")
    elif damage == "missing":
        (target / "jar").unlink()
    else:
        (target / "cdmx-seal.json").write_text("{")
    said: list[str] = []
    assert install.ensure(target, "r1", _build, said.append)
    assert "half installation" in said[0]
    assert (target / "jar").stat().st_size == 100


def test_an_interrupted_build_leaves_nothing_that_counts(tmp_path: Path) -> None:
    def stops(folder: Path) -> None:
        _build(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.ensure(tmp_path / "a", "r1", stops)
    assert not (tmp_path / "a").exists()
    assert install.ensure(tmp_path / "a", "r1", _build)


def test_no_room_is_said_as_such(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(trouble.Trouble, match="Disco lleno") as caught:
        install.ensure(tmp_path / "a", "r1", full)
    assert caught.value.kind == "disk"


def test_a_damaged_file_is_removed_from_the_repository(tmp_path: Path) -> None:
    repository = tmp_path / "m2"
    kept, broken = repository / "a" / "good-1.jar", repository / "b" / "bad-1.jar"
    for path in (kept, broken):
        path.parent.mkdir(parents=True)
        path.write_bytes(path.name.encode())
    pins = {kept.name: maven.sha256(kept), broken.name: "0" * 64}
    with pytest.raises(trouble.Trouble, match=r"bad-1\.jar") as caught:
        maven._verify([kept, broken], repository, pins)
    assert caught.value.kind == "download"
    assert kept.exists()
    assert not broken.exists()


def test_a_file_nobody_pinned_is_refused(tmp_path: Path) -> None:
    stray = tmp_path / "m2" / "stray.jar"
    stray.parent.mkdir()
    stray.write_bytes(b"?")
    with pytest.raises(trouble.Trouble, match=r"stray\.jar"):
        maven._verify([stray], stray.parent, {})


def test_every_pin_is_a_digest_and_a_name() -> None:
    pins = maven.pinned()
    assert len(pins) > 150
    assert all(len(digest) == 64 for digest in pins.values())


def test_a_missing_tool_says_what_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(trouble.Trouble, match="nada funciona") as caught:
        install.need("no-such-program", ("nada funciona", "nothing works"), "some-package")
    assert "apt-get install some-package" in str(caught.value)
    assert caught.value.kind == "tool"


def test_a_failed_tool_shows_its_last_words() -> None:
    with pytest.raises(trouble.Trouble, match="could not resolve"):
        install.run(["sh", "-c", "echo could not resolve; exit 3"])


def test_a_tool_without_room_is_a_full_disk() -> None:
    with pytest.raises(trouble.Trouble) as caught:
        install.run(["sh", "-c", "echo write: No space left on device; exit 1"])
    assert caught.value.kind == "disk"
