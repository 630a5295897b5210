"""The renditions of real files: what they are, what is read out of them, and how much memory the largest file takes."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from PIL import Image, ImageDraw, ImageFont

from local.engines import base, clamd
from services.media.adapters.sandbox import Sandbox
from services.media.adapters.tools import Tools
from services.media.ports import Decoded
from services.media.renditions import names
from twin.core import files

FONT = ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", 40)
WORDS = "Señor, la redacción recibió 3 fotos del sismo"


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    sandbox = Sandbox()
    yield Tools(sandbox)
    await sandbox.close()


async def decode(tools: Tools, data: bytes, kind: str) -> tuple[Decoded, Mapping[str, bytes]]:
    async def whole() -> AsyncIterator[bytes]:
        yield data

    decoded = await tools.decode(whole(), kind, read=True)
    made = {each.name: b"".join([chunk async for chunk in each.chunks()]) for each in decoded.made}
    await tools.release(decoded)
    return decoded, made


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def streams(path: Path, data: bytes) -> list[dict[str, Any]]:
    path.write_bytes(data)
    said = run("/usr/bin/ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path))
    found: list[dict[str, Any]] = json.loads(said)["streams"]
    return found


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)  # noqa: S603 - our own words
    return done.stdout


def ffmpeg(path: Path, *words: str) -> bytes:
    run("/usr/bin/ffmpeg", "-v", "error", "-y", *words, str(path))
    return path.read_bytes()


def written() -> bytes:
    picture = Image.new("RGB", (1100, 220), "white")
    ImageDraw.Draw(picture).text((40, 80), WORDS, fill="black", font=FONT)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


async def test_words_on_a_photo_are_read_in_spanish(tools: Tools) -> None:
    decoded, made = await decode(tools, written(), "image/jpeg")
    assert decoded.text == WORDS
    assert decoded.reason == ""
    assert list(made) == list(names("image/jpeg"))
    assert max(opened(made["thumb.webp"]).size) == 320
    assert opened(made["photo.jpg"]).format == "JPEG"
    assert opened(made["clean.jpg"]).size == (1100, 220)
    assert decoded.hashes is not None


async def test_a_photo_stands_upright_whatever_its_orientation(tools: Tools) -> None:
    picture, out = opened(written()), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it right (EXIF 2.3, tag Orientation)
    picture.save(out, "JPEG", exif=exif.tobytes())
    decoded, made = await decode(tools, out.getvalue(), "image/jpeg")
    assert opened(made["clean.jpg"]).size == (220, 1100)
    assert (decoded.facts["width"], decoded.facts["height"]) == (1100, 220)


async def test_a_moving_sticker_moves_in_its_clean_copy_and_stands_in_its_png(tools: Tools) -> None:
    frames = [Image.new("RGBA", (96, 96), (40 * n, 90, 200, 255)) for n in range(4)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=80)
    _, made = await decode(tools, out.getvalue(), "image/webp")
    assert getattr(opened(made["clean.webp"]), "n_frames", 1) == 4
    assert opened(made["sticker.png"]).format == "PNG"


async def test_a_film_gets_a_poster_and_a_preview(tools: Tools, tmp_path: Path) -> None:
    source = (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=1280x960:rate=15:duration=2",
        "-f",
        "lavfi",
        "-i",
        "sine=440:duration=2",
    )
    film = await asyncio.to_thread(
        ffmpeg, tmp_path / "o.mp4", *source, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"
    )
    decoded, made = await decode(tools, film, "video/mp4")
    assert list(made) == list(names("video/mp4"))
    video, audio = await asyncio.to_thread(streams, tmp_path / "p.mp4", made["preview.mp4"])
    assert (video["codec_name"], video["pix_fmt"], audio["codec_name"]) == ("h264", "yuv420p", "aac")
    assert max(video["width"], video["height"]) == 720
    assert max(opened(made["poster.webp"]).size) == 1280
    assert abs(decoded.facts["ms"] - 2000) < 100
    assert decoded.hashes is not None


async def test_a_voice_note_can_be_heard_seen_and_transcribed(tools: Tools, tmp_path: Path) -> None:
    decoded, made = await decode(tools, files.ogg_opus("n", 4), "audio/ogg")
    assert list(made) == list(names("audio/ogg"))
    (wav,) = await asyncio.to_thread(streams, tmp_path / "v.wav", made["voice.wav"])
    assert (wav["codec_name"], wav["sample_rate"], wav["channels"]) == ("pcm_s16le", "16000", 1)
    (m4a,) = await asyncio.to_thread(streams, tmp_path / "v.m4a", made["voice.m4a"])
    assert m4a["codec_name"] == "aac"
    peaks = json.loads(made["peaks.json"])
    assert len(peaks["peaks"]) == 200
    assert abs(peaks["ms"] - 4000) < 100
    assert decoded.facts["ms"] == 4000


async def test_a_pdf_shows_its_first_page_and_gives_its_text(tools: Tools) -> None:
    decoded, made = await decode(tools, files.pdf("sismo"), "application/pdf")
    assert decoded.text == "Nota sismo"
    assert decoded.facts["pages"] == 1
    assert max(opened(made["page1.webp"]).size) == 1600


async def test_a_type_nobody_shows_is_said_so(tools: Tools) -> None:
    for kind in ("application/zip", "image/tiff", "video/x-unheard-of"):
        decoded, made = await decode(tools, b"x", kind)
        assert (decoded.reason, made) == ("no_preview", {})


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[str]:
    server = base.start(clamd, 0, tmp_path)
    yield clamd.address(tmp_path)
    server.stop()
    clamd.remove(tmp_path)


_LARGEST = """
import asyncio, re, sys
from services.media.adapters.clamd import Clamd
from services.media.adapters.sandbox import Sandbox
from services.media.adapters.sniff import Libmagic
from services.media.look import Looker

class Bucket:
    async def stream(self, key):
        for n in range(100):
            yield n.to_bytes(2, "big") * (1 << 19)

async def main():
    looker = Looker(Bucket(), Libmagic(), Clamd(sys.argv[1]))
    found = await asyncio.gather(*(looker.look("k", 100 << 20) for _ in range(2)))
    assert {each.size for each in found} == {100 << 20} and not any(each.finding for each in found)
    box = Sandbox().box()
    await box.fill(Bucket().stream("k"))
    assert box.src.stat().st_size == 100 << 20
    box.close()
    # Not ru_maxrss: after exec that still holds what the parent had.
    print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

asyncio.run(main())
"""


def test_the_largest_files_take_little_memory(scanner: str) -> None:
    done = run(sys.executable, "-c", _LARGEST, scanner)
    kilobytes = int(done)
    assert kilobytes < 250_000, f"{kilobytes} KB"
