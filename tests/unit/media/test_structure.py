"""What the ends of a file give away, on well-formed, cut and swollen files, and on anything at all."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.structure import HEAD_BYTES, TAIL_BYTES, Structure, inspect, pixels
from tests.faults.hostile import made
from twin.core import files

SNIFFED = {
    "audio/ogg; codecs=opus": "audio/ogg",
    "audio/mp4": "video/mp4",
    "audio/aac": "audio/x-hx-aac-adts",
}


def look(data: bytes, sniffed: str) -> Structure:
    return inspect(data[:HEAD_BYTES], data[-TAIL_BYTES:], len(data), sniffed)


@pytest.mark.parametrize("mime", files.MIMES)
def test_nothing_is_wrong_with_a_sound_file(mime: str) -> None:
    assert look(files.make(mime, "nonce").data, SNIFFED.get(mime, mime)) == Structure()


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp", "audio/ogg", "application/pdf"])
def test_a_cut_file_shows(mime: str) -> None:
    data = files.make(mime, "nonce").data
    assert look(data[: len(data) * 2 // 3], mime).cut


def test_a_cut_film_and_a_cut_archive_show() -> None:
    film = files.mp4("n") + (5_000).to_bytes(4, "big") + b"mdat" + bytes(4_992)
    assert not look(film, "video/mp4").cut
    assert look(film[:-100], "video/mp4").cut
    assert look(film[:-4995], "video/mp4").cut
    assert look(files.docx("n")[:-30], "application/zip").cut


def test_a_film_whose_boxes_lie_beyond_what_is_kept_is_not_called_cut() -> None:
    size = HEAD_BYTES + TAIL_BYTES + 1_000_000
    first = files.mp4("n") + (HEAD_BYTES + 500_000).to_bytes(4, "big") + b"mdat"
    head = first.ljust(HEAD_BYTES, b"\0")
    assert not inspect(head, bytes(TAIL_BYTES), size, "video/mp4").cut


def test_a_film_of_64_bit_boxes_and_one_to_the_end_is_followed() -> None:
    wide = files.mp4("n")[:24] + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100)
    assert not look(wide, "video/mp4").cut
    assert look(wide[:-1], "video/mp4").cut
    assert not look(files.mp4("n") + bytes(4) + b"mdat" + bytes(50), "video/mp4").cut


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (made.png(300, 200), 60_000),
        (made.jpeg_says(4_000, 3_000), 12_000_000),
        (b"GIF89a" + struct.pack("<HH", 320, 200) + bytes(20), 64_000),
        (files.webp("n"), 256),
        (b"RIFF\0\0\0\0WEBPVP8L" + bytes(5) + (99 | 49 << 14).to_bytes(4, "little"), 5_000),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480), 307_200),
        (b"RIFF\0\0\0\0WEBPxxxx", None),
        (b"\xff\xd8\xff", None),
        (b"", None),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_header(data: bytes, expected: int | None) -> None:
    assert pixels(data) == expected


def test_a_password_shows() -> None:
    assert look(made.locked_zip(), "application/zip").encrypted
    assert look(made.locked_office(), "application/cdfv2").encrypted
    assert look(b"x", "application/encrypted").encrypted


def test_an_archive_that_swells_shows_and_one_of_text_does_not() -> None:
    assert look(made.docx({"x": bytes(70_000_000)}), "application/zip").bomb
    assert look(made.overlapping(), "application/zip").bomb
    assert not look(made.docx({"x": bytes(1_000_000)}), "application/zip").bomb


def test_a_directory_that_is_longer_than_what_is_kept_is_a_bomb() -> None:
    whole = files.docx("n")
    end = bytearray(whole[whole.rindex(b"PK\x05\x06") :])
    end[12:16] = (TAIL_BYTES * 2).to_bytes(4, "little")
    assert look(bytes(TAIL_BYTES * 3) + bytes(end), "application/zip").bomb


@pytest.mark.parametrize(
    ("data", "sniffed"),
    [
        (made.photo() + made.zipped("a", b"x"), "image/jpeg"),
        (files.jpeg("%PDF-1.7"), "image/jpeg"),
        (made.polyglot_gif(), "image/gif"),
        (b"<html>" + files.pdf("n"), "application/pdf"),
        (files.pdf("n") + made.zipped("a", b"x"), "application/pdf"),
    ],
)
def test_two_files_in_one_show(data: bytes, sniffed: str) -> None:
    assert look(data, sniffed).polyglot


@given(
    st.binary(max_size=400),
    st.sampled_from(["image/jpeg", "application/zip", "video/mp4", "application/gzip", ""]),
)
def test_any_bytes_have_a_structure(data: bytes, sniffed: str) -> None:
    look(data, sniffed)


@given(
    st.sampled_from(
        ["image/jpeg", "image/webp", "audio/ogg", "video/mp4", "application/pdf", files.MIMES[-2]]
    ),
    st.integers(0, 2_000),
    st.binary(min_size=1, max_size=8),
)
def test_any_damage_is_looked_at_without_harm(mime: str, at: int, put: bytes) -> None:
    data = files.make(mime, "nonce").data
    at %= len(data)
    look(data[:at] + put + data[at + len(put) :], mime)
