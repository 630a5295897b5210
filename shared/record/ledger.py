"""The erasure ledger: who was erased and when, so that nothing older ever comes back.

It is kept twice. An alias keeps `erased_at` for good, which every resolve of a person reads anyway; and each
erasure lies as one object in the raw bucket, so that a restored table, which knows nothing of what was erased
since its backup, can be cleaned again before it serves. Both hold HMACs and our ids, nothing of the person.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from shared.objects.port import Objects
from shared.record.codec import dumps, loads
from shared.record.inbound import Origin
from shared.vault.port import KeyDestroyedError

PREFIX = "erased/"


class PersonErasedError(KeyDestroyedError):
    """What was said is older than the erasure of who said it: drop and count; never poison."""

    def __init__(self) -> None:
        super().__init__("said before its person was erased")


def older(erased_at: int, origin: Origin, ts_s: int | None) -> bool:
    """Whether something was said before an erasure (ms, 0 = never erased).

    The earlier of what the payload says and its arrival counts, for Meta delivers again for 7 days. Meta's
    times are whole seconds: what was said in the very second of the erasure is kept. An import's arrival is a
    line number, so only its printed time counts.
    """
    if not erased_at:
        return False
    said = None if ts_s is None else ts_s * 1000 + 999
    if origin.source == "import":
        return said is not None and said < erased_at
    return min(origin.at_ms, origin.at_ms if said is None else said) < erased_at


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is erased: ids and HMACs only.

    Attributes:
        erasure_id: of the request. erased_at: ms; nothing older may be kept or come back.
        contact_ids: the person's contacts, merged ones included, the surviving one first.
        conversation_ids: their 1:1 threads. aliases: keys of their alias items.
    """

    erasure_id: str
    erased_at: int
    contact_ids: tuple[str, ...]
    conversation_ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Ledger:
    """The ledger's objects.

    Args:
        raw: the raw bucket.
    """

    def __init__(self, raw: Objects) -> None:
        self._raw = raw

    async def keep(self, subject: Subject) -> None:
        """Write an erasure down, before anything is erased; again it only becomes more complete."""
        await self._raw.put(_key(subject.erasure_id), dumps(asdict(subject)), content_type="application/json")

    async def entries(self) -> AsyncIterator[Subject]:
        """Every erasure there was, oldest first."""
        async for info in self._raw.list(PREFIX):
            yield read(loads(await self._raw.get(info.key)))


def read(known: dict[str, object]) -> Subject:
    """A subject from its JSON object or item."""
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return Subject(**{**known, **lists})  # type: ignore[arg-type] # as asdict() wrote it


def _key(erasure_id: str) -> str:
    return f"{PREFIX}{erasure_id}.json"
