"""A PDF without what it says of its makers: information, XMP, attachments, authors of notes, and its pictures' EXIF.

Source of the names: ISO 32000-2, 14.3 (metadata), 14.5 (page-piece), 12.5.2 (annotations), 7.11.4 (embedded files).
"""

from contextlib import suppress
from typing import Any

import pikepdf

from services.media.decode import strip

_ANYWHERE = ("/Metadata", "/PieceInfo", "/LastModified")
_NOTE = ("/T", "/M", "/CreationDate", "/NM", "/RC")
_ROOT = ("/AF", "/Collection", "/OpenAction", "/AA")
_NAMES_GONE = ("/EmbeddedFiles", "/JavaScript")
_BROKEN = 4


def main(src: str, out: str) -> int:
    """Write the clean copy. What cannot be read, or asks for a password, ends with code 4."""
    try:
        with pikepdf.open(src) as document:
            _clean(document)
            document.save(out, deterministic_id=True, compress_streams=True)
    except (pikepdf.PdfError, ValueError, KeyError, TypeError):
        return _BROKEN
    return 0


def _clean(document: pikepdf.Pdf) -> None:
    if "/Info" in document.trailer:
        del document.trailer["/Info"]
    root = document.Root
    _drop(root, _ROOT)
    if "/Names" in root:
        _drop(root["/Names"], _NAMES_GONE)
    for thing in document.objects:
        with suppress(pikepdf.PdfError, ValueError, TypeError):
            _one(thing)


def _one(thing: Any) -> None:
    if not isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
        return
    form: Any = thing
    _drop(thing, _ANYWHERE)
    if thing.get("/Type") == "/Annot" or ("/Subtype" in thing and "/Rect" in thing):
        _drop(thing, _NOTE)
    if isinstance(thing, pikepdf.Stream) and _is_jpeg(thing):
        raw = thing.read_raw_bytes()
        cleaned = strip.jpeg(raw)
        if cleaned != raw:
            thing.write(cleaned, filter=form["/Filter"], decode_parms=form.get("/DecodeParms"))


def _is_jpeg(stream: Any) -> bool:
    given = stream.get("/Filter")
    return bool(given == "/DCTDecode" or (isinstance(given, pikepdf.Array) and list(given) == ["/DCTDecode"]))


def _drop(thing: Any, names: tuple[str, ...]) -> None:
    for name in names:
        if name in thing:
            del thing[name]
