"""The names an import could not place, and the person's word who they are."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.desk.audit import AuditLog
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import publish_outbox
from shared.http.principal import CLEARED, Principal
from shared.http.problems import Problem
from shared.ids import Ids
from shared.objects.port import Objects
from shared.record.commit import ATTEMPTS, pause
from shared.record.inbound import Origin
from shared.record.people import People
from shared.record.runs import named
from shared.record.uniting import ApartError, NoContactError, Union, union
from shared.store.port import ConditionFailedError, ContendedError, Store
from shared.vault.port import KeyDestroyedError

SERVICE = "desk"
_REACHED_BY = ("wa_id", "user_id")


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A contact of whom nothing is known but a printed name, and how many messages of theirs the run has."""

    contact_id: str
    name: str | None
    messages: int


class Names:
    """Lists and places names.

    Args:
        exports: the exports bucket, where runs leave their journals.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        exports: Objects,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._people = people
        self._exports = exports
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def unplaced(self, run: str, caller: Principal) -> list[Unplaced]:
        """Whom the run knows by name alone to this day, those with most messages first. Raises Problem 404."""
        found = await named(self._exports, run)
        if found is None:
            raise Problem(404, "not-found", "run")
        order = sorted(found.items(), key=lambda each: (-each[1], each[0]))
        asked = [await self._unplaced(contact_id, count, caller) for contact_id, count in order]
        return [each for each in asked if each is not None]

    async def place(self, run: str, contact_id: str, to: str, caller: Principal) -> str:
        """Say that a run's name is a person's who is known; answers the surviving contact. Again is no error.

        Raises Problem, ContendedError, StoreUnavailableError.
        """
        found = await named(self._exports, run)
        if found is None or contact_id not in found:
            raise Problem(404, "not-found", "run" if found is None else "contact_id")
        origin = Origin(run, 0, self._clock.now_ns(), "import")
        for attempt in range(ATTEMPTS * 4):
            await self._check(to, caller)
            one = await self._union((contact_id, to), origin)
            if not one.ops:
                return one.contact_id
            said = {"run": run, "with": to}
            try:
                await self._audit.record(caller.agent_id, "contact.placed", contact_id, said, beside=one.ops)
            except ConditionFailedError:  # one of the two moved
                await asyncio.sleep(pause(self._ids, attempt))
                continue
            await publish_outbox(self._bus, self._store, one.events, one.owed)
            return one.contact_id
        raise ContendedError("names: others kept moving the same people")

    async def _union(self, pair: tuple[str, str], origin: Origin) -> Union:
        try:
            return await union(self._people, self._clock, SERVICE, pair, origin)
        except NoContactError as error:
            raise Problem(404, "not-found", "contact_id") from error
        except ApartError as error:
            raise Problem(409, "people-apart", "contact_id") from error
        except KeyDestroyedError as error:
            raise Problem(409, "erased-person", "contact_id") from error

    async def _check(self, to: str, caller: Principal) -> None:
        """Of protected people only those decide who may see them."""
        root = await self._people.root(to)
        if root is not None and root.get("protected") and not caller.has(CLEARED):
            raise Problem(403, "forbidden")

    async def _unplaced(self, contact_id: str, count: int, caller: Principal) -> Unplaced | None:
        root = await self._people.root(contact_id)
        if root is None or root["pk"] != contact_id or root.get("erased"):
            return None  # it is somebody now, or gone
        try:
            details = await self._people.details(root)
        except KeyDestroyedError:
            return None
        if any(details.get(each) for each in _REACHED_BY):
            return None
        hidden = root.get("protected") and not caller.has(CLEARED)
        return Unplaced(contact_id, None if hidden else _name(details), count)


def _name(details: Mapping[str, Any]) -> str | None:
    value = details.get("saved_name") or details.get("name")
    return value if isinstance(value, str) else None
