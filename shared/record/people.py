"""Who wrote: aliases are claimed once, a contact is minted once, two owners of one person are merged.

An alias item is `<kind>#<HMAC>` -> contact_id. A merge writes pointers only (`merged_into`), oldest contact
survives; nothing is ever re-keyed, so keys, conversations and messages of both stay where they are.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids, conversation_id
from shared.record import events
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.inbound import Origin, Person
from shared.record.ledger import PersonErasedError, older
from shared.record.sealing import Sealing
from shared.store.port import (
    Attr,
    Check,
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
FRESH_NS = 3600 * 10**9  # a detail seen again is stamped anew once an hour, not with each message


Where = tuple[str, str, str]  # table, pk, sk
Near = Mapping[Where, Item | None]


def _nothing(_contact_id: str) -> Sequence[Where]:
    return ()


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
class _Free:
    """An alias nobody owns: the owner that is gone and that it still names, and when that one was erased (ms)."""

    gone: str | None = None
    erased_at: int = 0


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
            owners, free, erased_at = await self._owners(claims, near, read)
            if older(erased_at, origin, ts_s):
                raise PersonErasedError
            ops, news = await self._plan(owners, free, person, origin)
            held = outbox(self._service, self._clock.now_ms(), news)
            if ops and not await self._won([*ops, *held]):
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            found += news
            owed += held
            if len(owners) == 1 and not ops:
                (root,) = owners.values()
                return Party(root["pk"], root["rev"], tuple(found), tuple(owed), read)
        raise ContendedError("identity: others kept claiming the same aliases")

    async def find(self, person: Person) -> str | None:
        """The surviving contact of a person where one is known; claims nothing."""
        owners, _, _ = await self._owners(self.alias_keys(person))
        return min(owners, default=None)

    def alias_keys(self, person: Person) -> list[str]:
        """Keys of the alias items a person's payload names, in order, each once."""
        named = (self._pepper.alias(alias.kind, alias.value) for alias in person.aliases)
        return list(dict.fromkeys(named))

    async def root(self, contact_id: str) -> Item | None:
        """The contact that survives all merges of this one."""
        return await self._survivor(await self._store.get("contacts", contact_id))

    async def details(self, contact: Item) -> Mapping[str, Any]:
        """What is known of a contact (names, wa_id, user_id ...). Raises KeyDestroyedError."""
        return {name: value for name, (value, _) in (await self._stamped(contact)).items()}

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
    ) -> tuple[dict[str, Item], dict[str, _Free], int]:
        """Surviving contacts by id, the aliases nobody owns, and when one of these people was erased (ms).

        An erased person owns no alias any more; but the alias keeps the time of the erasure, whoever claims it
        anew, so that what is older stays out.
        """
        found = await self._store.get_many([("aliases", key, "-") for key in claims])
        named = {key: found.get(("aliases", key, "-"), {}) for key in claims}
        contacts = [item["contact_id"] for item in named.values() if "contact_id" in item]
        roots = await self._roots(dict.fromkeys(contacts), near, {} if read is None else read)
        alive = {each["pk"]: each for each in roots.values() if each is not None and not each.get("erased")}
        free, erased_at = {}, 0
        for key, item in named.items():
            root = roots.get(item.get("contact_id", ""))
            since = max(item.get("erased_at", 0), (root or {}).get("erased_at", 0))
            erased_at = max(erased_at, since)
            if root is None or root["pk"] not in alive:
                free[key] = _Free(item.get("contact_id"), since)
        return alive, free, erased_at

    async def _roots(
        self, contacts: Iterable[str], near: Callable[[str], Sequence[Where]], read: dict[Where, Item | None]
    ) -> dict[str, Item | None]:
        """The survivor of each contact, and into `read` what is wanted near them: all in one call."""
        keys: list[Where] = [("contacts", contact, "-") for contact in contacts]
        beside = [key for contact in contacts for key in near(contact)]
        found = await self._store.get_many([*keys, *beside]) if keys else {}
        read.update({key: found.get(key) for key in beside})
        return {key[1]: await self._survivor(found.get(key)) for key in keys}

    async def _survivor(self, item: Item | None) -> Item | None:
        while item is not None and "merged_into" in item:
            item = await self._store.get("contacts", item["merged_into"])
        return item

    async def _plan(
        self, owners: Mapping[str, Item], free: Mapping[str, _Free], person: Person, origin: Origin
    ) -> tuple[list[Op], list[Event]]:
        """The one transaction that comes next, and its events; nothing where all is settled."""
        if not owners:
            return await self._mint(free), []
        if len(owners) > 1:
            return await self._merge(owners, origin)
        (root,) = owners.values()
        if free:
            return [*_claims(free, root["pk"]), _unmerged(root["pk"])], []
        return await self._learn(root, person, origin)

    async def _mint(self, free: Mapping[str, _Free]) -> list[Op]:
        contact_id = self._ids.contact_id()
        key = await self._keys.mint(contact_id)
        contact = {
            "pk": contact_id,
            "sk": "-",
            "alias": f"Fuente {contact_id[-5:]}",
            "rev": 1,
            "made_at": self._clock.now_ms(),
        }
        return [*_claims(free, contact_id), Put("contacts", contact, absent=True), key]

    async def _learn(self, root: Item, person: Person, origin: Origin) -> tuple[list[Op], list[Event]]:
        """Keep details that are new or newer; a change of a contact raises its conversations' rev too."""
        if not person.details:
            return [], []
        before = await self._stamped(root)
        after = _newer(before, person.details, origin.at_ns)
        if after == before:
            return [], []
        sealed = await self._sealing.blob(root["pk"], after, "contacts", root["pk"])
        change = Update(
            "contacts",
            root["pk"],
            "-",
            set={"sealed": sealed},
            add={"rev": 1},
            condition=Attr("rev").eq(root["rev"]) & Attr("merged_into").not_exists(),
        )
        if _values(after) == _values(before):
            return [change], []
        touched = [_touch(each["sk"]) for each in await self.conversations(root["pk"])]
        return [change, *touched], [
            events.contact_changed(root["pk"], root["rev"] + 1, events.of(self._clock, origin))
        ]

    async def _merge(self, owners: Mapping[str, Item], origin: Origin) -> tuple[list[Op], list[Event]]:
        """The oldest contact takes in the next one; a third one waits for the next round."""
        kept, gone = (owners[key] for key in sorted(owners)[:2])
        own, threads = await self.conversations(kept["pk"]), await self.conversations(gone["pk"])
        has = {conversation_id(each["pnid"], kept["pk"]) for each in own}
        moved = [op for each in threads if (op := point(each, kept["pk"])).set["merged_into"] in has]
        rest = {each["sk"] for each in [*own, *threads]} - {op.pk for op in moved}
        ops: list[Op] = [
            _bump(kept),
            _bump(gone, merged_into=kept["pk"]),
            *(_adopt(kept["pk"], thread) for thread in threads),
            *moved,
            *(_touch(cid) for cid in sorted(rest)),
        ]
        event = events.contact_merged(gone["pk"], gone["rev"] + 1, kept["pk"], events.of(self._clock, origin))
        return ops, [event]

    async def conversations(self, contact_id: str) -> list[Item]:
        """Entries (sk = conversation_id, pnid) of all conversations of a contact, merged ones included."""
        page = await self._store.query("contacts", contact_id, Key("sk").begins_with(CONVERSATION_PREFIX))
        return page.items

    async def _stamped(self, contact: Item) -> dict[str, tuple[Any, int]]:
        blob = contact.get("sealed")
        opened = (
            {} if blob is None else await self._sealing.open(contact["pk"], blob, "contacts", contact["pk"])
        )
        return {name: (value, at) for name, (value, at) in opened.items()}


def point(thread: Item, survivor: str) -> Update:
    """The op by which a merged contact's thread points at the survivor's thread of the same number."""
    pointer = {"merged_into": conversation_id(thread["pnid"], survivor)}
    return Update("conversations", thread["sk"], "-", set=pointer, add={"rev": 1}, remove=["inbox"])


def _claims(free: Mapping[str, _Free], contact_id: str) -> list[Op]:
    """Take aliases; one that names a contact which is gone is taken from it."""
    return [_claim(_alias(key, contact_id, each), each.gone) for key, each in free.items()]


def _alias(key: str, contact_id: str, free: _Free) -> Item:
    since = {"erased_at": free.erased_at} if free.erased_at else {}
    return {"pk": key, "sk": "-", "contact_id": contact_id, **since}


def _claim(item: Item, gone: str | None) -> Put:
    if gone is None:
        return Put("aliases", item, condition=Attr("contact_id").not_exists())
    return Put("aliases", item, condition=Attr("contact_id").eq(gone))


def _unmerged(contact_id: str) -> Check:
    here = Attr("pk").exists() & Attr("merged_into").not_exists() & Attr("erased").not_exists()
    return Check("contacts", contact_id, "-", here)


def _touch(cid: str) -> Update:
    return Update("conversations", cid, "-", add={"rev": 1})


def _bump(contact: Item, **pointer: str) -> Update:
    same = Attr("rev").eq(contact["rev"]) & Attr("merged_into").not_exists()
    return Update("contacts", contact["pk"], "-", set=pointer, add={"rev": 1}, condition=same)


def _adopt(survivor: str, thread: Item) -> Put:
    return Put("contacts", {**thread, "pk": survivor})


def _values(stamped: Mapping[str, tuple[Any, int]]) -> dict[str, Any]:
    return {name: value for name, (value, _) in stamped.items()}


def _newer(
    before: Mapping[str, tuple[Any, int]], seen: Mapping[str, Any], at_ns: int
) -> dict[str, tuple[Any, int]]:
    """Details by name, the later sighting winning, whatever order the sightings are handled in."""
    after = dict(before)
    for name, value in seen.items():
        known = before.get(name)
        if known is None or (at_ns > known[1] and (value != known[0] or at_ns > known[1] + FRESH_NS)):
            after[name] = (value, at_ns)
    return after
