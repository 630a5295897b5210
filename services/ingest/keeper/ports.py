"""What the keeper needs of the search index and of the CDN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class SearchUnavailableError(Exception):
    """No answer or a server fault: nothing is known of the effect."""


@dataclass(frozen=True, slots=True)
class Document:
    """A message as the index holds it: its id, when it was first kept (which index it lies in), its revision."""

    message_id: str
    kept_at: int
    rev: int


class SearchPlace(Protocol):
    """The index, from the keeper's side. Each call raises SearchUnavailableError."""

    async def forget(self, contact_ids: Sequence[str]) -> int:
        """Remove every message document of these people, and every thread's that still names them; how many."""
        ...

    async def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents, whatever revision they are at; none of an older one comes back."""
        ...

    async def missing(self, documents: Sequence[Document]) -> frozenset[str]:
        """message_ids that the index does not hold at this revision or a later one."""
        ...


class EdgesUnavailableError(Exception):
    """No answer, throttled, or too many requests under way: nothing is known of the effect."""


class Edges(Protocol):
    """The CDN, from the keeper's side."""

    async def forget(self, paths: Sequence[str], reference: str) -> None:
        """Ask that no copy of these be served any more. Again with the same reference it is the same request.

        Args:
            paths: of objects, each from its first slash on; at most 3,000.
            reference: of the request; the same for the same paths.

        Raises EdgesUnavailableError.
        """
        ...
