"""What real programs make of uploads: as WhatsApp takes it, whatever came, and bare of who made it."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.media.adapters.sandbox import Sandbox
from services.media.adapters.tools import Tools
from services.media.ports import Decoded
from services.media.sending import STICKER_BYTES, STILL_STICKER_BYTES, VOICE_BYTES
from shared.media.uploads import MB, Kind
from tests.integration.test_media_decoders import ffmpeg, opened, run, streams
from twin.core import files

TONE = ("-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000")
NOISE = ("-f", "lavfi", "-i", "anoisesrc=colour=pink:sample_rate=48000")


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    sandbox = Sandbox()
    yield Tools(sandbox)
    await sandbox.close()


async def convert(tools: Tools, data: bytes, mime: str, wish: Kind) -> tuple[Decoded, bytes]:
    async def whole() -> AsyncIterator[bytes]:
        yield data

    decoded = await tools.convert(whole(), mime, wish)
    made = [b"".join([chunk async for chunk in each.chunks()]) for each in decoded.made]
    await tools.release(decoded)
    return decoded, made[0] if made else b""


async def sound(path: Path, *words: str) -> bytes:
    return await asyncio.to_thread(ffmpeg, path, *words)


async def told(path: Path, data: bytes) -> list[dict[str, Any]]:
    return await asyncio.to_thread(streams, path, data)


def saved(picture: Image.Image, form: str, **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "mime", "codec"),
    [
        ("n.webm", "audio/webm", ("-c:a", "libopus")),
        ("n.m4a", "audio/mp4", ("-c:a", "aac", "-ac", "2")),
        ("n.mp3", "audio/mpeg", ("-c:a", "libmp3lame")),
        ("n.ogg", "audio/ogg", ("-c:a", "libopus", "-ac", "2")),
    ],
)
async def test_what_a_browser_records_becomes_a_voice_note(
    tools: Tools, tmp_path: Path, name: str, mime: str, codec: tuple[str, ...]
) -> None:
    recorded = await sound(tmp_path / name, *TONE, "-t", "3", "-metadata", "artist=Ana", *codec)
    decoded, made = await convert(tools, recorded, mime, "voice")
    assert [each.name for each in decoded.made] == ["wa_voice.ogg"], decoded.reason
    (track,) = await told(tmp_path / "out.ogg", made)
    assert (track["codec_name"], track["channels"]) == ("opus", 1)
    assert made.startswith(b"OggS")
    assert b"Ana" not in made
    assert abs(float(track["duration"]) - 3) < 0.2


async def test_a_long_note_is_made_to_fit_and_one_too_long_is_refused(tools: Tools, tmp_path: Path) -> None:
    long = await sound(
        tmp_path / "n.mp3", *NOISE, "-t", "390", "-c:a", "libmp3lame", "-b:a", "32k", "-ac", "1"
    )
    decoded, made = await convert(tools, long, "audio/mpeg", "voice")
    assert [each.name for each in decoded.made] == ["wa_voice.ogg"]
    assert 0 < len(made) <= VOICE_BYTES
    longer = await sound(
        tmp_path / "m.mp3", *TONE, "-t", "600", "-c:a", "libmp3lame", "-b:a", "32k", "-ac", "1"
    )
    decoded, made = await convert(tools, longer, "audio/mpeg", "voice")
    assert (decoded.reason, made) == ("too_long", b"")


async def test_a_photo_is_a_small_upright_jpeg_without_its_author(tools: Tools) -> None:
    picture = Image.effect_noise((1600, 1200), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Ana"  # EXIF 2.3: Orientation, Artist
    decoded, made = await convert(tools, saved(picture, "JPEG", exif=exif, quality=90), "image/jpeg", "image")
    assert [each.name for each in decoded.made] == ["wa_image.jpg"]
    shown = opened(made)
    assert (shown.format, shown.size, len(shown.getexif())) == ("JPEG", (1200, 1600), 0)
    assert len(made) <= 5 * MB


async def test_a_large_picture_with_transparency_is_made_to_fit(tools: Tools) -> None:
    picture = Image.effect_noise((4000, 3000), 120).convert("RGBA")
    picture.putalpha(200)
    decoded, made = await convert(tools, saved(picture, "PNG", compress_level=1), "image/png", "image")
    assert [each.name for each in decoded.made] == ["wa_image.jpg"], decoded.reason
    assert opened(made).mode == "RGB"
    assert 0 < len(made) <= 5 * MB


async def test_a_film_goes_as_it_is_or_is_encoded_as_whatsapp_takes_it(tools: Tools, tmp_path: Path) -> None:
    drawn = ("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=15", *TONE, "-t", "2", "-pix_fmt", "yuv420p")
    for codecs in (("-c:v", "libx264", "-c:a", "aac"), ("-c:v", "mpeg4", "-c:a", "libmp3lame")):
        film = await sound(tmp_path / "f.mp4", *drawn, "-metadata", "title=Ana", *codecs)
        decoded, made = await convert(tools, film, "video/mp4", "video")
        assert [each.name for each in decoded.made] == ["wa_video.mp4"], decoded.reason
        video, audio = await told(tmp_path / "o.mp4", made)
        assert (video["codec_name"], video["pix_fmt"], audio["codec_name"]) == ("h264", "yuv420p", "aac")
        assert b"Ana" not in made
        assert len(made) <= 16 * MB


async def test_a_sound_keeps_its_own_track_without_its_words(tools: Tools, tmp_path: Path) -> None:
    song = await sound(tmp_path / "s.mp3", *TONE, "-t", "2", "-metadata", "artist=Ana", "-c:a", "libmp3lame")
    decoded, made = await convert(tools, song, "audio/mpeg", "audio")
    assert [each.name for each in decoded.made] == ["wa_audio.mp3"]
    assert b"Ana" not in made
    vorbis = await sound(tmp_path / "s.ogg", *TONE, "-t", "2", "-c:a", "libvorbis")
    decoded, made = await convert(tools, vorbis, "audio/ogg", "audio")
    (track,) = await told(tmp_path / "o.ogg", made)
    assert (track["codec_name"], track["channels"]) == ("opus", 1)


async def test_stickers_have_their_size_and_move_as_before(tools: Tools) -> None:
    still = saved(Image.effect_noise((300, 200), 100).convert("RGBA"), "WEBP", lossless=True)
    decoded, made = await convert(tools, still, "image/webp", "sticker")
    assert [each.name for each in decoded.made] == ["wa_sticker.webp"], decoded.reason
    assert (opened(made).size, opened(made).format) == ((512, 512), "WEBP")
    assert 0 < len(made) <= STILL_STICKER_BYTES
    frames = [Image.new("RGBA", (512, 512), (40 * n, 90, 200, 255)) for n in range(5)]
    moving = saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=[80, 120, 80, 120, 80]
    )
    decoded, made = await convert(tools, moving, "image/webp", "sticker")
    shown: Any = Image.open(io.BytesIO(made))
    assert (shown.n_frames, shown.size) == (5, (512, 512))
    shown.seek(1)
    shown.load()
    assert shown.info["duration"] == 120
    assert 0 < len(made) <= STICKER_BYTES


async def test_documents_go_without_their_makers_or_not_at_all(tools: Tools) -> None:
    decoded, made = await convert(tools, files.pdf("Ana"), "application/pdf", "document")
    assert [each.name for each in decoded.made] == ["clean.pdf"]
    assert made.startswith(b"%PDF")
    decoded, made = await convert(tools, b"\xd0\xcf\x11\xe0", "application/msword", "document")
    assert (decoded.reason, made) == ("no_clean_copy", b"")


@pytest.mark.parametrize(
    ("data", "mime", "wish", "reason"),
    [
        (b"\xff\xd8\xff\xe0 no picture", "image/jpeg", "image", "damaged"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp", "sticker", "damaged"),
        (b"%PDF-1.4 nothing", "application/pdf", "document", "damaged"),
        (b"OggS nothing", "audio/ogg", "voice", "damaged"),
        (b"\0\0\0\x18ftypisom", "video/mp4", "video", "damaged"),
        (b"GIF89a", "image/gif", "image", "unsupported"),
    ],
)
async def test_what_is_broken_is_said_so(
    tools: Tools, data: bytes, mime: str, wish: Kind, reason: str
) -> None:
    decoded, made = await convert(tools, data, mime, wish)
    assert (decoded.reason, made) == (reason, b"")


async def test_a_film_without_pictures_or_a_note_without_sound_is_said_so(
    tools: Tools, tmp_path: Path
) -> None:
    deaf = await sound(
        tmp_path / "d.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=5", "-t", "1", "-c:v", "libx264"
    )
    decoded, _ = await convert(tools, deaf, "audio/mp4", "voice")
    assert decoded.reason == "no_sound"
    blind = await sound(tmp_path / "b.m4a", *TONE, "-t", "1", "-c:a", "aac")
    decoded, _ = await convert(tools, blind, "video/mp4", "video")
    assert decoded.reason == "no_picture"


def test_exiftool_finds_no_author_in_what_leaves(tmp_path: Path) -> None:
    """The reading of another program, of one photo with every kind of word."""
    picture, exif = Image.effect_noise((300, 300), 60).convert("RGB"), Image.Exif()
    exif[0x013B], exif[0x8298], exif[0x010F] = "Ana", "Ana", "Ana"  # EXIF 2.3: Artist, Copyright, Make
    data = saved(picture, "JPEG", exif=exif, comment=b"Ana")

    async def made() -> bytes:
        sandbox = Sandbox()
        try:
            return (await convert(Tools(sandbox), data, "image/jpeg", "image"))[1]
        finally:
            await sandbox.close()

    path = tmp_path / "p.jpg"
    path.write_bytes(asyncio.run(made()))
    said = run("/usr/bin/exiftool", "-a", "-G1", str(path))
    assert "Ana" not in said
    assert "Image Size" in said
