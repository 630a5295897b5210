"""A copy without metadata, per type: written full of marks, made clean by the worker's decoders, read by exiftool."""

import asyncio
import io
import json
import subprocess
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from services.media.adapters.sandbox import Sandbox
from services.media.adapters.tools import Tools
from services.media.ports import Decoded
from services.media.renditions import clean_name
from tests.faults.hostile import made
from twin.core import files

MARK = "MARCA7f3a"
OFFICE = "application/vnd.openxmlformats-officedocument."
# Groups of exiftool that say where, when, with what or by whom; of a clean copy nothing may stand in them.
TELLING = {
    "GPS",
    "XMP",
    "IPTC",
    "ExifIFD",
    "IFD0",
    "MakerNotes",
    "UserData",
    "Keys",
    "ItemList",
    "ID3",
    "Photoshop",
}
UNKNOWN = {".aac", ".amr"}  # exiftool knows no metadata in them; that the marks are gone is seen in the bytes
_PICTURE = (
    "-Artist=MARCA7f3a",
    "-Make=MARCA7f3a",
    "-SerialNumber=MARCA7f3a",
    "-DateTimeOriginal=2026:01:02 03:04:05",
    "-GPSLatitude=19.4326",
    "-GPSLatitudeRef=N",
    "-GPSLongitude=99.1332",
    "-GPSLongitudeRef=W",
    "-XMP-dc:Creator=MARCA7f3a",
    "-XMP-photoshop:City=MARCA7f3a",
)


def run(*words: str | Path) -> bytes:
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False, timeout=60)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def tagged(data: bytes, path: Path, *tags: str) -> bytes:
    path.write_bytes(data)
    run("exiftool", "-overwrite_original", "-q", *tags, path)
    return path.read_bytes()


def sounded(path: Path, *codec: str) -> bytes:
    """A second of sound, or of film, with marks in every tag ffmpeg writes."""
    source = ("-f", "lavfi", "-i", "sine=440:duration=1")
    marks = [
        word
        for name in ("artist", "title", "comment", "location")
        for word in ("-metadata", f"{name}={MARK}")
    ]
    run("ffmpeg", "-v", "error", "-y", *source, *codec, *marks, path)
    return path.read_bytes()


def filmed(path: Path) -> bytes:
    film = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=1", "-c:v", "libx264", "-c:a", "aac")
    data = sounded(path, *film)
    return tagged(
        data, path, f"-Keys:Author={MARK}", f"-XMP-dc:Creator={MARK}", "-Keys:GPSCoordinates=19.4, -99.1, 0"
    )


def jpeg(path: Path) -> bytes:
    return tagged(made.photo(), path, *_PICTURE, f"-Comment={MARK}", f"-IPTC:By-line={MARK}")


def pdf(path: Path) -> bytes:
    """With information, XMP, a note's author, an attachment, and a photo that has its own EXIF."""
    with pikepdf.open(io.BytesIO(files.pdf("nota"))) as document:
        photo = pikepdf.Stream(document, jpeg(path.with_suffix(".jpg")))
        photo.Type, photo.Subtype, photo.Filter = (
            pikepdf.Name.XObject,
            pikepdf.Name.Image,
            pikepdf.Name.DCTDecode,
        )
        photo.Width, photo.Height, photo.BitsPerComponent = 240, 240, 8
        photo.ColorSpace = pikepdf.Name.DeviceRGB
        page = document.pages[0]
        page.Resources.XObject = pikepdf.Dictionary(Im=document.make_indirect(photo))
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9])
        note.T, note.M = pikepdf.String(MARK), pikepdf.String("D:20260102030405")
        page.Annots = pikepdf.Array([document.make_indirect(note)])
        document.docinfo["/Author"] = MARK
        document.attachments[f"{MARK}.txt"] = MARK.encode()
        with document.open_metadata() as xmp:
            xmp["dc:creator"] = [MARK]
        document.save(path)
    return path.read_bytes()


def office(part: str) -> Callable[[Path], bytes]:
    def make(path: Path) -> bytes:
        core = (
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{MARK}</dc:creator>'
            f"<cp:lastModifiedBy>{MARK}</cp:lastModifiedBy></cp:coreProperties>"
        )
        return made.docx(
            {
                "docProps/core.xml": core.encode(),
                "docProps/app.xml": f"<Properties><Company>{MARK}</Company></Properties>".encode(),
                f"{part}/comments.xml": f'<w:comment w:author="{MARK}" w:initials="{MARK}" w:date="2026-01-02"/>'.encode(),
                f"{part}/commentAuthors.xml": f'<p:cmAuthor id="0" name="{MARK}" initials="{MARK}"/>'.encode(),
                f"{part}/comments1.xml": f"<authors><author>{MARK}</author></authors>".encode(),
                f"{part}/workbook.xml": f'<fileSharing userName="{MARK}"/><x15ac:absPath url="C:\\{MARK}"/>'.encode(),
                f"{part}/media/image1.jpg": jpeg(path.with_suffix(".jpg")),
            }
        )

    return make


MAKERS: dict[str, Callable[[Path], bytes]] = {
    "image/jpeg": jpeg,
    "image/png": lambda path: tagged(files.png(MARK), path, *_PICTURE),
    "image/webp": lambda path: tagged(files.webp(MARK), path, *_PICTURE),
    "video/mp4": filmed,
    "video/3gpp": lambda path: sounded(
        path, "-f", "lavfi", "-i", "testsrc2=size=176x144:rate=10:duration=1", "-c:v", "h263", "-c:a", "aac"
    ),
    "audio/ogg": lambda path: sounded(path, "-c:a", "libopus"),
    "audio/mpeg": lambda path: sounded(path, "-c:a", "libmp3lame"),
    "audio/mp4": lambda path: sounded(path, "-c:a", "aac"),
    "audio/aac": lambda path: sounded(path, "-c:a", "aac", "-f", "adts", "-write_id3v2", "1"),
    "audio/amr": lambda _path: files.amr("n"),  # has no place for metadata
    "application/pdf": pdf,
    f"{OFFICE}wordprocessingml.document": office("word"),
    f"{OFFICE}spreadsheetml.sheet": office("xl"),
    f"{OFFICE}presentationml.presentation": office("ppt"),
}


async def decode(tools: Tools, data: bytes, kind: str) -> tuple[Decoded, bytes]:
    """Its reading and its clean copy."""

    async def whole() -> AsyncIterator[bytes]:
        yield data

    decoded = await tools.decode(whole(), kind, read=False)
    try:
        clean = next(each for each in decoded.made if each.name == clean_name(kind))
        return decoded, b"".join([chunk async for chunk in clean.chunks()])
    finally:
        await tools.release(decoded)


async def read(path: Path, data: bytes) -> dict[str, Any]:
    await asyncio.to_thread(path.write_bytes, data)
    words = ["exiftool", "-json", "-a", "-u", "-ee", "-G1", str(path)]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, check=False, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    error = found.get("ExifTool:Error")
    assert error is None or path.suffix in UNKNOWN, error
    return found


def parts(data: bytes) -> bytes:
    """All that is in a file, unpacked where it is an archive."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data + b"".join(archive.read(name) + name.encode() for name in archive.namelist())


@pytest.mark.parametrize("kind", sorted(MAKERS))
async def test_nothing_of_its_makers_is_in_the_clean_copy(kind: str, tmp_path: Path) -> None:
    name = clean_name(kind)
    assert name is not None
    original = await asyncio.to_thread(MAKERS[kind], tmp_path / f"original.{name.partition('.')[2]}")
    sandbox = Sandbox()
    try:
        decoded, clean = await decode(Tools(sandbox), original, kind)
    finally:
        await sandbox.close()
    assert decoded.reason in {"", "no_preview"}
    assert kind == "audio/amr" or MARK.encode() in parts(original), "the original must have something to lose"
    assert MARK.encode() not in parts(clean)
    said = await read(tmp_path / name, clean)
    telling = {tag: value for tag, value in said.items() if tag.split(":")[0].split("-")[0] in TELLING}
    allowed = {"UserData:Encoder", "ItemList:Encoder"}  # the muxer's own name, the same for everybody
    assert set(telling) <= allowed, telling
    assert not [
        tag for tag in said if any(word in tag for word in ("GPS", "Serial", "Author", "Creator", "Artist"))
    ]


async def test_the_pictures_inside_documents_lose_their_own(tmp_path: Path) -> None:
    sandbox = Sandbox()
    try:
        _, clean = await decode(
            Tools(sandbox), await asyncio.to_thread(pdf, tmp_path / "o.pdf"), "application/pdf"
        )
    finally:
        await sandbox.close()
    with pikepdf.open(io.BytesIO(clean)) as document:
        photo = document.pages[0].Resources.XObject.Im
        inside = photo.read_raw_bytes()
        assert "/Info" not in document.trailer
        assert not document.attachments
    said = await read(tmp_path / "inside.jpg", inside)
    assert not [tag for tag in said if tag.split(":")[0].split("-")[0] in TELLING]


async def test_the_card_says_where_when_and_with_what(tmp_path: Path) -> None:
    sandbox = Sandbox()
    try:
        picture, _ = await decode(
            Tools(sandbox), await asyncio.to_thread(jpeg, tmp_path / "o.jpg"), "image/jpeg"
        )
        film, _ = await decode(
            Tools(sandbox), await asyncio.to_thread(filmed, tmp_path / "o.mp4"), "video/mp4"
        )
    finally:
        await sandbox.close()
    assert picture.card["make"] == picture.card["author"] == MARK
    assert picture.card["taken_at"] == "2026:01:02 03:04:05"
    assert (picture.card["latitude"], picture.card["longitude"]) == (19.4326, -99.1332)
    assert film.card["author"] == MARK
    assert film.facts["ms"] > 900
