"""Hostile files, made here byte by byte; none is anybody else's."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

import pikepdf
from PIL import Image, ImageDraw

from services.media.adapters.memory import EICAR
from twin.core import files

PASSWORD = "contraseña"


def photo(side: int = 240, text: str = "") -> bytes:
    """A picture with something on it."""
    picture = Image.linear_gradient("L").resize((side, side)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((side // 8, side // 5, side // 2, side // 2), fill=(200, 30, 40))
    draw.text((side // 4, side // 2), text or "foto", fill=(255, 255, 0))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def png(width: int, height: int, lines: int | None = None) -> bytes:
    """A black grey-scale PNG that says it is this large; with as many lines as asked for."""
    raw = zlib.compressobj(9)
    data = (
        b"".join(raw.compress(bytes(width + 1)) for _ in range(height if lines is None else lines))
        + raw.flush()
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_text_bomb() -> bytes:
    """A small picture with a comment that unpacks to 100 MB."""
    text = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    whole = png(24, 24)
    return whole[:33] + _chunk(b"zTXt", text) + whole[33:]


def jpeg_says(width: int, height: int) -> bytes:
    """A JPEG whose header says it is this large."""
    data = photo()
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def docx(more: Mapping[str, bytes]) -> bytes:
    """A document with further entries."""
    buffer = io.BytesIO(files.docx("nota"))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in more.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    """An archive of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def overlapping() -> bytes:
    """A document whose directory lists one packed entry two thousand times: it unpacks to 20 GB."""
    whole = docx({"word/media/x.bin": bytes(10_000_000)})
    end = whole.rindex(b"PK\x05\x06")
    count, size, at = struct.unpack("<HII", whole[end + 10 : end + 20])
    directory = whole[at : at + size]
    last = directory[directory.rindex(b"PK\x01\x02") :]
    more = directory + last * 2000
    tail = struct.pack("<HHIIH", count + 2000, count + 2000, len(more), at, 0)
    return whole[:at] + more + b"PK\x05\x06\0\0\0\0" + tail


def nested(width: int, core: int) -> bytes:
    """Archives in an archive in a document, no two alike: small at each level, width times the core within."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number in range(width):
            archive.writestr(f"{number}.zip", zipped("x.bin", number.to_bytes(4, "big") + bytes(core)))
    return docx({"word/embeddings/todo.zip": buffer.getvalue()})


def locked_zip() -> bytes:
    """A document whose entries say that they are encrypted."""
    data = bytearray(files.docx("nota"))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def locked_office() -> bytes:
    """The outer shape of a document with a password: an OLE file with a stream EncryptedPackage."""
    name = "EncryptedPackage".encode("utf-16-le")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + name.ljust(512, b"\0") + bytes(3072)


def locked_pdf() -> bytes:
    """A page that opens with a password only."""
    return _pdf(pikepdf.Encryption(user=PASSWORD, owner="otra"))


def restricted_pdf() -> bytes:
    """A page that anybody may read and nobody may change, as banks and offices send them."""
    return _pdf(pikepdf.Encryption(user="", owner="otra"))


def _pdf(encryption: pikepdf.Encryption) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(files.pdf("nota"))) as document:
        document.save(out, encryption=encryption)
    return out.getvalue()


def pdf_bomb(size: int) -> bytes:
    """A page whose drawing unpacks to this many bytes of paths."""
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(612, 792))
        line = b"0 0 m 612 792 l 10 700 l 300 20 l f\n"
        page.Contents = pikepdf.Stream(document, line * (size // len(line)))
        out = io.BytesIO()
        document.save(out, compress_streams=True)
    return out.getvalue()


def pdf_active() -> bytes:
    """A page that runs a script when it is opened, and carries a file."""
    with pikepdf.open(io.BytesIO(files.pdf("nota"))) as document:
        document.Root.OpenAction = pikepdf.Dictionary(
            S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert('abierto')")
        )
        document.attachments["oculto.txt"] = b"carga"
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def pointing_film() -> bytes:
    """A film whose track lies, it says, in another file of this machine (QuickTime data reference)."""
    return files.mp4("nota").replace(b"free", b"dref", 1) + b"file:///etc/passwd"


def playlist() -> bytes:
    """A list of addresses that a careless player would fetch."""
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://169.254.169.254/latest/meta-data/\nfile:///etc/passwd\n"


def gzip_bomb() -> bytes:
    """200 MB of zeros."""
    return gzip.compress(bytes(200_000_000), 9, mtime=0)


def polyglot_gif() -> bytes:
    """A picture that is a page as well."""
    return b"GIF89a\x2f\x2a\x00\x00\x00\x00\x00*/=1;/*<script>alert(1)</script>*/" + bytes(64)


def program(kind: str) -> bytes:
    """The first bytes of a program for Windows or Linux."""
    if kind == "windows":
        head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
        return head + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x22) + bytes(512)
    return (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)
        + bytes(64)
    )


def carrier(data: bytes) -> bytes:
    """A picture with the EICAR test file behind it."""
    return data + EICAR
