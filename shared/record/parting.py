"""Un-merge: two who were taken for one are two again, and stay so whatever payloads name.

The pointer goes, and with it the aliases that were claimed through the contact are its own again. What was said
while they were one stays where it was kept: no message is moved, none is in two threads.
"""

import asyncio
from collections.abc import Sequence

from shared.clock import Clock
from shared.due import outbox
from shared.ids import Ids
from shared.record import events
from shared.record.claims import bump
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.inbound import Origin
from shared.record.merging import parted
from shared.record.people import Party, People
from shared.record.sightings import split
from shared.store.port import Attr, ConditionFailedError, ContendedError, Delete, Item, Op, Store, Update


class NotMergedError(Exception):
    """The contact is not merged into any other, or there is none."""


class Parting:
    """Undoes merges.

    Args:
        service: whose outbox carries the events.
    """

    def __init__(self, store: Store, people: People, clock: Clock, ids: Ids, service: str) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._ids = ids
        self._service = service

    async def unmerge(self, contact_id: str, origin: Origin) -> Party:
        """The contact is a person of its own again, with its aliases, its details and its threads.

        Raises NotMergedError, ContendedError, StoreUnavailableError, KeysUnavailableError, KeyDestroyedError.
        """
        for attempt in range(ATTEMPTS * 4):
            gone = await self._store.get("contacts", contact_id)
            if gone is None or "merged_into" not in gone:
                raise NotMergedError(contact_id)
            chain = await self._chain(gone)
            ops = await self._undone(gone, chain)
            envelope = events.of(self._clock, origin)
            event = events.contact_unmerged(contact_id, gone["rev"] + 1, chain[-1]["pk"], envelope)
            held = outbox(self._service, self._clock.now_ms(), [event])
            try:
                await commit(self._store, self._ids, [*ops, *held])
            except ConditionFailedError:
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            return Party(contact_id, gone["rev"] + 1, (event,), tuple(held))
        raise ContendedError("identity: others kept moving the same people")

    async def _chain(self, gone: Item) -> list[Item]:
        """The contacts a merged one points at, one after the other; the last one survives."""
        chain: list[Item] = []
        item = gone
        while "merged_into" in item:
            above = await self._store.get("contacts", item["merged_into"])
            if above is None:
                raise NotMergedError(gone["pk"])
            chain.append(above)
            item = above
        return chain

    async def _undone(self, gone: Item, chain: Sequence[Item]) -> list[Op]:
        root = chain[-1]
        mine = await self._people.conversations(gone["pk"])
        own = {each["sk"] for each in mine}
        left = [each for each in await self._people.conversations(root["pk"]) if each["sk"] not in own]
        known = await self._people.sightings(root)
        theirs, rest = split(known, await self._below(gone, mine))
        ours, parts = parted(root, gone, self._ids.token()[:16])
        was = Attr("rev").eq(gone["rev"]) & Attr("merged_into").eq(gone["merged_into"])
        return [
            bump(root, apart=ours, sealed=await self._people.seal(root["pk"], rest)),
            Update(
                "contacts",
                gone["pk"],
                "-",
                set={"apart": parts, "sealed": await self._people.seal(gone["pk"], theirs)},
                add={"rev": 1},
                remove=["merged_into"],
                condition=was,
            ),
            *(Delete("contacts", above["pk"], each["sk"]) for above in chain for each in mine),
            *await self._people.arranged(gone["pk"], mine),
            *await self._people.arranged(root["pk"], left),
        ]

    async def _below(self, gone: Item, mine: Sequence[Item]) -> set[str]:
        """The contact and all that were merged into it before, as far as they wrote or were seen."""
        seen = (await self._people.sightings(gone)).values()
        keys = [("conversations", each["sk"], "-") for each in mine]
        threads = await self._store.get_many(keys) if keys else {}
        wrote = {item["contact_id"] for item in threads.values()}
        return {gone["pk"], *wrote, *(via for each in seen for via in each)}
