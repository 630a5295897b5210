"""A picture as WhatsApp takes it: a JPEG, or a sticker, from its pixels alone and within a number of bytes."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from services.media.decode import picture as pictures

_SIDES = (4096, 2560, 1920, 1280)  # longest side, where the quality alone does not do
_QUALITIES = (92, 85, 75)
_STICKER_QUALITIES = (90, 75, 60, 45, 30, 15)
TOO_BIG = 5  # a job's own word for a file that fits no way
_PIXELS = 60_000_000  # decode/picture.py: beyond this a whole copy does not fit the memory
_LEAST_MS = 8  # of a frame; libwebp and WhatsApp both slow down what is faster


def main(src: str, out: str, most: int, still: int = 0, side: int = 0) -> int:
    """Write `out`, a .jpg, or with `side` a .webp of so many pixels a side.

    Args:
        src: the file.
        out: name of the copy.
        most: bytes it may have.
        still: bytes a sticker may have that does not move.
        side: of a sticker.

    Code 4: it cannot be read; 5: it fits no way.
    """
    try:
        with Image.open(src, formats=pictures.FORMATS) as picture:
            if picture.width * picture.height > _PIXELS:
                return TOO_BIG
            made = _sticker(picture, most, still, side) if side else _photo(picture, most)
    except (OSError, ValueError, SyntaxError, EOFError):
        return pictures.BROKEN
    if made is None:
        return TOO_BIG
    Path(out).write_bytes(made)
    return 0


def _photo(picture: Image.Image, most: int) -> bytes | None:
    pictures.load(picture)
    flat = pictures.upright(picture)
    flat.info = {}
    return _smallest(_photos(flat), most)


def _photos(flat: Image.Image) -> Iterator[bytes]:
    """The best first: whole, then smaller."""
    sides = [max(flat.size), *(side for side in _SIDES if side < max(flat.size))]
    for side in sides:
        fitted = pictures.fit(flat, side)
        for quality in _QUALITIES:
            yield _saved("JPEG", fitted, quality=quality)


def _sticker(picture: Image.Image, most: int, still: int, side: int) -> bytes | None:
    frames, times = [], []
    for frame, ms in pictures.frames(picture):
        frames.append(_framed(frame.convert("RGBA"), side))
        times.append(max(_LEAST_MS, ms))
    return _smallest(_stickers(frames, times), most if len(frames) > 1 else still)


def _stickers(frames: Sequence[Image.Image], times: Sequence[int]) -> Iterator[bytes]:
    more: dict[str, Any] = {}
    if len(frames) > 1:
        more = {"save_all": True, "append_images": frames[1:], "duration": list(times), "loop": 0}
    for quality in _STICKER_QUALITIES:
        yield _saved("WEBP", frames[0], quality=quality, method=4, **more)


def _framed(frame: Image.Image, side: int) -> Image.Image:
    """In the middle of a square without colour."""
    scale = side / max(frame.size)
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    fitted = frame.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(fitted, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _saved(form: str, picture: Image.Image, **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def _smallest(tries: Iterator[bytes], most: int) -> bytes | None:
    return next((made for made in tries if len(made) <= most), None)
