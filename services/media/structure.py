"""What the outer shape of a file gives away, from its first and last bytes: bombs, hidden second files, cuts. Pure.

Nothing is decoded here: only lengths, counts and markers that the formats' own headers state. Sources: PKWARE
APPNOTE 6.3.10 (ZIP), RFC 1952 (gzip), W3C PNG, ITU-T T.81 (JPEG), RFC 9649 (WebP), ISO/IEC 14496-12 (MP4 boxes),
RFC 3533 (Ogg), ISO 32000 (PDF), [MS-OFFCRYPTO] 2.3.4 (encrypted Office files).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEAD_BYTES = 256 * 1024  # a JPEG's size stands behind its EXIF and colour profile, at most some 64 KiB each
TAIL_BYTES = 1024 * 1024  # a ZIP's directory of some 10,000 entries
MAX_PIXELS = 250_000_000  # the largest phone camera makes 200 million
_MAX_UNPACKED = 2 * 1024**3
_MAX_RATIO = 150  # deflate's own limit is 1032; documents of text reach 20
_RATIO_FROM = 64 * 1024**2  # below this, unpacking hurts nobody
_MARKUP = re.compile(rb"<(?:script|html|body|iframe|svg|!doctype html)[\s>]|<\?php", re.IGNORECASE)
_MARKUP_IN = 4096
_EOCD = b"PK\x05\x06"
_EOCD_LEN, _ENTRY_LEN, _COMMENT_MAX = 22, 46, 65535
_UNSET = 0xFFFFFFFF  # the real value stands in the ZIP64 extra field
_BOX_LEN = 8
_SINGLE = ("image/", "audio/", "video/", "application/pdf")


@dataclass(frozen=True, slots=True)
class Structure:
    """What is wrong with the outer shape; all False = nothing that shows."""

    bomb: bool = False
    encrypted: bool = False
    polyglot: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Directory:
    """A ZIP's central directory: where it begins, and (flags, packed, unpacked) of each entry."""

    at: int
    entries: tuple[tuple[int, int, int], ...]
    whole: bool


def inspect(head: bytes, tail: bytes, size: int, sniffed: str) -> Structure:
    """Look at a file's ends.

    Args:
        head: its first bytes, up to HEAD_BYTES.
        tail: its last bytes, up to TAIL_BYTES.
        size: in bytes.
        sniffed: its MIME type by its first bytes.
    """
    directory = _directory(tail, size)
    single = sniffed.startswith(_SINGLE) and sniffed != "image/svg+xml"  # which is markup by itself
    archive = directory if not single else None
    return Structure(
        bomb=(pixels(head) or 0) > MAX_PIXELS
        or (archive is not None and _swells(archive, size))
        or _gzip_swells(tail, size, sniffed),
        encrypted=(archive is not None and any(flags & 1 for flags, _, _ in archive.entries))
        or sniffed == "application/encrypted"
        or "EncryptedPackage".encode("utf-16-le") in head + tail,
        polyglot=single and (directory is not None or _second_head(head, tail, sniffed)),
        cut=_cut(head, tail, size, sniffed),
    )


# --- archives


def _directory(tail: bytes, size: int) -> _Directory | None:
    """The directory of a ZIP that ends where the file ends; None where there is none."""
    at = tail.rfind(_EOCD, max(0, len(tail) - _EOCD_LEN - _COMMENT_MAX))
    if at < 0 or len(tail) - at < _EOCD_LEN:
        return None
    count, length, _, comment = struct.unpack("<HIIH", tail[at + 10 : at + _EOCD_LEN])
    if at + _EOCD_LEN + comment != len(tail) or (count == 0 and length == 0):
        return None
    begin = at - length
    if length == _UNSET or begin < 0:  # ZIP64, or a directory of more than TAIL_BYTES
        return _Directory(max(0, size - len(tail)), (), whole=False)
    entries = tuple(_entries(tail[begin:at]))
    return _Directory(size - len(tail) + begin, entries, whole=len(entries) >= count) if entries else None


def _entries(data: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while data[at : at + 4] == b"PK\x01\x02" and at + _ENTRY_LEN <= len(data):
        (flags,) = struct.unpack_from("<H", data, at + 8)
        packed, unpacked, name, extra, comment = struct.unpack_from("<IIHHH", data, at + 20)
        yield flags, packed, unpacked
        at += _ENTRY_LEN + name + extra + comment


def _swells(directory: _Directory, size: int) -> bool:
    """Entries that lie over one another, unpack beyond measure, or are too many to be told."""
    packed = sum(entry[1] for entry in directory.entries)
    unpacked = sum(entry[2] for entry in directory.entries)
    if not directory.whole or packed > size or unpacked > _MAX_UNPACKED:
        return True
    return unpacked > _RATIO_FROM and unpacked > _MAX_RATIO * size


def _gzip_swells(tail: bytes, size: int, sniffed: str) -> bool:
    if sniffed not in {"application/gzip", "application/x-gzip"} or len(tail) < 4:  # noqa: PLR2004 - ISIZE, RFC 1952
        return False
    unpacked = int.from_bytes(tail[-4:], "little")
    return unpacked > _RATIO_FROM and unpacked > _MAX_RATIO * size


# --- second files


def _second_head(head: bytes, tail: bytes, sniffed: str) -> bool:
    """A PDF's mark or a page's markup where only a picture, a sound or a film should be."""
    if sniffed == "application/pdf":
        return _MARKUP.search(head[: head.find(b"%PDF-")]) is not None
    marked = b"%PDF-" in head[:1024]  # readers look for it in the first 1024 bytes (ISO 32000, annex H)
    return marked or any(_MARKUP.search(part) for part in (head[:_MARKUP_IN], tail[-_MARKUP_IN:]))


# --- pictures


def pixels(head: bytes) -> int | None:
    """Width times height as the header of a PNG, JPEG, GIF or WebP states them; None for all else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")
    if head.startswith(b"GIF8"):
        return int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp_pixels(head)
    return _jpeg_pixels(head) if head.startswith(b"\xff\xd8") else None


def _webp_pixels(head: bytes) -> int | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return (1 + int.from_bytes(head[24:27], "little")) * (1 + int.from_bytes(head[27:30], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and len(head) >= 30:  # noqa: PLR2004 - the frame header ends there
        width, height = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
        return (width & 0x3FFF) * (height & 0x3FFF)
    return None


def _jpeg_pixels(head: bytes) -> int | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:  # noqa: PLR2004 - a marker's first byte
        marker, (length,) = head[at + 1], struct.unpack_from(">H", head, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - SOFn, T.81 table B.1
            height, width = struct.unpack_from(">HH", head, at + 5)
            return int(width * height)
        at += 2 + length
    return None


# --- cuts


def _cut(head: bytes, tail: bytes, size: int, sniffed: str) -> bool:  # noqa: PLR0911 - one line a format
    """Whether the file ends before its format says it does; False where the format does not say."""
    if sniffed == "image/jpeg":
        return b"\xff\xd9" not in tail
    if sniffed == "image/png":
        return b"IEND" not in tail
    if head.startswith(b"RIFF"):
        return int.from_bytes(head[4:8], "little") + 8 > size
    if head[4:8] == b"ftyp":
        return _boxes_cut(head, tail, size)
    if head.startswith(b"OggS"):
        return _ogg_cut(tail)
    if sniffed == "application/pdf":
        return b"%%EOF" not in tail
    return head.startswith(b"PK\x03\x04") and _EOCD not in tail


def _boxes_cut(head: bytes, tail: bytes, size: int) -> bool:
    """Walks the outer boxes as far as their headers lie in what we have."""
    at = 0
    while at < size:
        header = _at(head, tail, size, at)
        if header is None:
            return False
        if len(header) < _BOX_LEN:
            return True
        length = int.from_bytes(header[:4], "big")
        length = int.from_bytes(header[8:16], "big") if length == 1 else length
        if length == 0:
            return False  # reaches to the end, wherever that is
        at += max(length, _BOX_LEN)
    return at > size


def _at(head: bytes, tail: bytes, size: int, at: int) -> bytes | None:
    """Up to 16 bytes at a place of the file; None where they lie in the middle that nobody kept."""
    if at + 16 <= len(head):
        return head[at : at + 16]
    begin = at - (size - len(tail))
    return tail[begin : begin + 16] if begin >= 0 else None


def _ogg_cut(tail: bytes) -> bool:
    """Whether the last page is shorter than its lacing says."""
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return True
    lacing = tail[at + 27 : at + 27 + tail[at + 26]]
    return len(lacing) < tail[at + 26] or at + 27 + len(lacing) + sum(lacing) > len(tail)
