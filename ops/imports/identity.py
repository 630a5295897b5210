"""What makes two lines of two exports the same message (CONTRACTS s.1, decision 0007). Pure.

Minute, side or sender, words, and the place among equals: no file name, no seconds, no marks, no kind of file,
for another phone or an export without files prints none of them alike.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from ops.imports.plain import canonical
from ops.imports.said import Said

_SAME = {"location": "text"}


@dataclass(frozen=True, slots=True)
class Line:
    """A message's identity in its chat, and its place in its minute."""

    minute: int
    sender: str
    content: str
    ordinal: int
    place: int


@dataclass(slots=True)
class Lines:
    """Gives each message of a chat its identity, in the file's order."""

    _equals: Counter[bytes] = field(default_factory=Counter)
    _minutes: Counter[int] = field(default_factory=Counter)

    def of(self, at_s: int, sender: str, said: Said) -> Line:
        """The next message's."""
        minute, content = at_s // 60, content_of(said)
        key = hashlib.blake2b(
            f"{minute}\0{sender}\0{content}".encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()
        ordinal, place = self._equals[key], self._minutes[minute]
        self._equals[key] += 1
        self._minutes[minute] += 1
        return Line(minute, sender, content, ordinal, place)


def content_of(said: Said) -> str:
    """SHA-256 of what a message says: the same with or without its file, and whatever votes a poll has by now."""
    kind = _SAME.get(said.kind, said.kind)
    return hashlib.sha256(f"{kind}\n{_words(said)}".encode("utf-8", "surrogatepass")).hexdigest()


def _words(said: Said) -> str:
    if said.kind == "deleted":
        return ""
    words = canonical(said.text)
    return "".join(words.split("\n")[1:2]) if said.kind == "poll" else words
