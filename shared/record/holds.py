"""Legal holds: what is under one is neither expired nor erased, what is there and what comes while it stands.

pk "hold", sk <hold_id>           subject (contact_id or conversation_id), reference, by, at, until_ms, marked
pk "hold-history", sk <hold_id>   the same once it is over, with ended_at and ended_by

A hold on a contact covers whoever it is merged with, and each of their threads; that is resolved when it is
asked for, so a later merge or thread is covered too. `held` on the conversations is what people are shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.ids import Ids
from shared.record import events
from shared.record.commit import commit
from shared.record.people import CONVERSATION_PREFIX, People
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Op, Put, Store, Update

KIND = "hold"


class NoSubjectError(Exception):
    """There is no such contact or conversation."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held now: contact_id or conversation_id -> id of a hold on it."""

    contacts: Mapping[str, str] = field(default_factory=dict)
    conversations: Mapping[str, str] = field(default_factory=dict)

    def by(self, contact_id: str, conversation_id: str) -> str | None:
        """The hold that covers something of a person in a thread; None where nothing does."""
        return self.conversations.get(conversation_id) or self.contacts.get(contact_id)


def active(items: Iterable[Item], now_ms: int) -> list[Item]:
    """The holds that stand; one without an end stands until it is lifted."""
    return [item for item in items if item.get("until_ms") is None or item["until_ms"] > now_ms]


class Holds:
    """Places, lifts and resolves holds.

    Args:
        service: whose outbox carries the events.
    """

    def __init__(self, store: Store, people: People, clock: Clock, ids: Ids, service: str) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._ids = ids
        self._service = service

    async def place(self, subject: str, reference: str, by: str, until_ms: int | None = None) -> str:
        """Hold a contact or conversation, without end or until a moment; answers the hold's id.

        Raises NoSubjectError, ContendedError, StoreUnavailableError.
        """
        contacts, threads = await self._closure(subject)
        if not contacts and not threads:
            raise NoSubjectError(subject)
        hold_id = f"h_{self._ids.ulid()}"
        item: Item = {
            "pk": KIND,
            "sk": hold_id,
            "subject": subject,
            "reference": reference,
            "by": by,
            "at": self._clock.now_ms(),
            "until_ms": until_ms,
            "marked": threads,
        }
        await self._written([Put("config", item, absent=True)], threads, held=True)
        return hold_id

    async def lift(self, hold_id: str, by: str) -> bool:
        """End a hold; False where there is none. What another hold covers stays marked."""
        item = await self._store.get("config", KIND, hold_id)
        if item is None:
            return False
        others = [each for each in await self.standing() if each["sk"] != hold_id]
        covered = (await self._resolved(others)).conversations
        free = [cid for cid in item["marked"] if cid not in covered]
        ended = {**item, "pk": f"{KIND}-history", "ended_at": self._clock.now_ms(), "ended_by": by}
        await self._written([Delete("config", KIND, hold_id), Put("config", ended)], free, held=False)
        return True

    async def standing(self) -> list[Item]:
        """The holds that stand now."""
        return active(await self._all(), self._clock.now_ms())

    async def end_overdue(self) -> int:
        """Lift what has reached its end; answers how many."""
        now = self._clock.now_ms()
        over = [item for item in await self._all() if item not in active([item], now)]
        return sum([await self.lift(item["sk"], "keeper") for item in over])

    async def held(self) -> Held:
        """What is held now, merges and new threads included."""
        return await self._resolved(await self.standing())

    async def _all(self) -> list[Item]:
        items: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query("config", KIND, start=start)
            items += page.items
            start = page.next
            if start is None:
                return items

    async def _resolved(self, holds: Sequence[Item]) -> Held:
        contacts: dict[str, str] = {}
        threads: dict[str, str] = {}
        merged = await merges(self._store) if holds else {}
        for hold in holds:
            people, cids = await self._closure(hold["subject"], merged)
            hold_id = str(hold["sk"])
            contacts |= dict.fromkeys(people, hold_id)
            threads |= dict.fromkeys(cids, hold_id)
        return Held(contacts, threads)

    async def _closure(
        self, subject: str, merged: Mapping[str, str] | None = None
    ) -> tuple[list[str], list[str]]:
        """Contacts and threads that a hold on a subject covers."""
        if not subject.startswith(CONVERSATION_PREFIX):
            return await closure(self._store, self._people, subject, merged)
        found = await self._store.get("conversations", subject)
        return [], [] if found is None else [subject]

    async def _written(self, ops: Sequence[Op], threads: Sequence[str], *, held: bool) -> None:
        """The hold and its marks, in one transaction with their events."""
        found = [item for cid in threads if (item := await self._store.get("conversations", cid))]
        marks = [_mark(item, held=held) for item in found]
        after = [{**item, "rev": item["rev"] + 1} for item in found]
        envelope = events.Envelope(self._clock.now_ms())
        told = [events.conversation_changed(item, ["held"], envelope) for item in after]
        owed = outbox(self._service, self._clock.now_ms(), told)
        try:
            await commit(self._store, self._ids, [*ops, *marks, *owed])
        except ConditionFailedError:  # a thread moved meanwhile
            await self._written(ops, threads, held=held)


def _mark(item: Item, *, held: bool) -> Update:
    same = Attr("rev").eq(item["rev"])
    changed: dict[str, Any] = {"set": {"held": True}} if held else {"remove": ["held"]}
    return Update("conversations", item["pk"], "-", add={"rev": 1}, condition=same, **changed)


async def closure(
    store: Store, people: People, contact_id: str, merged: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """A person's contacts, the surviving one first, and 1:1 threads, merged ones included; empty = unknown.

    Args:
        store: of the record.
        people: of the record.
        contact_id: any of the person's contacts.
        merged: as `merges` answers; read here where it is not given.
    """
    root = await people.root(contact_id)
    if root is None:
        return [], []
    threads = [entry["sk"] for entry in await people.conversations(root["pk"])]
    pointers = await merges(store) if merged is None else merged
    found = [root["pk"]]
    for known in found:  # it grows as it is walked
        found += sorted(child for child, into in pointers.items() if into == known and child not in found)
    return found, threads


async def merges(store: Store) -> dict[str, str]:
    """Every contact that is merged into another one; a walk over all, for what is asked this way is rare."""
    return {item["pk"]: item["merged_into"] async for item in store.scan("contacts") if "merged_into" in item}
