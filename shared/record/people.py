"""Who wrote: aliases are claimed once, a contact is minted once, two owners of one person are merged.

An alias item is `<kind>#<HMAC>` -> contact_id. A merge writes pointers only (`merged_into`), oldest contact
survives; nothing is ever re-keyed, so keys, conversations and messages of both stay where they are. An alias met
later is claimed for the contact its company names directly, merged or not: an un-merge removes the pointer, and every
alias is back where it belongs.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.record import events
from shared.record.claims import Free, adopt, bump, still_merged, take, touch, unmerged
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.inbound import Origin, Person
from shared.record.ledger import PersonErasedError, older
from shared.record.merging import arranged, one_of
from shared.record.sealing import Sealing
from shared.record.sightings import Sightings, joined, newer, newest, read, written
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Item,
    Key,
    Op,
    Put,
    Store,
    Update,
)
from shared.vault.keys import ContactKeys
from shared.vault.pepper import Pepper

CONVERSATION_PREFIX = "c_"
# services/ingest/keeper/leaving.py: nothing is kept of this person, who goes unless met again.
LEAVING = "leaving"
_MET_MOST = 4096  # people; about half a kilobyte each

Where = tuple[str, str, str]  # table, pk, sk
Near = Mapping[Where, Item | None]


def _nothing(_contact_id: str) -> Sequence[Where]:
    return ()


def _about(contacts: Iterable[str], near: Callable[[str], Sequence[Where]]) -> list[Where]:
    """Keys of contacts and of what is wanted near them."""
    return [key for contact in contacts for key in (("contacts", contact, "-"), *near(contact))]


def _back(root: Item) -> Update:
    """The op by which somebody who was about to go is met again, as they were read."""
    same = Attr("rev").eq(root["rev"]) & Attr("merged_into").not_exists()
    return Update("contacts", root["pk"], "-", remove=[LEAVING], add={"rev": 1}, condition=same)


@dataclass(frozen=True, slots=True)
class Party:
    """The person behind a message, and the events its discovery owes (already in the outbox).

    `near`: items that were asked for and read together with the contact; None where there is none.
    """

    contact_id: str
    rev: int
    events: tuple[Event, ...] = ()
    owed: tuple[Update, ...] = ()
    near: Near = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Owners:
    """Who owns the aliases of a payload.

    Attributes:
        alive: surviving contacts by id, that of the strongest alias first.
        direct: surviving contact -> the contact that the strongest of its aliases names, merged into it or itself.
        free: aliases nobody owns.
        erased_at: when one of these people was erased (ms), 0 = never.
    """

    alive: dict[str, Item]
    direct: dict[str, str]
    free: dict[str, Free]
    erased_at: int


class People:
    """Resolves aliases to contacts.

    Args:
        service: whose outbox carries the events of merges and changes.
    """

    def __init__(
        self,
        store: Store,
        keys: ContactKeys,
        sealing: Sealing,
        pepper: Pepper,
        clock: Clock,
        ids: Ids,
        service: str,
    ) -> None:
        self._store = store
        self._keys = keys
        self._sealing = sealing
        self._pepper = pepper
        self._clock = clock
        self._ids = ids
        self._service = service
        # What these aliases named last: a guess at what to read beside them, never taken for what they name now.
        self._met: dict[tuple[str, ...], tuple[str, ...]] = {}

    async def resolve(
        self,
        person: Person,
        origin: Origin,
        ts_s: int | None = None,
        near: Callable[[str], Sequence[Where]] = _nothing,
    ) -> Party:
        """The contact of a person, minted or merged where need be; every alias named is then claimed.

        Args:
            person: as a payload names them.
            origin: where it comes from.
            ts_s: when it was said, where the payload tells.
            near: what else the caller needs of a contact_id, to be read in the same call.

        Raises PersonErasedError where what was said is older than the person's erasure, ContendedError when
        others kept winning, KeysUnavailableError, StoreUnavailableError.
        """
        claims = self.alias_keys(person)
        found: list[Event] = []
        owed: list[Update] = []
        for attempt in range(ATTEMPTS * 4):
            read: dict[Where, Item | None] = {}
            owners = await self._owners(claims, near, read)
            if older(owners.erased_at, origin, ts_s):
                raise PersonErasedError
            ops, news = await self._plan(owners, person, origin)
            held = outbox(self._service, self._clock.now_ms(), news)
            if ops and not await self._won([*ops, *held]):
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            found += news
            owed += held
            if owners.alive and not ops:
                root = next(iter(owners.alive.values()))
                return Party(root["pk"], root["rev"], tuple(found), tuple(owed), read)
        raise ContendedError("identity: others kept claiming the same aliases")

    async def find(self, person: Person) -> str | None:
        """The surviving contact of a person where one is known; claims nothing."""
        owners = await self._owners(self.alias_keys(person))
        return next(iter(owners.alive), None)

    def alias_keys(self, person: Person) -> list[str]:
        """Keys of the alias items a person's payload names, in order, each once."""
        named = (self._pepper.alias(alias.kind, alias.value) for alias in person.aliases)
        return list(dict.fromkeys(named))

    async def root(self, contact_id: str) -> Item | None:
        """The contact that survives all merges of this one."""
        return await self._survivor(await self._store.get("contacts", contact_id))

    async def details(self, contact: Item) -> Mapping[str, Any]:
        """What is known of a contact (names, wa_id, user_id ...). Raises KeyDestroyedError."""
        return newest(await self.sightings(contact))

    async def _won(self, ops: Sequence[Op]) -> bool:
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return False
        return True

    async def _owners(
        self,
        claims: Sequence[str],
        near: Callable[[str], Sequence[Where]] = _nothing,
        read: dict[Where, Item | None] | None = None,
    ) -> _Owners:
        """Who owns these aliases, the strongest of which stands first.

        An erased person owns no alias any more; but the alias keeps the time of the erasure, whoever claims it
        anew, so that what is older stays out.
        """
        read = {} if read is None else read
        guess = self._met.get(tuple(claims), ())
        found = await self._store.get_many([*(("aliases", key, "-") for key in claims), *_about(guess, near)])
        named = {key: found.get(("aliases", key, "-"), {}) for key in claims}
        contacts = tuple(dict.fromkeys(item["contact_id"] for item in named.values() if "contact_id" in item))
        if unread := _about([each for each in contacts if each not in guess], near):
            found |= await self._store.get_many(unread)
        self._meet(tuple(claims), contacts)
        read.update({key: found.get(key) for contact in contacts for key in near(contact)})
        roots = {each: await self._survivor(found.get(("contacts", each, "-"))) for each in contacts}
        alive = {each["pk"]: each for each in roots.values() if each is not None and not each.get("erased")}
        direct: dict[str, str] = {}
        free, erased_at = {}, 0
        for key, item in named.items():
            root = roots.get(item.get("contact_id", ""))
            since = max(item.get("erased_at", 0), (root or {}).get("erased_at", 0))
            erased_at = max(erased_at, since)
            if root is None or root["pk"] not in alive:
                free[key] = Free(item.get("contact_id"), since)
            else:
                direct.setdefault(root["pk"], item["contact_id"])
        return _Owners(alive, direct, free, erased_at)

    def _meet(self, claims: tuple[str, ...], contacts: tuple[str, ...]) -> None:
        """Remember what to read beside these aliases next time."""
        if len(self._met) >= _MET_MOST:
            del self._met[next(iter(self._met))]
        self._met[claims] = contacts

    async def _survivor(self, item: Item | None) -> Item | None:
        while item is not None and "merged_into" in item:
            item = await self._store.get("contacts", item["merged_into"])
        return item

    async def _plan(self, owners: _Owners, person: Person, origin: Origin) -> tuple[list[Op], list[Event]]:
        """The one transaction that comes next, and its events; nothing where all is settled.

        People who are said not to be one stay two: who is meant is then whoever the strongest alias names.
        """
        if not owners.alive:
            return await self._mint(owners.free), []
        if pair := one_of(owners.alive):
            return await self.merge(*pair, origin)
        root_id, root = next(iter(owners.alive.items()))
        via = owners.direct[root_id]
        if LEAVING in root:
            return [_back(root)], []
        if owners.free:
            # The root as read still survives, so that `via` still lies under it.
            return [*take(owners.free, via), unmerged(root), *still_merged(via, root_id)], []
        return await self._learn(root, via, person, origin)

    async def _mint(self, free: Mapping[str, Free]) -> list[Op]:
        contact_id = self._ids.contact_id()
        key = await self._keys.mint(contact_id)
        contact = {
            "pk": contact_id,
            "sk": "-",
            "alias": f"Fuente {contact_id[-5:]}",
            "rev": 1,
            "made_at": self._clock.now_ms(),
        }
        return [*take(free, contact_id), Put("contacts", contact, absent=True), key]

    async def _learn(
        self, root: Item, via: str, person: Person, origin: Origin
    ) -> tuple[list[Op], list[Event]]:
        """Keep details that are new or newer; a change of a contact raises its conversations' rev too."""
        if not person.details:
            return [], []
        before = await self.sightings(root)
        after = newer(before, person.details, origin.at_ns, via)
        if after == before:
            return [], []
        sealed = await self.seal(root["pk"], after)
        change = Update(
            "contacts",
            root["pk"],
            "-",
            set={"sealed": sealed},
            add={"rev": 1},
            condition=Attr("rev").eq(root["rev"]) & Attr("merged_into").not_exists(),
        )
        if newest(after) == newest(before):
            return [change], []
        touched = [touch(each["sk"]) for each in await self.conversations(root["pk"])]
        return [change, *touched], [
            events.contact_changed(root["pk"], root["rev"] + 1, events.of(self._clock, origin))
        ]

    async def merge(self, kept: Item, gone: Item, origin: Origin) -> tuple[list[Op], list[Event]]:
        """The ops and events by which the older contact takes in the other; a third one waits for the next round."""
        own, threads = await self.conversations(kept["pk"]), await self.conversations(gone["pk"])
        everything = joined(await self.sightings(kept), await self.sightings(gone))
        marks = {"apart": [*kept.get("apart", ()), *gone["apart"]]} if "apart" in gone else {}
        known = {"sealed": await self.seal(kept["pk"], everything)} if everything else {}
        ops: list[Op] = [
            bump(kept, **marks, **known),
            bump(gone, merged_into=kept["pk"]),
            *(adopt(kept["pk"], thread) for thread in threads),
            *await self.arranged(kept["pk"], [*own, *threads]),
        ]
        event = events.contact_merged(gone["pk"], gone["rev"] + 1, kept["pk"], events.of(self._clock, origin))
        return ops, [event]

    async def conversations(self, contact_id: str) -> list[Item]:
        """Entries (sk = conversation_id, pnid) of all conversations of a contact, merged ones included."""
        page = await self._store.query("contacts", contact_id, Key("sk").begins_with(CONVERSATION_PREFIX))
        return page.items

    async def arranged(self, contact_id: str, entries: Sequence[Item]) -> list[Update]:
        """Pointers of a person's conversations as they must be."""
        keys: list[Where] = [
            ("conversations", cid, "-") for cid in dict.fromkeys(each["sk"] for each in entries)
        ]
        found = await self._store.get_many(keys) if keys else {}
        return arranged(contact_id, entries, {key[1]: item for key, item in found.items()})

    async def sightings(self, contact: Item) -> Sightings:
        """What is known of a contact, and through whom. Raises KeyDestroyedError."""
        blob = contact.get("sealed")
        if blob is None:
            return {}
        return read(await self._sealing.open(contact["pk"], blob, "contacts", contact["pk"]), contact["pk"])

    async def seal(self, contact_id: str, sightings: Sightings) -> bytes:
        """Sightings as they stand in the contact."""
        return await self._sealing.blob(contact_id, written(sightings), "contacts", contact_id)
