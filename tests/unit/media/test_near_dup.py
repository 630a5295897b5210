"""The measurement of near-duplicates can fail, and on a few drawn pictures it does not."""

from pathlib import Path

import pytest
from PIL import Image

from bench import near_dup
from services.media.decode import picture


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_dup, "DRAWN", 8)


def test_altered_copies_are_recognised_and_different_pictures_are_not() -> None:
    assert near_dup.measure(None, plant=False) == []


def test_an_index_of_whole_pictures_misses_the_crops() -> None:
    assert "recorte de 10 %" in near_dup.measure(None, plant=True)


def test_a_folder_of_pictures_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        near_dup.drawn(100 + number).save(tmp_path / f"{number}.png")
    assert near_dup.measure(tmp_path, plant=False) == []
    assert "3 imágenes" in capsys.readouterr().out


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_a_picture_of_one_tone_has_no_hash(tone: int) -> None:
    assert picture.hashes(Image.new("L", (300, 200), tone)) is None


def test_a_bar_with_words_is_trimmed_away() -> None:
    drawn = near_dup.drawn(7)
    assert abs(picture._trimmed(near_dup._bar(drawn).convert("L")).height - drawn.height) < 12
