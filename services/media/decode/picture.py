"""A picture: its copies for people and machines, one without metadata, its hashes, and the card of its metadata.

Formats are named, so no other decoder of Pillow's is ever reached. The hash is the DCT hash that ImageHash calls
`phash` (Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", s. 3.2.1).
"""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps

Image.init()  # plugins are loaded now: confined, nothing more can be
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # JPEG opens the multi-picture files of phones too
Image.MAX_IMAGE_PIXELS = None  # the limit is ours: structure.py refuses bombs, memory is bounded
_CLEAN_PIXELS = 60_000_000  # beyond this a whole copy does not fit the memory
SHRUNK = 512  # of the hashed copy: the hash is the same, and takes a tenth of the time
_SIDE, _WORD = 32, 8
_FLAT = 4.0  # standard deviation of grey: below it there is nothing to see
_TONE, _SHARE = 8.0, 0.5  # a bar's line: this part of it within so much of its middle tone, words or not
_KEPT = 0.4  # trimming leaves at least this part of each side
_OCR_SIDE = 2200
_OCR_FROM = 100  # pixels a side: smaller ones hold no words
_TEXT = 200  # characters of a metadata field
_FRAMES = 200  # of an animated sticker
_FRAME_MS = 100  # where it does not say
_WHOLE_PIXELS = 100_000_000  # of formats that are read whole or not at all: all but JPEG
_RAN_OUT, BROKEN = 128 + 24, 4  # as if its processor time were over (SIGXCPU); see decode/zygote.py
_SRGB = ImageCms.createProfile("sRGB")
_DCT = np.cos(np.pi * (2 * np.arange(_SIDE) + 1) * np.arange(_SIDE)[:, None] / (2 * _SIDE))
_warm = io.BytesIO()
Image.new("RGB", (8, 8)).save(_warm, "WEBP")  # encoders too are loaded now
ImageCms.ImageCmsProfile(_SRGB).tobytes()
np.median(_DCT)  # numpy brings its masked arrays only when asked


def main(src: str, sizes: Sequence[tuple[str, int]], clean: str = "", *, ocr: bool = False) -> int:
    """Write the copies into the working folder and what was found as JSON to standard output.

    Args:
        src: the file.
        sizes: (name, longest side) of each copy; the ending says its format.
        clean: name of the copy without metadata, or "".
        ocr: also write `ocr.png`.
    """
    try:
        with Image.open(src, formats=FORMATS) as picture:
            if picture.format != "JPEG" and picture.width * picture.height > _WHOLE_PIXELS:
                return _RAN_OUT
            said = _all(src, picture, sizes, clean, ocr=ocr)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        sys.stderr.write(type(error).__name__)
        return BROKEN
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    return 0


def _all(
    src: str, picture: Image.Image, sizes: Sequence[tuple[str, int]], clean: str, *, ocr: bool
) -> dict[str, Any]:
    width, height = picture.size
    said: dict[str, Any] = {"width": width, "height": height, "card": card(picture), "made": [], "reason": ""}
    largest = max((side for _, side in sizes), default=SHRUNK)
    picture.draft("RGB", (largest, largest))  # a JPEG is read at the scale that is needed
    said["reason"] = load(picture)
    flat = upright(picture)
    for name, side in sizes:
        _save(fit(flat, side), name)
        said["made"].append(name)
    grey = fit(flat, SHRUNK).convert("L")
    said["hashes"] = hashes(grey)
    if ocr and min(width, height) >= _OCR_FROM:
        fit(flat, _OCR_SIDE).convert("L").save("ocr.png", compress_level=1)
        said["made"].append("ocr.png")
    if clean and width * height <= _CLEAN_PIXELS:
        _clean(src, clean)
        said["made"].append(clean)
    return said


def load(picture: Image.Image) -> str:
    """Read the pixels; of a cut file as many as there are, and say so: "damaged"."""
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError):
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        picture.load()
        return "damaged"
    return ""


def upright(picture: Image.Image) -> Image.Image:
    """As it is meant to be seen: turned by its own word, sRGB, transparency on white."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
        over = turned.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(ground, over).convert("RGB")
    return _srgb(turned)


def _srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            done = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
            if done is not None:
                return done
    return picture.convert("RGB")


def fit(picture: Image.Image, side: int) -> Image.Image:
    """A copy whose longest side is at most `side` pixels, without metadata."""
    made = picture.copy()
    made.thumbnail((side, side), Image.Resampling.LANCZOS)
    made.info = {}
    return made


def _save(picture: Image.Image, name: str) -> None:
    ending = name.rpartition(".")[2]
    if ending == "jpg":
        picture.save(name, "JPEG", quality=85)
    elif ending == "png":
        picture.save(name, "PNG")
    else:
        picture.save(name, "WEBP", quality=78, method=4)


def _clean(src: str, name: str) -> None:
    """The whole picture from its pixels alone: whatever else the file held stays behind."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    with Image.open(src, formats=FORMATS) as picture:
        if name.endswith("jpg"):
            whole = upright(picture)
            whole.info = {}
            whole.save(name, "JPEG", quality=95, subsampling=0)
            return
        found = frames(picture)
        made, times = [_bare(frame) for frame, _ in found], [ms for _, ms in found]
        moving = {"save_all": True, "append_images": made[1:], "duration": times, "loop": 0}
        lossless = {"lossless": True} if name.endswith("webp") else {}
        more = moving if len(made) > 1 else lossless
        made[0].save(name, name.rpartition(".")[2].upper(), **more)


def frames(picture: Image.Image) -> list[tuple[Image.Image, int]]:
    """Each frame of a picture, upright, and for how many ms it is shown."""
    found = []
    for number in range(min(getattr(picture, "n_frames", 1), _FRAMES)):
        picture.seek(number)
        picture.load()  # a frame's time is known once it was read
        ms = int(picture.info.get("duration") or _FRAME_MS)
        found.append((ImageOps.exif_transpose(picture).copy(), ms))
    return found


def _bare(frame: Image.Image) -> Image.Image:
    made = frame.convert("RGBA" if frame.mode in {"P", "PA", "LA", "RGBA"} else "RGB")
    made.info = {}
    return made


# --- hashes


def hashes(grey: Image.Image) -> dict[str, list[str]] | None:
    """Kept: whole, and without 5 and 10 % of each side; looked for: whole, without flat bands, mirrored.

    None where there is nothing to see. Measured by `make near-dup`.
    """
    if np.asarray(grey, dtype=np.float32).std() < _FLAT:
        return None
    index = [phash(grey), phash(_cropped(grey, 0.05)), phash(_cropped(grey, 0.10))]
    query = [index[0], phash(_trimmed(grey)), phash(ImageOps.mirror(grey))]
    return {"index": [f"{each:016x}" for each in index], "query": [f"{each:016x}" for each in query]}


def phash(grey: Image.Image) -> int:
    """64 bits: which of the 8 x 8 lowest frequencies are above their median."""
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    low = (_DCT @ small @ _DCT.T)[:_WORD, :_WORD]
    bits = (low > np.median(low)).flatten()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _cropped(grey: Image.Image, part: float) -> Image.Image:
    width, height = grey.size
    across, down = round(width * part), round(height * part)
    return grey.crop((across, down, max(across + 1, width - across), max(down + 1, height - down)))


def _trimmed(grey: Image.Image) -> Image.Image:
    """Without bars and frames of one tone."""
    data = np.asarray(grey, dtype=np.float32)
    top, bottom = _inside(data)
    left, right = _inside(data[top:bottom].T)
    return grey.crop((left, top, right, bottom))


def _inside(lines: "np.ndarray[Any, np.dtype[np.float32]]") -> tuple[int, int]:
    """Where the lines between two bars begin and end; a bar keeps one tone from the edge inwards."""
    tones = np.median(lines, axis=1)
    flat = (np.abs(lines - tones[:, None]) <= _TONE).mean(axis=1) >= _SHARE
    first = _bar(flat & (np.abs(tones - tones[0]) <= _TONE))
    last = len(tones) - _bar((flat & (np.abs(tones - tones[-1]) <= _TONE))[::-1])
    return (first, last) if last - first >= _KEPT * len(tones) else (0, len(tones))


def _bar(same: "np.ndarray[Any, np.dtype[np.bool_]]") -> int:
    """How many lines from the edge on."""
    other = np.flatnonzero(~same)
    return int(other[0]) if len(other) else len(same)


# --- metadata


_TAGS = {
    "make": ExifTags.Base.Make,
    "model": ExifTags.Base.Model,
    "software": ExifTags.Base.Software,
    "author": ExifTags.Base.Artist,
    "copyright": ExifTags.Base.Copyright,
    "written_at": ExifTags.Base.DateTime,
}
_PHOTO = {
    "taken_at": ExifTags.Base.DateTimeOriginal,
    "offset": ExifTags.Base.OffsetTimeOriginal,
    "serial": ExifTags.Base.BodySerialNumber,
    "lens": ExifTags.Base.LensModel,
}


def card(picture: Image.Image) -> dict[str, Any]:
    """What its EXIF says: when, where (degrees), with what, by whom; only what is there."""
    found: dict[str, Any] = {}
    with suppress(Exception):  # metadata of any shape; none of it is worth losing the picture
        exif = picture.getexif()
        found |= _texts(exif, _TAGS)
        found |= _texts(exif.get_ifd(ExifTags.IFD.Exif), _PHOTO)
        found |= _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return found


def _texts(tags: Mapping[int, Any], names: Mapping[str, int]) -> dict[str, str]:
    found = {name: str(tags[tag]).strip(" \0")[:_TEXT] for name, tag in names.items() if tag in tags}
    return {name: text for name, text in found.items() if text}


def _place(gps: Mapping[int, Any]) -> dict[str, float]:
    found = {}
    for name, value, word, negative in (
        ("latitude", ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S"),
        ("longitude", ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W"),
    ):
        if value in gps:
            degrees, minutes, seconds = (float(part) for part in gps[value])
            sign = -1 if str(gps.get(word, "")).upper().startswith(negative) else 1
            found[name] = round(sign * (degrees + minutes / 60 + seconds / 3600), 6)
    if ExifTags.GPS.GPSAltitude in gps:
        found["altitude_m"] = round(float(gps[ExifTags.GPS.GPSAltitude]), 1)
    return found
