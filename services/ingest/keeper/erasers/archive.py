"""What was archived: the envelopes themselves.

An envelope has no index of the people in it, and one message may lie in several, delivered again by Meta. So
the whole archive is walked, object by object: erasures are few, and what was walked is known to be clean.
"""

import asyncio
from collections.abc import AsyncIterator

from services.ingest.archive import Arrived, arrived
from services.ingest.archived import Archived
from services.ingest.keeper.mentions import Mentions
from services.ingest.keeper.rows import unsealed, written
from shared.objects.port import ObjectMissingError, Objects
from shared.queue.port import Message
from shared.record.accounts import account_id
from shared.record.erasure import Outcome
from shared.record.ledger import Subject
from shared.store.port import Store

PREFIXES = ("raw/eum/", "raw/connect/", "poison/")  # the witness holds no person
AT_ONCE = 16


class ArchiveEraser:
    """Raw envelopes and parked ones: rewritten without the person, or deleted where nothing else is in them."""

    place = "raw"

    def __init__(self, store: Store, raw: Objects, mentions: Mentions) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._mentions = mentions

    async def erase(self, subject: Subject) -> Outcome:
        """Walk the archive; one count an envelope."""
        count = 0
        async for keys in self._batches():
            count += sum(await asyncio.gather(*(self._one(key, subject) for key in keys)))
        return Outcome(count)

    async def _batches(self) -> AsyncIterator[list[str]]:
        batch: list[str] = []
        for prefix in PREFIXES:
            async for info in self._raw.list(prefix):
                batch.append(info.key)
                if len(batch) == AT_ONCE:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _one(self, key: str, subject: Subject) -> bool:
        try:
            body = await self._raw.get(key)
            first = arrived(Message("", body.decode("utf-8", "surrogatepass"), "", 1, 0), _queue(key))
            if self._mentions.gone(first, subject) == frozenset():
                return False
            found = await self._archived.read(key)
        except ObjectMissingError:
            return False
        gone = self._mentions.gone(found, subject)
        if gone is None:
            await self._raw.delete(key)
        elif gone:
            await self._archived.rewrite(found, gone, key)
            await self._account(found, gone)
        return gone != frozenset()

    async def _account(self, found: Arrived, gone: frozenset[int]) -> None:
        """What an envelope said of the account, sealed under no person's key, but with this person in it."""
        for position in sorted(gone):
            known = await self._store.get("ids", account_id(found.raw_id, position)) or {}
            if "at_pk" not in known:
                continue
            event = await self._store.get("policy", known["at_pk"], known["at_sk"])
            if event is not None and not event.get("erased"):
                await written(self._store, unsealed("policy", event))


def _queue(key: str) -> str:
    return "connect" if key.startswith("raw/connect/") else "ingest"
