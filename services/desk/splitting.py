"""Splitting a long text into messages WhatsApp takes, so that the reader sees that it goes on."""

from shared.whatsapp.bodies import MAX_TEXT

MAX_PARTS = 20  # 80,000 characters: beyond that it is a document
_MARK_ROOM = len("(99/99) ")
_BREAKS = ("\n\n", "\n", ". ", " ")
_LEAST = 0.5  # a break before half of a part makes it too short


def split(text: str, most: int = MAX_TEXT) -> list[str]:
    """The text in parts of at most `most` characters, marked `(1/3) ` where there is more than one.

    Nothing is lost: the parts without their marks, joined, are the text.
    """
    if len(text) <= most:
        return [text]
    room = most - _MARK_ROOM
    pieces: list[str] = []
    rest = text
    while rest:
        cut = _cut(rest, room)
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return [f"({n}/{len(pieces)}) {piece}" for n, piece in enumerate(pieces, 1)]


def _cut(text: str, room: int) -> int:
    """Where the next part ends: after the last paragraph, line, sentence or word that fits."""
    if len(text) <= room:
        return len(text)
    for mark in _BREAKS:
        at = text.rfind(mark, int(room * _LEAST), room - len(mark) + 1)
        if at >= 0:
            return at + len(mark)
    return room
