"""Statuses: kept beside their message, never lost, never counted back.

A status names its attempt (`biz_opaque_callback_data`) or only the wamid. The first one of an attempt also
teaches which wamid it has, so that reactions and replies to our message find it, and joins what waited.
"""

import asyncio
from dataclasses import dataclass, replace

from shared.clock import Clock
from shared.events.model import Event
from shared.ids import Ids, attempt_id, parse_attempt, received_id
from shared.record import events
from shared.record.attempts import Report, attempts_of, effects
from shared.record.codec import clear
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.inbound import Person, StatusReport
from shared.record.kept import Kept, Outcome
from shared.record.people import People
from shared.record.relations import join
from shared.record.sealing import Sealing
from shared.record.shape import child_sk
from shared.record.waits import Place, facts_of, kinds_beside, place_of, wait_sk, waiting, waits
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Op,
    Put,
    Store,
    Update,
)
from shared.vault.port import KeyDestroyedError

KIND = "status"


@dataclass(frozen=True, slots=True)
class _Note:
    """A status on its way beside its message: clear facts, and its content in the open until it is sealed."""

    facts: Item
    content: object
    wait: Item | None = None

    @property
    def child(self) -> str:
        """Identity of the status among those of its message."""
        return str(self.facts["child"])

    def of_attempt(self, attempt: int | None) -> "_Note":
        """The same status of a known attempt, where it does not name one itself."""
        if attempt is None or "attempt" in self.facts:
            return self
        return replace(self, facts={**self.facts, "attempt": attempt})

    @property
    def report(self) -> Report:
        """What it says about states."""
        facts = self.facts
        return Report(facts["status"], facts.get("attempt"), facts["arrival_ms"], facts.get("code"))


def target(pnid: str, wamid: str, callback: str | None) -> str:
    """Id of the message a status is about: its attempt's, else its wamid's; one that names neither keeps its own."""
    named = parse_attempt(callback or "")
    return named[0] if named else received_id(pnid, wamid or f"callback {callback}")


class Statuses:
    """Keeps statuses and joins what waited for a message."""

    def __init__(self, store: Store, people: People, sealing: Sealing, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._people = people
        self._sealing = sealing
        self._clock = clock
        self._ids = ids

    async def keep(self, report: StatusReport) -> Kept:
        """Keep one status; it must name an attempt of ours or a wamid.

        Raises what the stores raise; the item comes again and nothing is doubled.
        """
        named = parse_attempt(report.attempt or "")
        target_id = target(report.pnid, report.wamid, report.attempt)
        note = _Note(self._facts(report, named[1] if named else None), dict(report.content))
        try:
            return await self._kept(target_id, note, report)
        except KeyDestroyedError:
            return Kept("erased", note.child)

    async def gather(self, place: Place, target_id: str, attempt: int | None = None) -> list[str]:
        """Join everything that waits for a message now known; answers the kinds that were joined."""
        kinds: list[str] = []
        for wait in await waits(self._store, target_id):
            kinds.append(wait["kind"])
            if wait["kind"] == KIND:
                await self._join(place, wait, attempt)
            else:
                await join(self._store, self._ids, place, wait)
        return kinds

    async def _kept(self, target_id: str, note: _Note, report: StatusReport) -> Kept:
        known = await self._store.get("ids", target_id)
        place = place_of(known)
        if place is not None:
            note = note.of_attempt(_bound(known))
            fresh = await self._beside(place, note)
            return await self._answer("new" if fresh else "again", place, note, report)
        await self._wait(target_id, note, report)
        known = await self._store.get("ids", target_id)  # write first, look second
        place = place_of(known)
        if place is None:
            return Kept("waiting", note.child)
        await self.gather(place, target_id, _bound(known))
        return await self._answer("new", place, note.of_attempt(_bound(known)), report)

    def _facts(self, report: StatusReport, attempt: int | None) -> Item:
        origin = report.origin
        who = (
            f".{self._people.alias_keys(Person((report.participant,)))[0][-12:]}"
            if report.participant
            else ""
        )
        facts: Item = {
            "child": f"{attempt or 0}.{clear(report.status)}{who}",
            "status": clear(report.status),
            "arrival_ms": origin.at_ms,
            "ts": report.ts_s if report.ts_s is not None else origin.at_ms // 1000,
            "raw_id": origin.raw_id,
            "source": origin.source,
        }
        wamid_id = received_id(report.pnid, report.wamid) if report.wamid else None
        given = {"attempt": attempt, "code": report.code, "wamid_id": wamid_id}
        return facts | {name: value for name, value in given.items() if value is not None}

    async def _wait(self, target_id: str, note: _Note, report: StatusReport) -> None:
        party = await self._people.resolve(report.person, report.origin, report.ts_s)
        sk = wait_sk(KIND, note.child)
        sealed = await self._sealing.fields(party.contact_id, note.content, "ids", target_id, sk)
        facts = {**note.facts, "key_id": party.contact_id, **sealed}
        await self._store.write(waiting(target_id, KIND, note.child, facts, self._clock.now_ms()))

    async def _join(self, place: Place, wait: Item, attempt: int | None) -> None:
        """Move a waiting status beside its message, sealed anew for its new place."""
        try:
            content = await self._sealing.open_item("ids", wait)
            facts = {name: value for name, value in facts_of(wait).items() if not name.startswith("sealed")}
            await self._beside(place, _Note(facts, content, wait).of_attempt(attempt))
        except KeyDestroyedError:
            await self._store.write(Delete("ids", wait["pk"], wait["sk"]))

    async def _beside(self, place: Place, note: _Note) -> bool:
        """Put a status beside its message with all it moves, once; False where it is there already."""
        sk = child_sk(place.sk, KIND, note.child)
        for attempt in range(ATTEMPTS * 4):
            message = await self._store.get("messages", place.pk, place.sk)
            if message is None or await self._store.get("messages", place.pk, sk) is not None:
                await self._drop(note)
                return False
            try:
                await commit(self._store, self._ids, await self._ops(message, sk, note))
            except ConditionFailedError:
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            return True
        raise ContendedError("status: others kept moving the same message")

    async def _drop(self, note: _Note) -> None:
        if note.wait is not None:
            await self._store.write(Delete("ids", note.wait["pk"], note.wait["sk"]))

    async def _ops(self, message: Item, sk: str, note: _Note) -> list[Op]:
        moved, delivery = effects(message, await self._deliveries(message), note.report)
        key_id = message["key_id"]
        sealed = await self._sealing.fields(key_id, note.content, "messages", message["pk"], sk)
        child = {**note.facts, "kind": KIND, "key_id": key_id, "pk": message["pk"], "sk": sk, **sealed}
        ops: list[Op] = [Put("messages", child, absent=True), moved]
        if delivery is not None:
            ops.append(delivery)
        if (bound := _binding(message, note.facts)) is not None:
            ops.append(bound)
        if note.wait is not None:
            ops.append(Delete("ids", note.wait["pk"], note.wait["sk"], condition=Attr("pk").exists()))
        return ops

    async def _deliveries(self, message: Item) -> list[Item]:
        lane, prefix = attempts_of(message)
        page = await self._store.query("deliveries", lane, Key("sk").begins_with(prefix))
        return page.items

    async def _answer(self, kind: Outcome, place: Place, note: _Note, report: StatusReport) -> Kept:
        """The events of a status that is in place; what waited for its wamid is joined first."""
        attempt, wamid_id = note.facts.get("attempt"), note.facts.get("wamid_id")
        joined: list[str] = []
        if attempt is not None and wamid_id is not None:
            joined = await self.gather(place, wamid_id, attempt)
        message = await self._store.get("messages", place.pk, place.sk)
        if message is None:
            return Kept("gone", note.child)
        envelope = events.of(self._clock, report.origin)
        if kind == "again":  # what an earlier receive joined may never have been told
            joined = await kinds_beside(self._store, place)
        mine = [each for each in await self._deliveries(message) if each["part"] == str(attempt)]
        found: list[Event] = [
            events.changed(message, [KIND, *joined], envelope),
            *(events.delivery_changed(each, envelope) for each in mine),
        ]
        return Kept(kind, note.child, tuple(found), message=message)


def _bound(ids_item: Item | None) -> int | None:
    """The attempt that a wamid was learnt to belong to."""
    attempt = parse_attempt((ids_item or {}).get("attempt", ""))
    return attempt[1] if attempt else None


def _binding(message: Item, facts: Item) -> Update | None:
    """The op that teaches which wamid an attempt has."""
    if "attempt" not in facts or "wamid_id" not in facts:
        return None
    known = {
        "conversation_id": message["pk"],
        "order_key": message["sk"],
        "attempt": attempt_id(message["message_id"], facts["attempt"]),
    }
    return Update("ids", facts["wamid_id"], "-", set_once=known)
