"""Erasing a person: who asks, what each place answers, and the receipt.

pk "erasure", sk <erasure_id>           a request under way
pk "erasure-receipt", sk <erasure_id>   one that is done, with its receipt

A request is worked on by the keeper (services/ingest/keeper/erasing.py), which asks every registered `Eraser`
until all of them find nothing any more. Everything here is ids, counts and times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from shared.clock import Clock
from shared.ids import Ids
from shared.record.ledger import Subject
from shared.record.people import People
from shared.store.port import ConditionFailedError, Item, Put, Store

KIND = "erasure"
RECEIPTS = "erasure-receipt"
State = Literal["asked", "held", "closed", "done"]
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of an eraser did.

    Attributes:
        erased: things removed or cleaned by this call; 0 = nothing of the person is left here.
        copies: where copies went that cannot be called back -> how many.
        note: what a person must know of this place, in Spanish.
    """

    erased: int = 0
    copies: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


class Eraser(Protocol):
    """One store that may hold something of a person. Connect, destinations, exports and so on have their own."""

    place: str

    async def erase(self, subject: Subject) -> Outcome:
        """Remove all there is; again, also after dying at any call, it finds what is left.

        Raises what the store raises; the keeper comes again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that goes by itself: `days` after the erasure it is gone. `what` in Spanish."""

    what: str
    days: int


class NoContactError(Exception):
    """There is no such contact."""


class Requests:
    """Requests of erasure."""

    def __init__(self, store: Store, people: People, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._ids = ids

    async def ask(self, contact_id: str, reference: str, by: str) -> str:
        """Ask for a person's erasure; answers the erasure's id, of the one under way or done where there is one.

        Args:
            contact_id: any contact of the person.
            reference: the case, as the newsroom files it; no name, no number.
            by: who asks.

        Raises NoContactError, StoreUnavailableError.
        """
        root = await self._people.root(contact_id)
        gone = root is None or bool(root.get("erased"))
        same = {contact_id, root["pk"]} if root else {contact_id}
        known = [*await self.open(), *(await self._listed(RECEIPTS) if gone else ())]
        for item in known:  # whoever did not hear the answer asks again
            if item["contact_id"] in same:
                return str(item["sk"])
        if root is None or gone:
            raise NoContactError(contact_id)
        erasure_id = f"e_{self._ids.ulid()}"
        await self._put(erasure_id, root["pk"], reference, by, self._clock.now_ms())
        return erasure_id

    async def again(self, subject: Subject) -> bool:
        """Ask once more for what a restore has brought back; False where it is being asked for already."""
        known: Item = {"erased_at": subject.erased_at, "aliases": list(subject.aliases)}
        first = subject.contact_ids[0]
        return await self._put(subject.erasure_id, first, "restore", "keeper", self._clock.now_ms(), **known)

    async def open(self) -> list[Item]:
        """Every request under way, oldest first."""
        return await self._listed(KIND)

    async def _listed(self, kind: str) -> list[Item]:
        items: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query("config", kind, start=start)
            items += page.items
            start = page.next
            if start is None:
                return items

    async def get(self, erasure_id: str) -> Item | None:
        """A request, or its receipt once it is done."""
        found = await self._store.get("config", KIND, erasure_id)
        return found or await self._store.get("config", RECEIPTS, erasure_id)

    async def _put(
        self, erasure_id: str, contact_id: str, reference: str, by: str, now_ms: int, **more: Any
    ) -> bool:
        item: Item = {
            "pk": KIND,
            "sk": erasure_id,
            "state": "asked",
            "contact_id": contact_id,
            "reference": reference,
            "asked_by": by,
            "asked_at": now_ms,
            "places": {},
            "rounds": 0,
            "resume_at": 0,
            "rev": 1,
            **more,
        }
        try:
            await self._store.write(Put("config", item, absent=True))
        except ConditionFailedError:
            return False
        return True


def receipt(item: Item, backups: tuple[Backup, ...]) -> dict[str, Any]:
    """What the person is told: where, how much, until when copies live, and which could not be called back.

    A place that was cut off in the middle and begun again may have counted less than it erased: `at_least`.
    """
    places = [
        {
            "place": name,
            "erased": each["erased"],
            "at_least": each["begun"] > each["ended"],
            **({"note": each["note"]} if each["note"] else {}),
        }
        for name, each in sorted(item["places"].items())
    ]
    copies: dict[str, int] = {}
    for each in item["places"].values():
        for where, count in each["copies"].items():
            copies[where] = max(copies.get(where, 0), count)
    erased_at: int = item["erased_at"]
    return {
        "erasure_id": item["sk"],
        "reference": item["reference"],
        "asked_at": day(item["asked_at"]),
        "erased_at": day(erased_at),
        "places": places,
        "backups": [{"what": b.what, "gone_by": day(erased_at + b.days * DAY_MS)} for b in backups],
        "copies_elsewhere": dict(sorted(copies.items())),
    }


def day(ms: int) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
