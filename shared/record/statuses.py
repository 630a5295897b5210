"""Statuses: kept beside their message, never lost, never counted back.

A status names its attempt (`biz_opaque_callback_data`) or only the wamid. The first one of an attempt also
teaches which wamid it has, so that reactions and replies to our message find it, and joins what waited.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.clock import Clock
from shared.events.model import Event
from shared.ids import Ids, attempt_id, parse_attempt, received_id
from shared.record import events
from shared.record.attempts import Report, attempts_of, effects
from shared.record.codec import clear, content_sha
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.inbound import Person, StatusReport
from shared.record.kept import Kept, Outcome
from shared.record.people import People
from shared.record.relations import join
from shared.record.sealing import Sealing
from shared.record.shape import child_sk
from shared.record.waits import (
    Place,
    facts_of,
    kinds_beside,
    listing,
    mark,
    place_of,
    unlisting,
    wait_sk,
    waiting,
    waits,
)
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
from shared.store.updates import updated
from shared.vault.port import KeyDestroyedError

KIND = "status"


@dataclass(frozen=True, slots=True)
class _Left:
    """A message and the deliveries of its attempts as the status left them: its transaction's conditions say so."""

    message: Item
    deliveries: list[Item]


@dataclass(frozen=True, slots=True)
class _Note:
    """A status on its way beside its message: clear facts, its content in the open until it is sealed, what it left."""

    facts: Item
    content: object
    wait: Item | None = None
    left: "_Left | None" = None

    @property
    def child(self) -> str:
        """Identity of the status among those of its message."""
        return str(self.facts["child"])

    @property
    def sha(self) -> str:
        """Hash of what it says, which tells a redelivery from another status of the same word."""
        return str(self.facts["content_sha"])

    @property
    def apart(self) -> str:
        """What tells it from others of the same word."""
        return f".{self.sha[:12]}"

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
            return await self._answer("new" if fresh else "again", place, fresh or note, report)
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
        given = {
            "attempt": attempt,
            "code": report.code,
            "wamid_id": wamid_id,
            "pricing": report.pricing or None,
            "content_sha": content_sha(report.wamid, report.content if report.part is None else report.part),
        }
        return facts | {name: value for name, value in given.items() if value is not None}

    async def _wait(self, target_id: str, note: _Note, report: StatusReport) -> None:
        party = await self._people.resolve(report.person, report.origin, report.ts_s)
        sk = wait_sk(KIND, f"{note.child}{note.apart}")
        sealed = await self._sealing.fields(party.contact_id, note.content, "ids", target_id, sk)
        facts = {**note.facts, "key_id": party.contact_id, **sealed}
        wait = waiting(target_id, KIND, note.child, facts, self._clock.now_ms(), apart=note.apart)
        await commit(self._store, self._ids, [wait, mark(wait.item), listing(wait.item)])

    async def _join(self, place: Place, wait: Item, attempt: int | None) -> None:
        """Move a waiting status beside its message, sealed anew for its new place."""
        try:
            content = await self._sealing.open_item("ids", wait)
            facts = {name: value for name, value in facts_of(wait).items() if not name.startswith("sealed")}
            await self._beside(place, _Note(facts, content, wait).of_attempt(attempt))
        except KeyDestroyedError:
            await self._drop(wait)

    async def _beside(self, place: Place, note: _Note) -> _Note | None:
        """Put a status beside its message with all it moves, once; None where it is there already.

        One with the same word and other content has a place of its own: both are kept.
        """
        own = ("messages", place.pk, place.sk)
        first, other = (
            ("messages", place.pk, child_sk(place.sk, KIND, f"{note.child}{apart}"))
            for apart in ("", note.apart)
        )
        for attempt in range(ATTEMPTS * 4):
            found = await self._store.get_many([own, first, other])
            known = found.get(first)
            same = known is not None and known.get("content_sha", note.sha) == note.sha
            if own not in found or same or other in found:
                if note.wait is not None:
                    await self._drop(note.wait)
                return None
            sk = (other if known else first)[2]
            message, deliveries = found[own], await self._deliveries(found[own])
            moved, delivery = effects(message, deliveries, note.report)
            try:
                await commit(self._store, self._ids, await self._ops(message, sk, note, [moved, delivery]))
            except ConditionFailedError:
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            return replace(note, left=_left(message, moved, deliveries, delivery))
        raise ContendedError("status: others kept moving the same message")

    async def _drop(self, wait: Item) -> None:
        await commit(self._store, self._ids, [Delete("ids", wait["pk"], wait["sk"]), unlisting(wait)])

    async def _ops(self, message: Item, sk: str, note: _Note, moved: Sequence[Update | None]) -> list[Op]:
        key_id = message["key_id"]
        sealed = await self._sealing.fields(key_id, note.content, "messages", message["pk"], sk)
        child = {**note.facts, "kind": KIND, "key_id": key_id, "pk": message["pk"], "sk": sk, **sealed}
        ops: list[Op] = [Put("messages", child, absent=True), *(each for each in moved if each)]
        if (bound := _binding(message, note.facts)) is not None:
            ops.append(bound)
        if note.wait is not None:
            ops.append(Delete("ids", note.wait["pk"], note.wait["sk"], condition=Attr("pk").exists()))
            ops.append(unlisting(note.wait))
        return ops

    async def _deliveries(self, message: Item) -> list[Item]:
        lane, prefix = attempts_of(message)
        page = await self._store.query("deliveries", lane, Key("sk").begins_with(prefix))
        return page.items

    async def _left(self, place: Place) -> _Left | None:
        message = await self._store.get("messages", place.pk, place.sk)
        return None if message is None else _Left(message, await self._deliveries(message))

    async def _answer(self, kind: Outcome, place: Place, note: _Note, report: StatusReport) -> Kept:
        """The events of a status that is in place; what waited for its wamid is joined first."""
        attempt, wamid_id = note.facts.get("attempt"), note.facts.get("wamid_id")
        joined: list[str] = []
        if attempt is not None and wamid_id is not None:
            joined = await self.gather(place, wamid_id, attempt)
        left = note.left if not joined else None  # what was joined has moved the message on
        left = left or await self._left(place)
        if left is None:
            return Kept("gone", note.child)
        message = left.message
        envelope = events.of(self._clock, report.origin)
        if kind == "again":  # what an earlier receive joined may never have been told
            joined = await kinds_beside(self._store, place)
        mine = [each for each in left.deliveries if each["part"] == str(attempt)]
        found: list[Event] = [
            events.changed(message, [KIND, *joined], envelope),
            *(events.delivery_changed(each, envelope) for each in mine),
        ]
        return Kept(kind, note.child, tuple(found), message=message)


def _left(message: Item, moved: Update, deliveries: Sequence[Item], delivery: Update | None) -> _Left:
    """What the updates made of the items they were conditional on."""
    mine = delivery.sk if delivery else None
    after = [updated(delivery, each) if delivery and each["sk"] == mine else each for each in deliveries]
    return _Left(updated(moved, message), after)


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
