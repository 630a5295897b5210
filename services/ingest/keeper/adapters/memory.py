"""The index and the CDN from the keeper's side, in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.ingest.keeper.ports import Document, EdgesUnavailableError, SearchUnavailableError


@dataclass
class MemorySearch:
    """Documents by message_id: (contact_id, revision); threads by conversation_id: (contact_id, named)."""

    messages: dict[str, tuple[str, int]] = field(default_factory=dict)
    threads: dict[str, tuple[str, bool]] = field(default_factory=dict)
    fail: bool = False

    async def forget(self, contact_ids: Sequence[str]) -> int:
        """Remove every document of these people."""
        await self._reach()
        messages = [name for name, (owner, _) in self.messages.items() if owner in contact_ids]
        threads = [name for name, (owner, named) in self.threads.items() if owner in contact_ids and named]
        for name in messages:
            del self.messages[name]
        for name in threads:
            del self.threads[name]
        return len(messages) + len(threads)

    async def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents."""
        await self._reach()
        for each in documents:
            self.messages.pop(each.message_id, None)

    async def missing(self, documents: Sequence[Document]) -> frozenset[str]:
        """message_ids that are not held at this revision or a later one."""
        await self._reach()
        return frozenset(
            each.message_id for each in documents if self.messages.get(each.message_id, ("", 0))[1] < each.rev
        )

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self.fail:
            raise SearchUnavailableError("unreachable")


@dataclass
class MemoryEdges:
    """Copies by path; `asked`: reference -> the paths that were to be forgotten."""

    copies: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fail: bool = False

    async def forget(self, paths: Sequence[str], reference: str) -> None:
        """Drop copies."""
        await asyncio.sleep(0)
        if self.fail:
            raise EdgesUnavailableError("unreachable")
        self.asked[reference] = tuple(paths)
        for path in paths:
            self.copies.pop(path, None)
