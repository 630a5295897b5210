"""Two contacts of whom a person says that they are one: merged as if a payload had named both."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.record.inbound import Origin
from shared.record.merging import one_of
from shared.record.people import People
from shared.store.port import Op, Update


class NoContactError(Exception):
    """One of the two is not there, or was erased; the message is its id."""


class ApartError(Exception):
    """Somebody said that these two are not one person: un-merged people stay two."""


@dataclass(frozen=True, slots=True)
class Union:
    """What makes two contacts one.

    Attributes:
        contact_id: who survives.
        ops: of one transaction, the outbox of the events included; empty where they are one already.
    """

    contact_id: str
    ops: Sequence[Op] = ()
    events: Sequence[Event] = ()
    owed: Sequence[Update] = ()


async def union(people: People, clock: Clock, service: str, pair: tuple[str, str], origin: Origin) -> Union:
    """What is to be written so that two contacts are one, as they stand now.

    Args:
        people: who they are.
        clock: of the outbox.
        service: whose outbox carries the events.
        pair: contact_ids, in any order.
        origin: under which it is said.

    Raises NoContactError, ApartError, KeyDestroyedError, KeysUnavailableError, StoreUnavailableError.
    """
    roots = [await people.root(each) for each in pair]
    alive = {root["pk"]: root for root in roots if root is not None and not root.get("erased")}
    for contact_id, root in zip(pair, roots, strict=True):
        if root is None or root["pk"] not in alive:
            raise NoContactError(contact_id)
    if len(alive) == 1:
        return Union(next(iter(alive)))
    chosen = one_of(alive)
    if chosen is None:
        raise ApartError
    ops, events = await people.merge(*chosen, origin)
    owed = outbox(service, clock.now_ms(), events)
    return Union(chosen[0]["pk"], [*ops, *owed], events, owed)
