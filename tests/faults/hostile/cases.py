"""Every hostile file, and how it must end: the medium's state, its reason, and what must not be in its copies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.media.adapters.memory import EICAR
from services.media.ports import (
    MediaDeniedError,
    MediaGoneError,
    MediaThrottledError,
    MediaUnavailableError,
)
from services.media.verdict import LIMIT
from tests.faults.hostile import made
from twin.core import files

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
Make = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """One file.

    Attributes:
        name: as printed. mime: as declared. state, reason: how it must end.
        make: its bytes. says: the bytes whose hash the message declares; None = it declares none.
        error: what the source raises instead. once: torn only the first time. aged: the message is 31 days old.
        scanner: whether one answers. never: must be in no copy of it. served_as: its type where it is served.
        slow: takes seconds to make or to give up on.
    """

    name: str
    mime: str
    state: Literal["ready", "failed", "quarantined", "pending"]
    reason: str = ""
    make: Make = lambda: b""
    says: Make | None = None
    error: type[Exception] | None = None
    once: bool = False
    aged: bool = False
    scanner: bool = True
    never: bytes = b""
    served_as: str = ""
    slow: bool = False


def _cut(make: Make, part: float = 0.6) -> Make:
    return lambda: make()[: int(len(make()) * part)]


def _film() -> bytes:
    return files.mp4("nota") + (5_000).to_bytes(4, "big") + b"mdat" + bytes(4_992)


CASES = (
    Case("foto sana", "image/jpeg", "ready", "", made.photo, made.photo),
    # It does not come, or not yet.
    Case("ya no está, 31 días después", "image/jpeg", "failed", "expired", error=MediaGoneError, aged=True),
    Case("no está (404)", "image/jpeg", "failed", "missing", error=MediaGoneError),
    Case("Meta la niega", "image/jpeg", "failed", "denied", error=MediaDeniedError),
    Case("Meta pide ir más despacio", "image/jpeg", "pending", "media_throttled", error=MediaThrottledError),
    Case("Meta no responde", "image/jpeg", "pending", "media_unavailable", error=MediaUnavailableError),
    Case("sin antivirus", "image/jpeg", "pending", "ScannerUnavailableError", made.photo, scanner=False),
    # It comes torn.
    Case("cero bytes", "image/jpeg", "failed", "zero_bytes"),
    Case("cortada en el camino, siempre", "image/jpeg", "quarantined", "truncated", _cut(made.photo), made.photo),
    Case("cortada en el camino, una vez", "image/jpeg", "ready", "", made.photo, made.photo, once=True),
    Case("otra foto que la anunciada", "image/jpeg", "quarantined", "hash_mismatch", made.photo, lambda: b"otra"),
    # It was broken when it was sent.
    Case("JPEG cortado de origen", "image/jpeg", "ready", "damaged", _cut(made.photo), _cut(made.photo)),
    Case("PNG cortado de origen", "image/png", "ready", "damaged", lambda: files.png("n")[:-20]),
    Case("MP4 cortado de origen", "video/mp4", "ready", "damaged", _cut(_film)),
    Case("PDF cortado de origen", "application/pdf", "ready", "damaged", _cut(lambda: files.pdf("n"))),
    Case("DOCX cortado de origen", DOCX, "ready", "damaged", _cut(lambda: files.docx("n"))),
    Case("ruido con nombre de foto", "image/jpeg", "ready", "damaged", lambda: b"\xff\xd8\xff\xe0" + bytes(900)),
    # It is not what it says.
    Case("página con nombre de foto", "image/jpeg", "quarantined", "mismatch", lambda: b"<!DOCTYPE html><html><body>x"),
    Case("PDF con nombre de foto", "image/jpeg", "quarantined", "mismatch", lambda: files.pdf("n")),
    Case("lista de direcciones con nombre de video", "video/mp4", "quarantined", "mismatch", made.playlist),
    Case("programa de Windows con nombre de foto", "image/jpeg", "quarantined", "program", lambda: made.program("windows")),
    Case("programa de Linux con nombre de PDF", "application/pdf", "quarantined", "program", lambda: made.program("linux")),
    Case("página como documento", "text/html", "ready", "no_preview", lambda: b"<!DOCTYPE html><html><script>1</script>", served_as="application/octet-stream"),
    Case("SVG con guion", "image/svg+xml", "ready", "no_preview", lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', served_as="application/octet-stream"),
    # It is two things.
    Case("foto con ZIP detrás", "image/jpeg", "quarantined", "polyglot", lambda: made.photo() + made.zipped("a.txt", b"x")),
    Case("foto con PDF dentro", "image/jpeg", "quarantined", "polyglot", lambda: files.jpeg("%PDF-1.4 %")),
    Case("foto con PHP detrás", "image/jpeg", "quarantined", "polyglot", lambda: made.photo() + b"<?php echo 1;"),
    Case("GIF que es guion", "image/gif", "quarantined", "polyglot", made.polyglot_gif),
    Case("PDF con ZIP detrás", "application/pdf", "quarantined", "polyglot", lambda: files.pdf("n") + made.zipped("a.txt", b"x")),
    # It swells.
    Case("DOCX que crece a 500 MB", DOCX, "quarantined", "bomb", lambda: made.docx({"word/x.bin": bytes(500_000_000)}), slow=True),
    Case("DOCX con entradas encimadas", DOCX, "quarantined", "bomb", made.overlapping),
    Case("ZIP dentro de ZIP dentro de ZIP", DOCX, "quarantined", "bomb", lambda: made.nested(90, 5_000_000), slow=True),
    Case("GZIP que crece a 200 MB", "application/gzip", "quarantined", "bomb", made.gzip_bomb, slow=True),
    Case("PNG de 50,000 x 50,000", "image/png", "quarantined", "bomb", lambda: made.png(50_000, 50_000, 10)),
    Case("JPEG de 65,000 x 65,000", "image/jpeg", "quarantined", "bomb", lambda: made.jpeg_says(65_000, 65_000)),
    Case("más de 100 MB", "application/pdf", "quarantined", "too_large", lambda: b"%PDF-1.4\n" + bytes(LIMIT), slow=True),
    # It is costly to open.
    Case("PNG de 15,000 x 15,000", "image/png", "ready", "too_complex", lambda: made.png(15_000, 15_000), slow=True),
    Case("PNG con comentario que crece a 100 MB", "image/png", "ready", "damaged", made.png_text_bomb),
    Case("PDF que dibuja sin fin", "application/pdf", "ready", "too_complex", lambda: made.pdf_bomb(90_000_000), slow=True),
    # It cannot be looked into.
    Case("PDF con contraseña", "application/pdf", "quarantined", "encrypted", made.locked_pdf),
    Case("PDF que solo impide cambiarlo", "application/pdf", "ready", "", made.restricted_pdf),
    Case("DOCX con contraseña", DOCX, "quarantined", "encrypted", made.locked_office),
    Case("DOCX de entradas cifradas", DOCX, "quarantined", "encrypted", made.locked_zip),
    # It is a threat.
    Case("EICAR", "text/plain", "quarantined", "infected", lambda: EICAR),
    Case("EICAR dentro de un DOCX", DOCX, "quarantined", "infected", lambda: made.docx({"word/nota.txt": EICAR})),
    Case("EICAR detrás de una foto", "image/jpeg", "quarantined", "infected", lambda: made.carrier(made.photo())),
    # It reaches out.
    Case("PDF con guion y archivo", "application/pdf", "ready", "", made.pdf_active, never=b"app.alert"),
    Case("DOCX que sale de su carpeta", DOCX, "ready", "no_preview", lambda: made.docx({"../../etc/cron.d/x": b"y"}), never=b"cron.d"),
    Case("DOCX con entidad externa", DOCX, "ready", "no_preview", lambda: made.docx({"word/x.xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'}), never=b"root:"),
    Case("video que apunta a otro archivo", "video/mp4", "ready", "damaged", made.pointing_film, never=b"root:"),
)  # fmt: skip
