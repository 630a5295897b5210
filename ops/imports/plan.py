"""From files to chats that can be written: who is who, how dates are read, what a first pass counts. No record."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from ops.imports import names as who
from ops.imports.chat import Chat, Files, Found, Message, Rejected, Tally
from ops.imports.dates import Order
from ops.imports.exporter import open_exported
from ops.imports.names import Cast, Names
from ops.imports.parse import Reading, Survey, messages, survey
from ops.imports.reasons import BadFileError
from ops.imports.source import Text, open_text

_SHOWN = 200  # rejected lines a chat that are listed


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read."""

    zone: ZoneInfo
    today: date
    names: Names
    order: Order | None = None
    group: bool | None = None
    title: str = ""
    keep_rejects: bool = False


class TextChat:
    """A chat's text, read in its own way."""

    def __init__(self, text: Text, reading: Reading, options: Options) -> None:
        self._text = text
        self._reading = reading
        self.title = options.title or text.title
        self.group = options.group
        self.phone: str | None = None
        self.key: str | None = None
        self.files: Files = text.files

    def found(self) -> Iterator[Found]:
        """Messages and rejected lines, read anew at each call."""
        return messages(self._text.lines(), self._reading, self.files.has)


@dataclass(slots=True)
class Planned:
    """A chat, counted.

    Attributes:
        id: hash of where it stands in which file; no name.
        cast: who is who; None where `asks` says what a person must tell before it can be written.
        error: why it cannot even be read.
        rejected: the first rejected lines.
    """

    id: str
    file: str
    chat: Chat | None
    tally: Tally = field(default_factory=Tally)
    cast: Cast | None = None
    order: Order | None = None
    form: str = ""
    rejected: list[Rejected] = field(default_factory=list)
    asks: str = ""
    error: str = ""


def plan(paths: Sequence[Path], options: Options) -> list[Planned]:
    """Every chat of the files, counted; a file that cannot be read is one entry with its error."""
    return [found for number, path in enumerate(paths) for found in _file(number, path, options)]


def _file(number: int, path: Path, options: Options) -> list[Planned]:
    try:
        if path.suffix.lower() == ".json":
            chats = open_exported(path)
            return [
                _planned(f"{number}.{at}", path, chat, options, form="exporter")
                for at, chat in enumerate(chats)
            ]
        return [_text(number, path, options)]
    except (BadFileError, OSError) as error:
        return [Planned(_id(str(number)), path.name, None, error=_said(error))]


def _text(number: int, path: Path, options: Options) -> Planned:
    text = open_text(path)
    found = survey(text.lines(), options.today)
    if found.shape is None:
        raise BadFileError("ninguna línea tiene la forma de un mensaje exportado de WhatsApp")
    order = options.order or found.order
    chat = TextChat(text, _reading(found, order, options), options)
    planned = _planned(
        str(number), path, chat, options, form="ios" if found.shape[0] == "bracket" else "android"
    )
    planned.order = order
    if order is None:
        planned.error = "sus fechas se pueden leer día/mes o mes/día y nada en el archivo lo decide: repita con --day-first o --month-first"
    return planned


def _reading(found: Survey, order: Order | None, options: Options) -> Reading:
    assert found.shape is not None  # noqa: S101 - looked at by the caller
    return Reading(found.shape, order or "day-first", options.zone, options.today, options.keep_rejects)


def _planned(key: str, path: Path, chat: Chat, options: Options, *, form: str) -> Planned:
    planned = Planned(_id(key), path.name, chat, form=form)
    own: dict[str, None] = {}
    known = False
    for found in chat.found():
        planned.tally.add(found, chat.files.has)
        if isinstance(found, Rejected) and len(planned.rejected) < _SHOWN:
            planned.rejected.append(found)
        if isinstance(found, Message) and found.mine is not None:
            known = True
            own |= {found.sender: None} if found.mine and found.sender else {}
    try:
        planned.cast = who.cast(
            chat.title,
            [one for one in planned.tally.senders if one not in own],
            options.names,
            group=chat.group,
            known=known,
        )
    except BadFileError as error:
        planned.asks = _said(error)
    return planned


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, BadFileError) else f"no se puede leer: {type(error).__name__}"
