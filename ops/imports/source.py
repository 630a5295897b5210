"""The files given: a ZIP or a bare text as WhatsApp exports it, or whatsapp-chat-exporter's JSON.

A ZIP is somebody's upload: names that leave the folder, links, encryption, twins, bombs (ratio, size, count)
refuse it whole. Nothing is ever unpacked to disk or read whole: text by lines, files by chunks.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ops.imports import words
from ops.imports.chat import Attachment
from ops.imports.reasons import BadFileError

MIB = 1024 * 1024
MOST_FILES = 50_000  # WhatsApp puts at most 10,000 messages' files into one export
MOST_BYTES = 64 * 1024 * MIB
MOST_TEXT = 2 * 1024 * MIB  # 40,000 messages of the longest text
MOST_RATIO = 200  # of files above 1 MiB; DEFLATE's own limit is 1032, chats reach 20
LONGEST_LINE = 1024 * 1024
CHUNK = 1024 * 1024
_ENCRYPTED = 0x1
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
)  # what zipfile raises while reading


@dataclass(frozen=True, slots=True)
class Text:
    """A chat's text and what lies beside it.

    Attributes:
        title: whom it is with, as the file is called; empty where that does not say.
        lines: opens the text anew and yields its lines without their ends.
        size: of the text in bytes.
    """

    title: str
    lines: Callable[[], Iterator[str]]
    files: "Zipped | Folder"
    size: int


def open_text(path: Path) -> Text:
    """A ZIP or a bare text. Raises BadFileError."""
    if zipfile.is_zipfile(path):
        return _zipped(path)
    if not path.is_file():
        raise BadFileError("no existe o no es un archivo")
    return Text(title_of(path.stem), lambda: _lines(path.open("rb")), Folder(path), path.stat().st_size)


def title_of(stem: str) -> str:
    """Whom a chat is with, from the name of its file: `Chat de WhatsApp con Ana (1)` is `Ana`."""
    for prefix in words.TITLES:
        if stem.casefold().startswith(prefix.casefold()):
            rest = stem[len(prefix) :].strip()
            base, bracket, number = rest.rpartition(" (")
            return base if bracket and number.rstrip(")").isdigit() else rest
    return ""


def _zipped(path: Path) -> Text:
    files = Zipped(path)
    chat = files.chat()
    title = title_of(path.stem) or title_of(PurePosixPath(chat.filename).stem)
    return Text(title, lambda: _lines(files.open(chat.filename)), files, chat.file_size)


class Zipped:
    """The members of a ZIP, looked at before the first is read. Raises BadFileError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as opened:
                infos = [info for info in opened.infolist() if not info.is_dir()]
        except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeDecodeError) as error:
            raise BadFileError("el ZIP está dañado o incompleto: exporte el chat otra vez") from error
        _harmless(infos)
        self._infos = {PurePosixPath(info.filename).name: info for info in infos}
        if len(self._infos) != len(infos):
            raise BadFileError("el ZIP tiene dos archivos con el mismo nombre")

    def chat(self) -> zipfile.ZipInfo:
        """The member that is the chat's text."""
        texts = [info for name, info in self._infos.items() if name.lower().endswith(".txt")]
        own = [info for info in texts if "whatsapp" in info.filename.casefold()]
        named = [info for info in texts if PurePosixPath(info.filename).name == "_chat.txt"]
        for chosen in (named, own, texts):
            if len(chosen) == 1:
                return chosen[0]
        raise BadFileError("el ZIP no tiene el texto de un chat (_chat.txt o «Chat de WhatsApp con ….txt»)")

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self._infos

    def get(self, name: str) -> Attachment | None:
        """A member, read by chunks."""
        info = self._infos.get(name)
        return None if info is None else Attachment(info.file_size, lambda: self._chunks(info.filename))

    def open(self, member: str) -> io.BufferedReader:
        """A member's bytes; closing it closes the ZIP."""
        return _Member(zipfile.ZipFile(self._path), member)

    async def _chunks(self, member: str) -> AsyncIterator[bytes]:
        try:
            with self.open(member) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except DAMAGED as error:
            raise BadFileError("un archivo del ZIP está dañado") from error


class _Member(io.BufferedReader):
    def __init__(self, archive: zipfile.ZipFile, member: str) -> None:
        self._archive = archive
        super().__init__(archive.open(member))  # type: ignore[arg-type] # ZipExtFile reads like a raw stream

    def close(self) -> None:
        super().close()
        self._archive.close()


def _harmless(infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a ZIP that would do harm unpacked, though it never is. Raises BadFileError."""
    if len(infos) > MOST_FILES:
        raise BadFileError(f"el ZIP tiene {len(infos)} archivos; se aceptan {MOST_FILES}")
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise BadFileError(f"el ZIP desempacado pasa de {MOST_BYTES // MIB // 1024} GiB")
    for info in infos:
        why = _harm(info)
        if why is not None:
            raise BadFileError(f"el ZIP {why}: no se importa nada de él")


def _harm(info: zipfile.ZipInfo) -> str | None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in info.orig_filename:
        return "tiene un nombre que sale de su carpeta"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return "tiene un enlace o un archivo especial"
    if info.flag_bits & _ENCRYPTED:
        return "está cifrado con contraseña"
    if info.file_size > MIB and info.file_size > MOST_RATIO * max(1, info.compress_size):
        return "tiene un archivo que crece demasiado al abrirlo"
    if path.name.lower().endswith(".txt") and info.file_size > MOST_TEXT:
        return f"tiene un texto de más de {MOST_TEXT // MIB} MiB"
    return None


class Folder:
    """The files beside a bare text; links are not followed."""

    def __init__(self, beside: Path) -> None:
        self._root = beside.parent

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        return self._path(name) is not None

    def get(self, name: str) -> Attachment | None:
        """A file, read by chunks."""
        path = self._path(name)
        return None if path is None else Attachment(path.stat().st_size, lambda: _file(path))

    def _path(self, name: str) -> Path | None:
        """A regular file inside the folder, reached through no link."""
        parts = PurePosixPath(name).parts
        if not parts or "\0" in name or PurePosixPath(name).is_absolute() or ".." in parts:
            return None
        path = self._root
        for part in parts:
            path /= part
            if path.is_symlink():
                return None
        return path if path.is_file() else None


async def _file(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _lines(stream: io.BufferedReader) -> Iterator[str]:
    """Lines of a text in UTF-8 or, with its mark, UTF-16. Raises BadFileError."""
    number = 0
    try:
        with _decoded(stream) as text:
            for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE + 1), ""), 1):
                if len(line) > LONGEST_LINE:
                    raise BadFileError(f"la línea {number} pasa de 1 MiB: no es un chat exportado")
                yield line.removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadFileError(
            f"hacia la línea {number + 1} no es UTF-8: guarde el archivo como UTF-8"
        ) from error
    except DAMAGED as error:
        raise BadFileError("el texto del chat está dañado: exporte el chat otra vez") from error


def _decoded(stream: io.BufferedReader) -> io.TextIOWrapper:
    """A text of which only a line feed ends a line."""
    head = stream.peek(2)[:2]
    encoding = "utf-16" if head in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return io.TextIOWrapper(stream, encoding, newline="\n")
