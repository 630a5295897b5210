"""`make near-dup`: how many altered copies of a picture are recognised, and how many different pictures are taken for one.

The worker's own hashes (services/media/decode/picture.py) and threshold (shared/media/likeness.py). Without a folder
the pictures are drawn here, so that the command needs nothing; with `PICTURES=folder` they are yours. Exit 1 where a
figure is below its floor; `--plant` shrinks the index to the whole picture alone, and the crops must then be missed.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from services.media.decode import picture
from services.media.ports import Hashes
from shared.media.likeness import NEAR, nearest

DRAWN = 47
_SIDE = 640
_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
Alter = Callable[[Image.Image], Image.Image]


def _jpeg(quality: int, side: int) -> Alter:
    def alter(given: Image.Image) -> Image.Image:
        made = given.copy()
        made.thumbnail((side, side))
        out = io.BytesIO()
        made.save(out, "JPEG", quality=quality)
        return Image.open(io.BytesIO(out.getvalue())).convert("RGB")

    return alter


def _five_times(given: Image.Image) -> Image.Image:
    """As a picture looks that went through five chats."""
    for quality in (80, 75, 70, 75, 65):
        given = _jpeg(quality, 1600)(given)
    return given


def _crop(part: float) -> Alter:
    def alter(given: Image.Image) -> Image.Image:
        width, height = given.size
        across, down = round(width * part), round(height * part)
        return given.crop((across, down, width - across, height - down))

    return alter


def _bar(given: Image.Image) -> Image.Image:
    """A white bar with words over the picture, as memes have."""
    width, height = given.size
    made = Image.new("RGB", (width, round(height * 1.15)), "white")
    made.paste(given, (0, made.height - height))
    ImageDraw.Draw(made).text((10, 10), "MIREN LO QUE PASO HOY EN EL CENTRO", fill="black")
    return made


# Alteration -> how, and the recall it must reach; 0 = said, and not promised.
ALTERED: dict[str, tuple[Alter, float]] = {
    "recomprimida x 5": (_five_times, 0.99),
    "miniatura de 320": (_jpeg(70, 320), 0.99),
    "recorte de 5 %": (_crop(0.05), 0.99),
    "recorte de 7 %": (_crop(0.07), 0.95),
    "recorte de 10 %": (_crop(0.10), 0.99),
    "espejo": (ImageOps.mirror, 0.99),
    "barra de texto": (_bar, 0.40),
    "girada 90°": (lambda given: given.rotate(90, expand=True), 0.0),
}
MOST_FALSE = 0.002  # of all pairs of different pictures


def drawn(number: int) -> Image.Image:
    """A picture with large forms, small ones and grain, a function of its number."""
    rng = np.random.default_rng(number)
    field = np.zeros((_SIDE, _SIDE, 3))
    for octave in (2, 4, 8, 16, 32, 64):
        noise = Image.fromarray((rng.random((octave, octave, 3)) * 255).astype(np.uint8))
        field += (
            np.asarray(noise.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), dtype=np.float64) / octave**0.8
        )
    field = (field - field.min()) / (field.max() - field.min()) * 255
    made = Image.fromarray(field.astype(np.uint8))
    draw = ImageDraw.Draw(made)
    for _ in range(8):
        x, y, w, h = (int(each) for each in rng.integers(0, _SIDE, 4))
        colour = tuple(int(each) for each in rng.integers(0, 255, 3))
        draw.ellipse((x, y, x + w // 3 + 8, y + h // 3 + 8), fill=colour)
    return made


def pictures(folder: Path | None) -> Iterator[Image.Image]:
    """Those of a folder, else drawn ones."""
    if folder is None:
        yield from (drawn(number) for number in range(DRAWN))
        return
    for path in sorted(
        each for each in folder.rglob("*") if each.suffix.lower() in _ENDINGS and each.is_file()
    ):
        with Image.open(path) as given:
            made = given.convert("RGB")
            made.thumbnail((2048, 2048))
            yield made


def hashes(given: Image.Image, *, whole_only: bool = False) -> Hashes | None:
    """As the worker makes them."""
    shrunk = given.copy()
    shrunk.thumbnail((picture.SHRUNK, picture.SHRUNK), Image.Resampling.LANCZOS)
    found = picture.hashes(shrunk.convert("L"))
    if found is None:
        return None
    index, query = ([int(word, 16) for word in found[name]] for name in ("index", "query"))
    return Hashes(index[:1] if whole_only else index, query)


def recalls(given: Sequence[Image.Image], kept: Sequence[Hashes]) -> dict[str, float]:
    """For each alteration, the part of the pictures whose altered copy is near them."""
    found = {}
    for name, (alter, _) in ALTERED.items():
        near = [
            altered is not None and nearest(altered.query, each.index) <= NEAR
            for one, each in zip(given, kept, strict=True)
            for altered in [hashes(alter(one))]
        ]
        found[name] = sum(near) / len(near)
    return found


def false_pairs(kept: Sequence[Hashes]) -> tuple[int, int]:
    """Ordered pairs of different pictures that are taken for one, of how many."""
    near = sum(
        (nearest(one.query, other.index) <= NEAR) + (nearest(other.query, one.index) <= NEAR)
        for one, other in combinations(kept, 2)
    )
    return near, len(kept) * (len(kept) - 1)


def measure(folder: Path | None, *, plant: bool) -> list[str]:
    """Print the table; what is below its floor."""
    began = time.perf_counter()
    both = [
        (each, hashed) for each in pictures(folder) if (hashed := hashes(each, whole_only=plant)) is not None
    ]
    given, kept = [each for each, _ in both], [each for _, each in both]
    source = folder.name if folder else "dibujadas aquí / drawn here"
    print(f"{len(given)} imágenes / pictures ({source}), umbral / threshold {NEAR} de 64 bits")
    wrong = []
    for name, recall in recalls(given, kept).items():
        floor = ALTERED[name][1]
        wrong += [name] if recall < floor else []
        print(f"{'✗' if recall < floor else '✓'} {name:20} recall {recall:.2f}   (>= {floor:.2f})")
    near, pairs = false_pairs(kept)
    allowed = near <= MOST_FALSE * pairs
    wrong += [] if allowed else ["pares falsos"]
    print(f"{'✓' if allowed else '✗'} {'pares falsos':20} {near} de {pairs}   (<= {MOST_FALSE:.1%})")
    print(
        f"  {(time.perf_counter() - began) / max(1, len(given)) * 1000:.0f} ms por imagen, alteraciones incluidas"
    )
    return wrong


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument(
        "--plant", action="store_true", help="index whole pictures only: crops must be missed"
    )
    given = parser.parse_args()
    wrong = measure(given.folder, plant=given.plant)
    print(f"near-dup: {'FAILED: ' + ', '.join(wrong) if wrong else 'all figures reached'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
