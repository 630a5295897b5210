"""Carries an erasure through, resumable at any call.

    asked    a hold stops it here ("held"); else the ledger is written, then the contacts are marked erased,
             which is the moment: what arrives later is somebody new's, what is older is dropped
    closed   every alias is known now, none can be added any more; the ledger is completed
    erasing  round after round every eraser is asked, until one round finds nothing
    done     the receipt stands, the request goes

Between rounds 65 s pass: within 60 s every process forgets the keys it holds, so what a worker still wrote with
one in its hands is found by the next round.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.ingest.keeper.rows import aliases_of
from services.ingest.keeper.settings import SERVICE
from shared.clock import Clock
from shared.due import outbox
from shared.ids import Ids
from shared.record.commit import commit
from shared.record.erasure import KIND, RECEIPTS, Backup, Eraser, Outcome, Requests, receipt
from shared.record.events import Envelope, contact_erased
from shared.record.holds import Holds, closure
from shared.record.ledger import Ledger, Subject, read
from shared.record.people import People
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Op, Put, Store, Update
from shared.vault.keys import CACHE_S

QUIET_MS = int((CACHE_S + 5) * 1000)
ROUNDS = 2  # at least: the second one shows that the first left nothing


class Erasing:
    """Works on the requests of erasure.

    Args:
        erasers: every place, in the order in which they are asked; the keys first.
        backups: copies that go by themselves, for the receipt.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        requests: Requests,
        ledger: Ledger,
        holds: Holds,
        erasers: Sequence[Eraser],
        backups: Sequence[Backup],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._people = people
        self._requests = requests
        self._ledger = ledger
        self._holds = holds
        self.erasers = tuple(erasers)
        self._backups = tuple(backups)
        self._clock = clock
        self._ids = ids

    async def work(self) -> None:
        """One step of every request under way. Raises what the stores raise; called again, it goes on."""
        for item in await self._requests.open():
            await self._step(item)

    async def restored(self) -> int:
        """Ask again for every erasure whose person is back, as after a restore; answers how many."""
        count = 0
        async for subject in self._ledger.entries():
            if await self._back(subject):
                count += await self._requests.again(subject)
        return count

    async def _back(self, subject: Subject) -> bool:
        """Whether somebody of the ledger is in the tables as if never erased."""
        for contact_id in subject.contact_ids:
            contact = await self._store.get("contacts", contact_id)
            key = await self._store.get("contact_keys", contact_id)
            if (contact is not None and not contact.get("erased")) or "wrapped" in (key or {}):
                return True
        return False

    async def _step(self, item: Item) -> None:
        match item["state"]:
            case "asked" | "held":
                await self._open(item)
            case "closed":
                await self._complete(item)
            case "erasing" if item["resume_at"] <= self._clock.now_ms():
                await self._round(item)

    async def _open(self, item: Item) -> None:
        """Stop at a hold, or write the ledger and close the contacts, all in one transaction."""
        contacts, threads = await closure(self._store, self._people, item["contact_id"])
        holds = await self._holds.held()
        stopped = [hold for each in ["", *threads] for c in contacts if (hold := holds.by(c, each))]
        if stopped:
            if item["state"] != "held" or item.get("hold_id") != stopped[0]:
                await self._save(item, state="held", hold_id=stopped[0])
            return
        erased_at = item.get("erased_at", self._clock.now_ms())
        known = tuple(item.get("aliases", ()))
        subject = Subject(item["sk"], erased_at, tuple(contacts), tuple(threads), known)
        await self._ledger.keep(subject)
        await self._close(item, subject)

    async def _close(self, item: Item, subject: Subject) -> None:
        found = [await self._store.get("contacts", each) for each in subject.contact_ids]
        alive = [each for each in found if each is not None and not each.get("erased")]
        now = self._clock.now_ms()
        told = outbox(
            SERVICE, now, [contact_erased(each["pk"], each["rev"] + 1, Envelope(now)) for each in alive]
        )
        ops: list[Op] = [*(_closing(each, subject.erased_at) for each in alive), *told]
        await self._save(item, ops, state="closed", erased_at=subject.erased_at, subject=_facts(subject))
        await self._complete(item)

    async def _complete(self, item: Item) -> None:
        subject = read(item["subject"])
        found = [each["pk"] async for each in aliases_of(self._store, subject)]
        aliases = tuple(dict.fromkeys([*subject.aliases, *sorted(found)]))
        whole = Subject(
            subject.erasure_id, subject.erased_at, subject.contact_ids, subject.conversation_ids, aliases
        )
        await self._ledger.keep(whole)
        await self._save(item, state="erasing", subject=_facts(whole))
        await self._round(item)

    async def _round(self, item: Item) -> None:
        """Ask every place; one that does not answer keeps the others from nothing, but the round counts as none."""
        subject, erased, trouble, cuts = read(item["subject"]), 0, [], _cuts(item)
        for eraser in self.erasers:
            try:
                erased += await self._place(item, eraser, subject)
            except Exception as error:  # noqa: BLE001 - the other places are asked all the same; raised below
                trouble.append(error)
        if trouble:
            raise trouble[0]
        item["rounds"] += 1
        # Whoever was cut off holds what they had received (erasers/parked.py): this round may not have seen it.
        if erased == 0 and item["rounds"] >= ROUNDS and cuts == item.get("cuts", 0):
            await self._finish(item)
        else:
            resume_at = self._clock.now_ms() + QUIET_MS
            await self._save(item, rounds=item["rounds"], cuts=cuts, resume_at=resume_at)

    async def _place(self, item: Item, eraser: Eraser, subject: Subject) -> int:
        places: dict[str, Any] = item["places"]
        known = places.setdefault(
            eraser.place, {"erased": 0, "begun": 0, "ended": 0, "copies": {}, "note": ""}
        )
        known["begun"] += 1
        await self._save(item, places=places)
        outcome: Outcome = await eraser.erase(subject)
        known["ended"] += 1
        known["erased"] += outcome.erased
        known["copies"], known["note"] = dict(outcome.copies), outcome.note
        await self._save(item, places=places)
        return outcome.erased

    async def _finish(self, item: Item) -> None:
        now = self._clock.now_ms()
        made = {
            **item,
            "pk": RECEIPTS,
            "state": "done",
            "done_at": now,
            "receipt": receipt(item, self._backups),
        }
        gone = Delete("config", KIND, item["sk"], condition=Attr("rev").eq(item["rev"]))
        await self._commit([Put("config", made), gone])

    async def _save(self, item: Item, ops: Sequence[Op] = (), **changes: Any) -> None:
        """Keep the request's progress, with what it speaks of; whoever else holds it since wins."""
        same = Attr("rev").eq(item["rev"])
        mine = Update("config", KIND, item["sk"], set=changes, add={"rev": 1}, condition=same)
        await self._commit([mine, *ops])
        item |= {**changes, "rev": item["rev"] + 1}

    async def _commit(self, ops: Sequence[Op]) -> None:
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            raise MovedError from None


class MovedError(Exception):
    """The request, or a contact it closes, moved meanwhile: read again."""


def _cuts(item: Item) -> int:
    """How often an eraser was cut off so far."""
    return sum(each["begun"] - each["ended"] for each in item["places"].values())


def _closing(contact: Item, erased_at: int) -> Update:
    same = Attr("rev").eq(contact["rev"])
    gone = {"erased": True, "erased_at": erased_at}
    return Update(
        "contacts",
        contact["pk"],
        "-",
        set=gone,
        add={"rev": 1},
        remove=["sealed", "sealed_ref"],
        condition=same,
    )


def _facts(subject: Subject) -> Item:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(subject).items()
    }
