"""What search needs of its index: versioned writes of whole documents, and a search over a parsed query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from shared.errors import RetryAfter

RETRY_S = 2.0  # how long a write waits for an index that does not answer

Kind = Literal["messages", "conversations"]


class IndexUnavailableError(RetryAfter):
    """No answer in time, throttled or a server fault: nothing is known of the effect. Handlers let it pass."""

    def __init__(self, why: str) -> None:
        super().__init__(RETRY_S, "index_unavailable")
        self.why = why


class IndexTimeoutError(IndexUnavailableError):
    """The question was too heavy for the time it had."""


@dataclass(frozen=True, slots=True)
class Write:
    """One document at one revision; an older one that comes later is ignored by the index.

    Attributes:
        id: message_id or conversation_id.
        version: the item's rev.
        document: the whole document; None deletes.
        month: `YYYY.MM` of kept_at, which names the index; None on a delete whose month is not known.
        again: an equal version overwrites too (what is indexed of it changed, the item did not).
    """

    kind: Kind
    id: str
    version: int
    document: Mapping[str, Any] | None = None
    month: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """done (stored, or the index holds a newer one) | retry | rejected for good; `reason` is a label."""

    status: Literal["done", "retry", "rejected"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A question, parsed: what must match, what must not, and how to sort. All terms are as typed.

    Attributes:
        words: each must match somewhere. phrases: each must stand as written. without: none may.
        prefix: the last word while it is being typed: a word that begins so, or the word itself.
        hashtags: exact keywords, each required.
        phones: numbers of which one is mentioned, or one owns the thread; `owned` are such threads.
        conversation_ids: None = all.
        types, directions: any of them; empty = all but reactions, edits and revokes.
        from_ms, to_ms: bounds of ts, from inclusive, to exclusive.
        former: whether earlier wordings of edited messages are searched too.
        revoked: whether messages their authors deleted are found.
        fuzzy: forgive typing errors in the words. cheap: only what is quickest to answer.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    prefix: str | None = None
    hashtags: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] | None = None
    types: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    sort: Literal["relevance", "newest"] = "relevance"
    former: bool = True
    revoked: bool = True
    fuzzy: bool = False
    cheap: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A message found: its facts, where the words stand (HTML-escaped, marked with <mark>), its sort values."""

    facts: Mapping[str, Any]
    highlights: Mapping[str, Sequence[str]]
    sort: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits; `total` counts at most to 1,000 (`exact` says whether it is the whole number)."""

    hits: Sequence[Hit]
    total: int
    exact: bool
    partial: bool = False
    after: Sequence[Any] | None = field(default=None)


class Index(Protocol):
    """The search engine."""

    async def ensure(self, month: str) -> None:
        """Mappings, templates and the month's index stand; again is no error."""
        ...

    async def apply(self, writes: Sequence[Write]) -> list[Outcome]:
        """Write a batch; one outcome each, in order. Raises IndexUnavailableError for the whole batch."""
        ...

    async def forget(self, contact_id: str) -> None:
        """Remove every message document of a person. Raises IndexUnavailableError."""
        ...

    async def get(self, kind: Kind, id: str) -> tuple[int, Mapping[str, Any]] | None:  # noqa: A002 - its name
        """Version and document as stored, for audits and tests; not for searching."""
        ...

    async def search(
        self, query: Query, limit: int, after: Sequence[Any] | None = None, timeout_s: float = 1.0
    ) -> Found:
        """One page. Raises IndexTimeoutError, IndexUnavailableError."""
        ...

    async def resolve(self, name: str, limit: int = 100) -> list[str]:
        """conversation_ids whose alias, name or tag matches; nothing of protected people but the alias."""
        ...

    async def refresh(self) -> None:
        """Make what is written visible now; for tests and audits, searches see it within 1 s anyway."""
        ...
