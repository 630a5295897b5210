"""Small real files of every kind WhatsApp carries, each with a nonce inside, built without any codec.

The pictures decode, the sounds and films are well-formed containers: enough for type detection, hashing and
checks of the header; whoever needs a long recording sends its own bytes.
"""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from twin.core.model import File

_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqm"
    "x5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAkADAD"
    "ASIAAhEBAxEB/8QAGAABAQEBAQAAAAAAAAAAAAAAAgADBAX/xAAhEAADAQABAgcAAAAAAAAAAAAAAQIDEUFhBCEiMVFxkf/EABgBAAMBAQAAAAAA"
    "AAAAAAAAAAMEBQAC/8QAGxEAAwEBAQEBAAAAAAAAAAAAAAECEQMhBDH/2gAMAwEAAhEDEQA/AOVSJSJSPPN3Sle7DVWAIYFIlJ6eOM5Twly+r6sV"
    "5zouKXPf4EK+lN/g7KaPNUiUml5uLcslJnWh4ZgpNvDcTtLYVIlI109TRG51j07yMc9mlxSb7ievK9K/SY+dJ4UF0loG/np9ICkSQ1IR+LDuaOdI"
    "SREO0SIEkJIiF6GYGkJIiAUNQf/Z"
)
_WEBP_LOSSLESS = base64.b64decode(
    "TCABAAAvD8ADAAE1bRswSsdX/oRLIqL/uRdN0kC7KHz0Pyxua21bky/uVUoqmICSYRgXZmADd3fiyQpv+VVfi/yN29q2lejiLg2wCD3SiA5ol0oY"
    "Cd0985n3GLRtI8jZHX80T+9vMQH9/CNbUxvQ1IGShHv/JaCLPnUS4pja0Vq0480sr32qLOQqet3fbR6x66vhcOavkSKQgEl1qo2DfX4Huuj0aDC9"
    "FnNAhAH6ZyvTKh5xhABTarQ8NsfMDgAJsVRRWEIB+MxvI0UAFhBDUYcKEtJeqZLkq8CALnnMuh1HkwFIuOP1CDMLQALz3ao/yc+fRP/tcp73cUUi"
    "IgDIluiC5kXt0xTX42yXl0xSpRIjzUf2Cjk0pzoqsSml2VSBy0qZmQE="
)
_WEBP_SIDE, _WEBP_SKIP = 16, 5  # pixels a side of the picture above; its chunk header
_OGG_POLY = 0x04C11DB7  # RFC 3533: the checksum's polynomial


def jpeg(nonce: str) -> bytes:
    """A photo; the nonce is its comment segment (ITU-T T.81, marker COM)."""
    text = nonce.encode()
    return _JPEG[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + _JPEG[2:]


def png(nonce: str) -> bytes:
    """A picture whose colours follow from the nonce, which is also its comment (W3C PNG)."""
    shade = zlib.crc32(nonce.encode()).to_bytes(4, "big")
    lines = b"".join(b"\x00" + bytes([shade[0], shade[1], (shade[2] + y) % 256]) * 24 for y in range(24))
    header = struct.pack(">IIBBBBB", 24, 24, 8, 2, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"tEXt", b"Comment\0" + nonce.encode()),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in parts)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def webp(nonce: str, *, animated: bool = False) -> bytes:
    """A sticker in the extended format; the nonce is its XMP (RFC 9649)."""
    side = (_WEBP_SIDE - 1).to_bytes(3, "little")
    flags = 0x04 | 0x10 | (0x02 if animated else 0)
    parts = [_riff(b"VP8X", bytes([flags, 0, 0, 0]) + side + side)]
    picture = _riff(b"VP8L", _WEBP_LOSSLESS[_WEBP_SKIP:])
    if animated:
        frame = bytes(6) + side + side + (100).to_bytes(3, "little") + b"\0" + picture
        parts += [_riff(b"ANIM", bytes(6)), _riff(b"ANMF", frame), _riff(b"ANMF", frame)]
    else:
        parts.append(picture)
    parts.append(_riff(b"XMP ", f"<x:xmpmeta>{nonce}</x:xmpmeta>".encode()))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def ogg_opus(nonce: str, seconds: int = 3) -> bytes:
    """A voice note: silence in Opus (RFC 7845); the nonce is in its tags."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    vendor, comment = b"twin", f"NONCE={nonce}".encode()
    tags = (
        b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(comment)) + comment
    )
    pages = [_ogg_page(2, 0, 0, [head]), _ogg_page(0, 0, 1, [tags])]
    silence = [b"\xf8\xff\xfe"] * 50  # frames of 20 ms: one second a page
    last = seconds - 1
    pages += [_ogg_page(4 * (n == last), (n + 1) * 48000, n + 2, silence) for n in range(seconds)]
    return b"".join(pages)


def _ogg_page(flags: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    lacing = b"".join(bytes([255] * (len(p) // 255) + [len(p) % 255]) for p in packets)
    head = b"OggS" + struct.pack("<BBqII", 0, flags, granule, 0x43444D58, number)
    tail = bytes([len(lacing)]) + lacing + b"".join(packets)
    return head + struct.pack("<I", _ogg_crc(head + bytes(4) + tail)) + tail


def _ogg_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ _OGG_POLY if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def mp4(nonce: str, brand: bytes = b"isom") -> bytes:
    """A film of no frames: file type, movie header, and the nonce in a free box (ISO/IEC 14496-12)."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = (
        struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, 3000, 0x10000, 0x100) + matrix + bytes(24) + b"\0\0\0\2"
    )
    ftyp = brand + struct.pack(">I", 512) + brand + b"mp42"
    moov = _box(b"moov", _box(b"mvhd", header))
    return _box(b"ftyp", ftyp) + moov + _box(b"free", nonce.encode()) + _box(b"mdat", b"")


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def amr(nonce: str) -> bytes:
    """An AMR recording (RFC 4867): silent frames whose comfort noise carries the nonce."""
    noise = nonce.encode().ljust(31, b"\0")[:31]
    return b"#!AMR\n" + (b"\x3c" + noise) + (b"\x3c" + bytes(31)) * 49


def aac(nonce: str) -> bytes:
    """An ADTS stream (ISO/IEC 13818-7) of frames whose payload is the nonce."""
    payload = nonce.encode()
    length = 7 + len(payload)
    head = bytes([0xFF, 0xF1, 0x50, 0x40 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC])
    return (head + payload) * 20


def mp3(nonce: str) -> bytes:
    """An MP3 with an ID3v2.3 title (id3.org) that is the nonce, and silent frames."""
    text = b"\0" + nonce.encode()
    frame = b"TIT2" + struct.pack(">IH", len(text), 0) + text
    return b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame + (b"\xff\xfb\x90\xc4" + bytes(413)) * 8


def pdf(nonce: str) -> bytes:
    """A page that says its nonce (ISO 32000)."""
    stream = f"BT /F1 24 Tf 72 700 Td (Nota {nonce}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    return _pdf_file(objects)


def _pdf_file(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, data in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def docx(nonce: str) -> bytes:
    """A word-processor document of one paragraph (ECMA-376)."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="word/document.xml"/></Relationships>'
    )
    text = (
        '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body><w:p><w:r><w:t>{nonce}</w:t></w:r></w:p></w:body></w:document>"
    )
    return _zip({"[Content_Types].xml": types, "_rels/.rels": relations, "word/document.xml": text})


def _zip(entries: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in entries.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # ZipInfo's fixed date keeps it deterministic
    return buffer.getvalue()


_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MAKERS: dict[str, Callable[[str], bytes]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/webp": webp,
    "audio/ogg": ogg_opus,
    "audio/ogg; codecs=opus": ogg_opus,
    "audio/amr": amr,
    "audio/aac": aac,
    "audio/mpeg": mp3,
    "audio/mp4": lambda nonce: mp4(nonce, b"M4A "),
    "video/mp4": mp4,
    "video/3gpp": lambda nonce: mp4(nonce, b"3gp4"),
    "application/pdf": pdf,
    _DOCX: docx,
    "text/plain": lambda nonce: f"Nota {nonce}\n".encode(),
}
MIMES = tuple(_MAKERS)


def make(mime: str, nonce: str, filename: str = "") -> File:
    """A file of this type with the nonce inside. Raises KeyError for a type it cannot make."""
    return File(_MAKERS[mime](nonce), mime, filename)


def animated_sticker(nonce: str) -> File:
    """A moving sticker."""
    return File(webp(nonce, animated=True), "image/webp")
