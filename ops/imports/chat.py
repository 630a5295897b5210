"""What every source of an import yields: messages and rejected lines of one chat, and what they add up to."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ops.imports.said import Said

Class = Literal["messages", "system", "media"]
_CAPS = ((10_000, True), (40_000, False))  # facts: WhatsApp cuts its exports there, oldest first
_NEAR = 0.025


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an export.

    Attributes:
        line: where it begins, from 1; lines: how many it takes.
        at_s: when, in seconds since the epoch.
        sender: as printed, tidied; None for a notice of WhatsApp's.
        said: what it says. printed: its text exactly as it stood.
        mine: written by the owner of the phone, where the source knows.
    """

    line: int
    lines: int
    at_s: int
    sender: str | None
    said: Said
    printed: str
    mine: bool | None = None

    @property
    def counted_as(self) -> Class:
        """Its first line's class; the other ones continue it."""
        return {"media": "media", "system": "system"}.get(self.said.kind, "messages")  # type: ignore[return-value] # the mapping's values are the literals


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that belongs to no message for certain; `why` is a word of reasons.py."""

    line: int
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line before the first message."""

    line: int


Found = Message | Rejected | Blank


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an export: its size, and its bytes, opened anew each time.

    Raises OSError or BadFileError from `read` where it is damaged.
    """

    size: int
    read: Callable[[], AsyncIterator[bytes]]


class Files(Protocol):
    """The files that came with a chat."""

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        ...

    def get(self, name: str) -> Attachment | None:
        """The file; None where there is none that may be read."""
        ...


class Chat(Protocol):
    """One chat of a file.

    Attributes:
        title: whom or what it is with, as the file is called; empty where that does not say.
        group: whether it is a group, where the source knows.
        phone: digits of the other person's number, where the source knows.
        key: what tells a group from another one of the same title, where the source has it.
    """

    title: str
    group: bool | None
    phone: str | None
    key: str | None
    files: Files

    def found(self) -> Iterator[Found]:
        """Messages and rejected lines in their order, read anew at each call."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts of a chat; messages + system + media + continuation + rejected = lines."""

    messages: int = 0
    system: int = 0
    media: int = 0
    continuation: int = 0
    rejected: int = 0
    senders: Counter[str] = field(default_factory=Counter)
    first_s: int | None = None
    last_s: int | None = None
    attached: int = 0
    omitted: int = 0
    missing: int = 0
    back: int = 0

    @property
    def lines(self) -> int:
        """All of them."""
        return self.messages + self.system + self.media + self.continuation + self.rejected

    @property
    def entries(self) -> int:
        """Messages of any kind."""
        return self.messages + self.system + self.media

    def add(self, found: Found, has: Callable[[str], bool]) -> None:
        """Count one."""
        if isinstance(found, Rejected):
            self.rejected += 1
        elif isinstance(found, Blank):
            self.continuation += 1
        else:
            self._message(found, has)

    def _message(self, found: Message, has: Callable[[str], bool]) -> None:
        setattr(self, found.counted_as, getattr(self, found.counted_as) + 1)
        self.continuation += found.lines - 1
        if found.sender is not None and found.said.kind != "system":
            self.senders[found.sender] += 1
        self._times(found.at_s)
        if found.said.kind == "media":
            self._file(found.said.file, has)

    def capped(self) -> bool:
        """Whether WhatsApp may have cut the export: 40,000 messages without files, 10,000 with them."""
        with_files = self.attached > 0
        return any(files == with_files and abs(self.entries - cap) <= cap * _NEAR for cap, files in _CAPS)

    def _times(self, at_s: int) -> None:
        self.back += self.last_s is not None and at_s < self.last_s - _DAY_S
        self.first_s = at_s if self.first_s is None else min(self.first_s, at_s)
        self.last_s = at_s if self.last_s is None else max(self.last_s, at_s)

    def _file(self, file: str | None, has: Callable[[str], bool]) -> None:
        if file is None:
            self.omitted += 1
        elif has(file):
            self.attached += 1
        else:
            self.missing += 1


_DAY_S = 86_400
