"""The index in memory: versions, months and words as OpenSearch keeps them, without stemming.

For the simulator and unit tests; it passes the port's contract suite. It folds and compares whole words, so
what only a Spanish analyzer finds («casas» for «casa») it does not.
"""

import asyncio
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.search.dsl import COUNTED, FACTS, SILENT_TYPES, searched
from services.search.fold import fold
from services.search.mapping import FORMER
from services.search.port import Found, Hit, IndexUnavailableError, Kind, Outcome, Query, Write

_WORD = re.compile(r"\w+")
_Key = tuple[Kind, str, str]  # kind, month, id


@dataclass(frozen=True, slots=True)
class _Stored:
    version: int
    document: Mapping[str, Any] | None  # None = tombstone


class MemoryIndex:
    """A dict of versioned documents; `fail` makes it unreachable, `visible` is what searches see."""

    def __init__(self) -> None:
        self._stored: dict[_Key, _Stored] = {}
        self.fail = False
        self.batches: list[int] = []

    async def ensure(self, month: str) -> None:
        """Nothing is needed."""
        await self._reach()
        del month

    async def apply(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write a batch; one outcome each, in order."""
        await self._reach()
        self.batches.append(len(writes))
        return [self._write(write) for write in writes]

    async def forget(self, contact_id: str) -> None:
        """Remove every message document of a person."""
        await self._reach()
        for key, stored in list(self._stored.items()):
            if (
                stored.document is not None
                and key[0] == "messages"
                and stored.document["contact_id"] == contact_id
            ):
                self._stored[key] = replace(stored, document=None, version=stored.version + 1)

    async def get(self, kind: Kind, id: str) -> tuple[int, Mapping[str, Any]] | None:  # noqa: A002 - its name
        """Version and document as stored."""
        await self._reach()
        for key, stored in self._stored.items():
            if key[0] == kind and key[2] == id and stored.document is not None:
                return stored.version, stored.document
        return None

    async def search(
        self, query: Query, limit: int, after: Sequence[Any] | None = None, timeout_s: float = 1.0
    ) -> Found:
        """One page, newest first whatever the sort: it has no scores."""
        await self._reach()
        del timeout_s
        matching = [document for document in self._documents("messages") if _matches(document, query)]
        rows = sorted(matching, key=_position)
        rest = [row for row in rows if after is None or _position(row) > tuple(after)]
        hits = [_hit(row, query) for row in rest[:limit]]
        more = hits[-1].sort if len(rest) > limit else None
        return Found(hits, min(len(rows), COUNTED), len(rows) <= COUNTED, after=more)

    async def resolve(self, name: str, limit: int = 100) -> list[str]:
        """conversation_ids whose alias, name or tag matches."""
        await self._reach()
        wanted = _tokens(name)
        found = [each for each in self._documents("conversations") if _named(each, name, wanted)]
        return sorted(each["conversation_id"] for each in found)[:limit]

    async def refresh(self) -> None:
        """Nothing is hidden."""
        await self._reach()

    def documents(self, kind: Kind) -> dict[str, tuple[int, Mapping[str, Any]]]:
        """Everything stored, by id, for the simulator's auditor."""
        rows = self._stored.items()
        return {
            key[2]: (row.version, row.document)
            for key, row in rows
            if key[0] == kind and row.document is not None
        }

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self.fail:
            raise IndexUnavailableError("unreachable")

    def _documents(self, kind: Kind) -> list[Mapping[str, Any]]:
        return [document for _, document in self.documents(kind).values()]

    def _write(self, write: Write) -> Outcome:
        keys: list[_Key] = [(write.kind, write.month or "", write.id)]
        if write.kind == "messages" and write.month is None:
            keys = [key for key in self._stored if key[0] == "messages" and key[2] == write.id]
        for key in keys:
            held = self._stored.get(key)
            newer = (
                held is None
                or write.version > held.version
                or (write.again and write.version == held.version)
            )
            if newer:
                self._stored[key] = _Stored(write.version, write.document)
        return Outcome("done")


def _position(document: Mapping[str, Any]) -> tuple[int, str]:
    return -document["ts"], document["message_id"]


def _hit(document: Mapping[str, Any], query: Query) -> Hit:
    facts = {name: document[name] for name in FACTS if name in document}
    return Hit(facts, {} if query.cheap else _highlights(document, query), list(_position(document)))


def _tokens(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _texts(document: Mapping[str, Any], query: Query) -> Iterator[tuple[str, str]]:
    for name in searched(query):
        for text in document.get(name, ()):
            yield name, text


def _has(document: Mapping[str, Any], query: Query, wanted: list[str], *, unfinished: bool = False) -> bool:
    """Whether the tokens stand side by side in one text; the last may go on where it is unfinished."""
    return not wanted or any(
        _inside(_tokens(text), wanted, unfinished) for _, text in _texts(document, query)
    )


def _inside(tokens: list[str], wanted: list[str], unfinished: bool) -> bool:  # noqa: FBT001 - internal
    for start in range(len(tokens) - len(wanted) + 1):
        *head, last = tokens[start : start + len(wanted)]
        if head == wanted[:-1] and (last == wanted[-1] or (unfinished and last.startswith(wanted[-1]))):
            return True
    return False


def _matches(document: Mapping[str, Any], query: Query) -> bool:
    return (
        not document.get("protected")
        and all(_has(document, query, _tokens(word)) for word in (*query.words, *query.phrases))
        and (query.prefix is None or _has(document, query, _tokens(query.prefix), unfinished=True))
        and not any(_tokens(word) and _has(document, query, _tokens(word)) for word in query.without)
        and (query.revoked or not document.get("revoked"))
        and _keywords(document, query, "hashtags").issuperset(query.hashtags)
        and (not query.phones or _about(document, query))
        and _allowed(document, query)
    )


def _keywords(document: Mapping[str, Any], query: Query, field: str) -> set[str]:
    former = document.get(f"{FORMER}_{field}", ()) if query.former else ()
    return {*document.get(field, ()), *former}


def _about(document: Mapping[str, Any], query: Query) -> bool:
    mentioned = not _keywords(document, query, "phones").isdisjoint(query.phones)
    return mentioned or document["conversation_id"] in query.owned


def _allowed(document: Mapping[str, Any], query: Query) -> bool:
    kind = document["type"]
    return (
        (kind in query.types if query.types else kind not in SILENT_TYPES)
        and (not query.directions or document["direction"] in query.directions)
        and (query.conversation_ids is None or document["conversation_id"] in query.conversation_ids)
        and (query.from_ms is None or document["ts"] >= query.from_ms)
        and (query.to_ms is None or document["ts"] < query.to_ms)
    )


def _highlights(document: Mapping[str, Any], query: Query) -> dict[str, list[str]]:
    wanted = {token for text in (*query.words, *query.phrases) for token in _tokens(text)}
    begun = tuple(_tokens(query.prefix or ""))
    found: dict[str, list[str]] = {}
    for name, text in _texts(document, query):
        marked = _marked(text, wanted, begun)
        if "<mark>" in marked:
            found.setdefault(name, []).append(marked)
    return found


def _marked(text: str, wanted: set[str], begun: tuple[str, ...]) -> str:
    pieces, end = [], 0
    for match in _WORD.finditer(text):
        token = fold(match.group())
        if token in wanted or token.startswith(begun or ("\0",)):
            pieces += [html.escape(text[end : match.start()]), f"<mark>{html.escape(match.group())}</mark>"]
            end = match.end()
    return "".join([*pieces, html.escape(text[end:])])


def _named(document: Mapping[str, Any], name: str, wanted: list[str]) -> bool:
    if fold(name) in document.get("tags", ()):
        return True
    texts = [document.get("alias", ""), *document.get("name", ())]
    return bool(wanted) and any(_spells(_tokens(text), wanted) for text in texts)


def _spells(tokens: list[str], wanted: list[str]) -> bool:
    *whole, last = wanted
    return all(each in tokens for each in whole) and any(each.startswith(last) for each in tokens)
