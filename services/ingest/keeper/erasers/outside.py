"""What lies outside of our tables and buckets: the index, and copies that were sent away."""

from services.ingest.keeper.ports import SearchPlace
from services.ingest.keeper.rows import MAIN_PART, rows_of
from shared.record.erasure import Outcome
from shared.record.ledger import Subject
from shared.record.shape import lane_pk
from shared.store.port import Item, Store


class SearchEraser:
    """Every document of theirs in the index."""

    place = "opensearch"

    def __init__(self, search: SearchPlace) -> None:
        self._search = search

    async def erase(self, subject: Subject) -> Outcome:
        """Forget them."""
        return Outcome(await self._search.forget(subject.contact_ids))


class DestinationsCount:
    """Nothing can be called back from a webhook: the receipt lists where copies went, and how many."""

    place = "destinations"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, subject: Subject) -> Outcome:
        """Count what each destination took."""
        copies: dict[str, int] = {}
        async for row in rows_of(self._store, subject):
            for name in row.get("destinations", ()):
                copies[name] = copies.get(name, 0) + await self._took(row, name)
        return Outcome(
            0,
            {name: count for name, count in copies.items() if count},
            "Los webhooks no se pueden retirar: avise a quien los recibe.",
        )

    async def _took(self, mark: Item, destination: str) -> bool:
        message = await self._store.get("messages", mark["pk"], mark["sk"].partition("#")[0])
        if message is None:
            return False
        key = f"{message['message_id']}#{MAIN_PART}"
        found = await self._store.get("deliveries", lane_pk(destination, mark["pk"]), key)
        return (found or {}).get("state") == "delivered"


class Stated:
    """A place that holds ids and facts, nothing of a person; named in the receipt so that nobody has to wonder."""

    def __init__(self, place: str, note: str) -> None:
        self.place = place
        self._note = note

    async def erase(self, subject: Subject) -> Outcome:
        """Nothing to do."""
        del subject
        return Outcome(note=self._note)
