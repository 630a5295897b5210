"""The JSON of whatsapp-chat-exporter (PyPI): all chats of a phone's backup, for nobody exports a thousand by hand.

Form (its data_model.py, 0.13): {"<jid>": {"name", "type", "messages": {"<id>": {"from_me", "timestamp" (s),
"media", "mime", "meta" (no message of a person), "data" (text with `<br>`, or a path), "sender" (in groups),
"caption", "sticker", "reply", ...}}}}. Files are paths beside the JSON.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from ops.imports.chat import Files, Found, Message, Rejected
from ops.imports.plain import name
from ops.imports.reasons import BadFileError
from ops.imports.said import Said, take_apart
from ops.imports.source import MIB, Folder

MOST_BYTES = 1024 * MIB
_BREAK = re.compile(r"\s?<br\s*/?>")
_TAG = re.compile(r"<[^<>]{1,300}>")
_PERSON = "@s.whatsapp.net"
_GROUP = "@g.us"
_MS = 9_999_999_999  # beyond this a timestamp is in ms


class ExportedChat:
    """One chat of the JSON.

    Args:
        key: its jid, where its name alone does not tell it from another group.
    """

    def __init__(self, jid: str, chat: Mapping[str, Any], files: Folder, key: str | None = None) -> None:
        self._messages: Mapping[str, Any] = chat["messages"]
        self.title = name(chat.get("name") or "")
        self.group: bool | None = jid.endswith(_GROUP)
        self.phone = jid.removesuffix(_PERSON) if jid.endswith(_PERSON) else None
        self.key = key
        self.files: Files = files

    def found(self) -> Iterator[Found]:
        """Its messages; the line is the message's number."""
        for number, row in enumerate(self._messages.values(), 1):
            yield self._message(number, row) or Rejected(number, "shape", orjson.dumps(row).decode()[:200])

    def _message(self, number: int, row: Any) -> Message | None:
        if not isinstance(row, dict):
            return None
        stamp = row.get("timestamp")
        if not isinstance(stamp, int | float) or not 0 < stamp < _MS * 1000:
            return None
        at_s = int(stamp / 1000 if stamp > _MS else stamp)
        printed = _text(row.get("data"))
        mine = bool(row.get("from_me"))
        said = self._said(row, printed)
        sender = None if said.kind == "system" else self._sender(row, mine=mine)
        return Message(number, 1, at_s, sender, said, printed, mine)

    def _sender(self, row: Mapping[str, Any], *, mine: bool) -> str:
        if mine:
            return "Tú"
        return name(str(row.get("sender") or "")) or self.title or self.phone or "?"

    def _said(self, row: Mapping[str, Any], printed: str) -> Said:
        caption = _text(row.get("caption"))
        if row.get("media"):
            path = str(row.get("data") or "")
            there = self.files.has(path)
            return Said("media", caption, path if there else None, _type(row))
        said = take_apart(printed, lambda _: False)
        if said.kind == "deleted":
            return said
        return Said("system", printed) if row.get("meta") else said


def open_exported(path: Path) -> list[ExportedChat]:
    """All chats of a JSON file. Raises BadFileError."""
    if path.stat().st_size > MOST_BYTES:
        raise BadFileError(f"pasa de {MOST_BYTES // MIB} MiB: vuelva a exportar con --per-chat")
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadFileError("no es JSON") from error
    if not isinstance(found, dict) or not all(_is_chat(chat) for chat in found.values()):
        raise BadFileError("no tiene la forma de whatsapp-chat-exporter: {jid: {name, messages}}")
    files = Folder(path)
    titles = Counter(name(chat.get("name") or "") for jid, chat in found.items() if jid.endswith(_GROUP))
    twins = {title for title, count in titles.items() if count > 1 or not title}
    return [
        ExportedChat(jid, chat, files, jid if name(chat.get("name") or "") in twins else None)
        for jid, chat in found.items()
    ]


def _is_chat(chat: Any) -> bool:
    return isinstance(chat, dict) and isinstance(chat.get("messages"), dict)


def _text(value: Any) -> str:
    """Text as a person wrote it: the tool writes line ends, and some of its notices, in HTML."""
    if not isinstance(value, str):
        return ""
    broken = _BREAK.sub("\n", value)
    return html.unescape(_TAG.sub("", broken)) if "<a " in broken else broken


def _type(row: Mapping[str, Any]) -> str | None:
    if row.get("sticker"):
        return "sticker"
    kind = str(row.get("mime") or "").partition("/")[0]
    if kind in {"image", "video", "audio"}:
        return kind
    return "document" if PurePosixPath(str(row.get("data") or "")).suffix else None
