"""Account events: each kept once with its sealed content, the newest one's facts where the guard reads them.

`policy` holds under one key (`NUMBER#pnid`, `TEMPLATE#waba#name#lang`, `OPTOUT#contact`, `FIELD#field#waba`
...) the current facts at sk `-`, and every event at its own sk, which is the history. What concerns no person is
listed once more in partition `account` (shared/policy/account.py), and told as an alert where a person must look.
"""

from typing import Any

from shared.alerts import alert
from shared.clock import Clock
from shared.events.model import Event
from shared.ids import Ids
from shared.policy.account import LISTED, listed_sk
from shared.record import events
from shared.record.codec import clear
from shared.record.commit import commit
from shared.record.inbound import AccountChange, Origin
from shared.record.kept import Kept
from shared.record.people import People
from shared.record.sealing import Sealing
from shared.store.port import Attr, ConditionFailedError, Item, Op, Put, Store, Update
from shared.vault.keys import ContactKeys
from shared.vault.port import KeyDestroyedError

ACCOUNT_KEY = "account"  # key_id of what concerns no person


def account_id(raw_id: str, position: int) -> str:
    """Item id of the event at a position of an envelope."""
    return f"a_{raw_id}.{position}"


class Accounts:
    """Keeps account events."""

    def __init__(
        self, store: Store, people: People, keys: ContactKeys, sealing: Sealing, clock: Clock, ids: Ids
    ) -> None:
        self._store = store
        self._people = people
        self._keys = keys
        self._sealing = sealing
        self._clock = clock
        self._ids = ids

    async def keep(self, change: AccountChange) -> Kept:
        """Keep one account event; the current facts only ever become newer."""
        item_id = account_id(change.origin.raw_id, change.origin.position)
        try:
            event = await self._written(item_id, change)
        except KeyDestroyedError:
            return Kept("erased", item_id)
        envelope = events.of(self._clock, change.origin)
        told = events.account_changed(clear(change.subject), change.what, change.state, item_id, envelope)
        return Kept("new" if event else "again", item_id, (told, *self._alert(item_id, change)))

    def _alert(self, item_id: str, change: AccountChange) -> list[Event]:
        """The alert an event asks for; a redelivery tells the same one."""
        alarm = change.alarm
        if alarm is None:
            return []
        return [alert(self._clock, alarm.name, alarm.severity, item_id, subject=clear(change.subject))]

    async def listed(self) -> list[Item]:
        """The newest event of each thing of our account: numbers, templates, limits, fields without a place."""
        found: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query("policy", LISTED, start=start)
            found += page.items
            start = page.next
            if start is None:
                return found

    async def get(self, item_id: str) -> tuple[Item, Any] | None:
        """An account event by its id, and its content; the content is None once erased."""
        named = await self._store.get("ids", item_id) or {}  # a rejected item's mark names no place
        item = await self._store.get("policy", named["at_pk"], named["at_sk"]) if "at_pk" in named else None
        if item is None:
            return None
        try:
            return item, await self._sealing.open_item("policy", item)
        except KeyDestroyedError:
            return item, None

    async def _written(self, item_id: str, change: AccountChange) -> bool:
        """False where it was there already. What is current is decided after, and again at a redelivery."""
        pk, key_id = await self._whose(change)
        origin = change.origin
        ts = change.ts_s if change.ts_s is not None else origin.at_ms // 1000
        sk = f"{ts:010d}.{origin.at_ns:020d}#{item_id}"
        clear_facts = {"what": change.what, "state": change.state, "ts": ts, **change.facts}
        sealed = await self._sealing.fields(key_id, dict(change.content), "policy", pk, sk)
        item = {**clear_facts, **_origin(origin), "key_id": key_id, **sealed, "pk": pk, "sk": sk}
        pointer = {"pk": item_id, "sk": "-", "at_pk": pk, "at_sk": sk, "raw_id": origin.raw_id}
        ops: list[Op] = [Put("ids", pointer, absent=True), Put("policy", item, absent=True)]
        fresh = await self._once(ops)
        await self._once([_current(change, pk, sk)])
        if change.person is None:
            await self._once([_listed(change, pk, sk, item_id)])
        return fresh

    async def _once(self, ops: list[Op]) -> bool:
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return False
        return True

    async def _whose(self, change: AccountChange) -> tuple[str, str]:
        """Partition in `policy` and the key it is sealed under."""
        if change.person is None:
            await self._keys.ensure(ACCOUNT_KEY)
            return change.key, ACCOUNT_KEY
        party = await self._people.resolve(change.person, change.origin, change.ts_s)
        return f"{change.key}#{party.contact_id}", party.contact_id


def _current(change: AccountChange, pk: str, sk: str) -> Update:
    """The newest facts of one kind of event; other kinds of the same thing have theirs."""
    stamp = f"at_{change.what.replace('.', '_')}"
    newer = Attr(stamp).not_exists() | Attr(stamp).lt(sk)
    return Update("policy", pk, "-", set={**change.facts, stamp: sk}, add={"rev": 1}, condition=newer)


def _listed(change: AccountChange, pk: str, sk: str, item_id: str) -> Update:
    alarm = change.alarm
    said = {
        "key": pk,
        "what": change.what,
        "state": change.state,
        "subject": clear(change.subject),
        "ts": int(sk[:10]),
        "facts": dict(change.facts),
        "item_id": item_id,
        "alarm": alarm.name if alarm else "",
        "severity": alarm.severity if alarm else "",
        "at": sk,
    }
    newer = Attr("at").not_exists() | Attr("at").lt(sk)
    return Update("policy", LISTED, listed_sk(pk, change.what), set=said, add={"rev": 1}, condition=newer)


def _origin(origin: Origin) -> dict[str, Any]:
    return {"raw_id": origin.raw_id, "source": origin.source, "arrival_ms": origin.at_ms}
