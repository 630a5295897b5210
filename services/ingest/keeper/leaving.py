"""People of whom nothing is kept any more go too: contact, aliases, data key and their empty threads.

Whoever has nothing left is marked first (`leaving`, ms, on the surviving contact). Who is still marked at a later run,
and still has nothing, goes in one transaction. By then nobody can be at work any more on what names a contact that was
met before the mark; whoever meets it since takes the mark away (shared/record/people.py).

Who stays: whom a hold covers, who is in the address book, who is protected, who has said whether they want to be
written to, and who was erased, for that is known by what is left of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from services.ingest.keeper.rows import partition, written
from services.ingest.keeper.settings import SERVICE
from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.record import events
from shared.record.commit import commit
from shared.record.holds import Holds
from shared.record.people import LEAVING, People
from shared.record.retention import Retention
from shared.record.shape import CURSOR_SK
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Op, Store, Update
from shared.vault.port import KeyDestroyedError

CLASS = "contacts"
QUIET_MS = 12 * 3600 * 1000  # longer than an import may work on people it has met; a message takes minutes
MOST_OPS = 90  # DynamoDB takes 100 in a transaction


@dataclass
class _Kept:
    """Of whom something is kept, and who is merged into whom.

    Attributes:
        named: contact_ids. under: contact_id -> those merged into it. aliases: contact_id -> their alias items.
    """

    named: set[str] = field(default_factory=set)
    under: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, list[Item]] = field(default_factory=dict)


@dataclass
class _End:
    """What goes with a person, and what is told of it."""

    ops: list[Op] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)


class Leaving:
    """Lets people go."""

    def __init__(self, store: Store, people: People, holds: Holds, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._people = people
        self._holds = holds
        self._clock = clock
        self._ids = ids

    async def run(self, rules: Retention) -> int:
        """Mark and let go; how many went."""
        now = self._clock.now_ms()
        found = [each async for each in self._store.scan("contacts") if each["sk"] == "-"]
        roots = [each for each in found if _may_go(each, rules, now)]
        if not roots:
            return 0
        kept = _Kept()
        for each in found:
            if "merged_into" in each:
                kept.under.setdefault(each["merged_into"], []).append(each["pk"])
        async for name in self._named():
            kept.named.add(name)
        async for alias in self._store.scan("aliases"):
            if "contact_id" in alias:
                kept.aliases.setdefault(alias["contact_id"], []).append(alias)
        return sum([await self._one(each, kept, now) for each in roots])

    async def _named(self) -> AsyncIterator[str]:
        """Of whom something is kept."""
        async for row in self._store.scan("messages"):
            for name in ("contact_id", "key_id"):
                yield row.get(name, "")
        async for row in self._store.scan("chats"):
            yield row.get("key_id", "")
        async for row in self._store.scan("policy"):
            kind, _, contact_id = row["pk"].partition("#")
            if kind in {"OPTIN", "OPTOUT"}:
                yield contact_id

    async def _one(self, root: Item, kept: _Kept, now: int) -> bool:
        people = [root["pk"]]
        for each in people:  # it grows as it is walked
            people += kept.under.get(each, [])
        here = Attr("rev").eq(root["rev"]) & Attr("merged_into").not_exists()
        if not kept.named.isdisjoint(people) or await self._stays(root, people):
            if LEAVING in root:
                await written(
                    self._store, Update("contacts", root["pk"], "-", remove=[LEAVING], condition=here)
                )
            return False
        if LEAVING not in root:
            mark = Update("contacts", root["pk"], "-", set={LEAVING: now}, add={"rev": 1}, condition=here)
            await written(self._store, mark)
            return False
        if root[LEAVING] + QUIET_MS > now:
            return False
        return await self._gone(root, people, kept, here & Attr(LEAVING).eq(root[LEAVING]))

    async def _stays(self, root: Item, people: list[str]) -> bool:
        """Whether somebody wants them kept."""
        held = await self._holds.held()
        if any(held.by(each, "") for each in people):
            return True
        try:
            return "saved_name" in await self._people.details(root)
        except KeyDestroyedError:
            return False

    async def _gone(self, root: Item, people: list[str], kept: _Kept, same: Any) -> bool:
        """All of it in one transaction, on condition that nothing moved; False where something did, or is left."""
        envelope, end = events.Envelope(self._clock.now_ms()), _End()
        end.ops.append(Delete("contacts", root["pk"], "-", condition=same))
        end.told.append(events.contact_erased(root["pk"], root["rev"] + 1, envelope))
        end.ops += [Delete("contacts", each, "-") for each in people[1:]]
        end.ops += [Delete("contact_keys", each, "-") for each in people]
        end.ops += [_freed(alias) for each in people for alias in kept.aliases.get(each, ())]
        threads: dict[str, None] = {}
        for each in people:
            for entry in await self._people.conversations(each):
                end.ops.append(Delete("contacts", each, entry["sk"]))
                threads[entry["sk"]] = None
        if not all([await self._thread(cid, end, envelope) for cid in threads]) or len(end.ops) > MOST_OPS:
            return False
        try:
            await commit(self._store, self._ids, [*end.ops, *outbox(SERVICE, self._clock.now_ms(), end.told)])
        except ConditionFailedError:
            return False
        return True

    async def _thread(self, cid: str, end: _End, envelope: events.Envelope) -> bool:
        """An empty thread's rows; False where it is not empty, or held."""
        rows = [row async for row in partition(self._store, "messages", cid)]
        if any(row["sk"] != CURSOR_SK for row in rows):
            return False
        end.ops += [Delete("messages", cid, row["sk"]) for row in rows]
        end.ops += [Delete("chats", cid, row["sk"]) async for row in partition(self._store, "chats", cid)]
        item = await self._store.get("conversations", cid)
        if item is None:
            return True
        end.ops.append(Delete("conversations", cid, "-", condition=Attr("rev").eq(item["rev"])))
        after = {**item, "rev": item["rev"] + 1}
        end.told.append(events.conversation_changed(after, ["erased"], envelope))
        return "held" not in item


def _may_go(contact: Item, rules: Retention, now: int) -> bool:
    stays = {"merged_into", "erased", "protected"} & contact.keys()
    return not stays and rules.ended(CLASS, contact.get("made_at", now), now)


def _freed(alias: Item) -> Op:
    """The op that takes an alias from who goes; what it knows of an erasure stays for good."""
    mine = Attr("contact_id").eq(alias["contact_id"])
    if "erased_at" in alias:
        return Update("aliases", alias["pk"], "-", remove=["contact_id"], condition=mine)
    return Delete("aliases", alias["pk"], "-", condition=mine)
