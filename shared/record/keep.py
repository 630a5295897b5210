"""`keep()`: the one way a message from WhatsApp enters the record.

One transaction writes the id, the message and its conversation. "Already there" is not the end: the events
may never have gone out, so they are answered again. Any lost race starts over from what is stored now.
"""

import asyncio
from dataclasses import dataclass, replace

from shared.clock import Clock
from shared.events.model import Event
from shared.ids import Ids
from shared.record import events
from shared.record.claims import point
from shared.record.codec import content_sha
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.compose import Slot, ids_item, message_item, movement, preview_of, slot, thread
from shared.record.conversation import move
from shared.record.inbound import Inbound
from shared.record.kept import Kept, Outcome
from shared.record.people import Party, People, Where
from shared.record.relations import beside, bump, join, pointer
from shared.record.sealing import Sealing
from shared.record.shape import child_sk
from shared.record.statuses import Statuses
from shared.record.waits import Place, kinds_beside, mark, nothing_waits, place_of, wait_sk, waiting
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update
from shared.vault.port import KeyDestroyedError

DAY_MS = 24 * 3600 * 1000
_ALONE = 3  # place of the condition that nothing waits for the message among the ops that write it


@dataclass(slots=True)
class _Owed:
    """Events of people found on the way; they are in the outbox already."""

    events: tuple[Event, ...] = ()
    ops: tuple[Update, ...] = ()

    def add(self, party: Party) -> None:
        self.events += party.events
        self.ops += party.owed


class Keeper:
    """Keeps messages.

    Args:
        retention_days: how long a message is to live; the keeper process reads `expires_at`.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        sealing: Sealing,
        statuses: Statuses,
        clock: Clock,
        ids: Ids,
        retention_days: int,
    ) -> None:
        self._store = store
        self._people = people
        self._sealing = sealing
        self._statuses = statuses
        self._clock = clock
        self._ids = ids
        self._retention_ms = retention_days * DAY_MS

    async def keep(self, inbound: Inbound) -> Kept:
        """Keep one message; see Kept for the outcomes.

        Raises ContendedError, StoreUnavailableError, ObjectsUnavailableError, KeysUnavailableError: the
        item comes again and nothing is doubled.
        """
        owed = _Owed()
        try:
            kept = await self._kept(inbound, owed)
        except KeyDestroyedError:
            kept = Kept("erased", inbound.message_id)
        return replace(kept, events=(*owed.events, *kept.events), owed=owed.ops)

    async def _kept(self, inbound: Inbound, owed: _Owed) -> Kept:
        message_id, alone = inbound.message_id, True
        for attempt in range(ATTEMPTS * 4):
            party = await self._people.resolve(
                inbound.person, inbound.origin, inbound.ts_s, lambda contact: [_thread(inbound, contact)]
            )
            owed.add(party)
            try:
                message = await self._written(inbound, party, alone=alone)
            except ConditionFailedError as error:
                alone = alone and _ALONE not in error.failed
            else:
                return await self._settled("new", inbound, message, alone=alone)
            # Looked up only now: nearly all messages are new, and the write itself knows which are not.
            seen = await self._store.get("ids", message_id)
            if seen is not None:
                return await self._again(inbound, seen)
            await asyncio.sleep(pause(self._ids, attempt))
        raise ContendedError("record: others kept moving the same conversation")

    async def _written(self, inbound: Inbound, party: Party, *, alone: bool) -> Item:
        """The transaction. Raises ConditionFailedError, upon which everything is read anew.

        `alone`: on condition that nothing waits for the message.
        """
        at = slot(inbound, party.contact_id)
        where = ("conversations", at.pk, "-")  # read with the contact, unless that one is merged
        current = party.near[where] if where in party.near else await self._store.get(*where)
        message = await self._message(inbound, at)
        moved = movement(inbound, message, await self._preview(inbound, message))
        if current is None:
            message["opened"] = True
            moved = replace(moved, floor=await self._floor(at.pk))
        ops: list[Op] = [
            Put("ids", ids_item(message), absent=True),
            Put("messages", message, absent=True),
            move(current, moved),
            *([nothing_waits(message["message_id"])] if alone else []),
            *await self._relation(inbound, message),
        ]
        if current is None and inbound.group_id is None:
            ops += await self._opening(message, party)
        await commit(self._store, self._ids, ops)
        return message

    async def _message(self, inbound: Inbound, at: Slot) -> Item:
        now = self._clock.now_ms()
        content = dict(inbound.content)
        sealed = await self._sealing.fields(at.contact_id, content, "messages", at.pk, at.sk)
        return message_item(inbound, at, sealed, now, now + self._retention_ms)

    async def _preview(self, inbound: Inbound, message: Item) -> bytes | None:
        shown = preview_of(inbound)
        if shown is None:
            return None
        return await self._sealing.blob(message["key_id"], shown, "conversations", message["pk"])

    async def _floor(self, conversation_id: str) -> int:
        """The rev at which an undone import left a conversation that is made anew."""
        left = await self._store.get("ids", conversation_id)
        return int(left["rev"]) if left else 0

    async def _relation(self, inbound: Inbound, message: Item) -> list[Op]:
        """A reaction, edit or revoke beside its target, or waiting for it."""
        if inbound.relation is None:
            return []
        kind, facts = inbound.relation.kind, pointer(message)
        target = place_of(await self._store.get("ids", message["target"]))
        if target is None:
            now = self._clock.now_ms()
            wait = waiting(message["target"], kind, message["message_id"], facts, now)
            return [wait, mark(wait.item)]
        return beside(target, kind, message["message_id"], facts)

    async def _opening(self, message: Item, party: Party) -> list[Op]:
        """A person's first message on a number: list the thread with the contact, and gather merged ones."""
        entry = {"pk": party.contact_id, "sk": message["pk"], "pnid": message["pnid"]}
        threads = await self._people.conversations(party.contact_id)
        same_number = [each for each in threads if each["pnid"] == message["pnid"]]
        merged = [each for each in same_number if each["sk"] != message["pk"]]
        same = Attr("rev").eq(party.rev) & Attr("merged_into").not_exists()
        # Its rev moves: a merge that listed the threads before this one must not go by its list.
        return [
            Put("contacts", entry),
            Update("contacts", party.contact_id, "-", add={"rev": 1}, condition=same),
            *(point(each, party.contact_id) for each in merged),
        ]

    async def _again(self, inbound: Inbound, seen: Item) -> Kept:
        if "content_sha" not in seen:  # a wamid of our own gateway, echoed
            return Kept("own", seen["pk"])
        message = await self._store.get("messages", seen["conversation_id"], seen["order_key"])
        if message is None:
            return Kept("gone", seen["pk"])
        if message.get("erased"):
            return Kept("erased", seen["pk"])
        sha = content_sha(inbound.wamid, inbound.message)
        if sha == seen["content_sha"]:
            return await self._settled("again", inbound, message)
        await self._vary(inbound, message, sha)
        return await self._settled("variant", inbound, message)

    async def _vary(self, inbound: Inbound, first: Item, sha: str) -> None:
        """Keep other content of the same wamid beside the first; once for each content."""
        place, child = Place(first["pk"], first["sk"]), sha[:32]
        sk, key_id = child_sk(place.sk, "variant", child), first["key_id"]
        item = {
            "pk": place.pk,
            "sk": sk,
            "kind": "variant",
            "key_id": key_id,
            "content_sha": sha,
            "raw_id": inbound.origin.raw_id,
            **await self._sealing.fields(key_id, dict(inbound.content), "messages", place.pk, sk),
        }
        try:
            await commit(self._store, self._ids, [Put("messages", item, absent=True), bump(place)])
        except ConditionFailedError:
            return

    async def _settled(self, kind: Outcome, inbound: Inbound, message: Item, *, alone: bool = False) -> Kept:
        """Look for what waited for the message, if anything may, join it, and answer the events owed."""
        place = Place(message["pk"], message["sk"])
        kinds = [] if alone else await self._statuses.gather(place, message["message_id"])
        if kinds or kind == "variant":
            message = await self._store.get("messages", place.pk, place.sk) or message
        if kind != "new" and message["rev"] > 1:  # what an earlier receive joined may never have been told
            kinds = await kinds_beside(self._store, place)
        envelope = events.of(self._clock, inbound.origin)
        found: list[Event] = [events.recorded(message, envelope)]
        found += [events.changed(message, kinds, envelope)] if kinds else []
        found += await self._opened(message, envelope)
        found += await self._related(inbound, message, envelope)
        return Kept(kind, message["message_id"], tuple(found), message=message)

    async def _opened(self, message: Item, envelope: events.Envelope) -> list[Event]:
        if "opened" not in message:
            return []
        conversation = await self._store.get("conversations", message["pk"])
        if conversation is None:
            return []
        return [events.conversation_changed(conversation, ["opened"], envelope)]

    async def _related(self, inbound: Inbound, message: Item, envelope: events.Envelope) -> list[Event]:
        """The change of a relation's target; a relation that had to wait looks a second time."""
        if inbound.relation is None:
            return []
        kind = inbound.relation.kind
        place = place_of(await self._store.get("ids", message["target"]))
        if place is None:
            return []
        wait = await self._store.get("ids", message["target"], wait_sk(kind, message["message_id"]))
        if wait is not None:
            await join(self._store, self._ids, place, wait)
        target = await self._store.get("messages", place.pk, place.sk)
        return [] if target is None else [events.changed(target, [kind], envelope)]


def _thread(inbound: Inbound, contact_id: str) -> Where:
    """Where the conversation of a message from this contact lies."""
    return "conversations", thread(inbound, contact_id), "-"
