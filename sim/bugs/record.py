"""Bugs of ingest and the record."""

import json
from dataclasses import replace
from typing import Any

from shared.record.kept import Kept
from shared.record.waits import place_of
from shared.store.port import Put
from shared.whatsapp.item import RejectedItem
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


@_garden.bug("a message that is there already publishes nothing", "shared.record.keep:Keeper._again")
def event_skipped_on_redelivery(sound: Any) -> Any:
    """The redelivery after a crash is taken for the end."""

    async def broken(self: Any, inbound: Any, seen: Any) -> Kept:
        kept: Kept = await sound(self, inbound, seen)
        return replace(kept, events=())

    return broken


@_garden.bug(
    "a status that is there already publishes nothing",
    "shared.record.statuses:Statuses._answer",
    hot=("services/ingest/handlers.py:bus.publish",),
    heat=0.5,
)
def status_event_skipped_on_redelivery(sound: Any) -> Any:
    """The same for statuses."""

    async def broken(self: Any, kind: Any, place: Any, note: Any, report: Any) -> Kept:
        kept: Kept = await sound(self, kind, place, note, report)
        return replace(kept, events=()) if kind == "again" else kept

    return broken


@_garden.bug("only the first item of an envelope is taken", "services.ingest.handlers:numbered")
def rest_of_a_batch_ignored(sound: Any) -> Any:
    """Its neighbours are lost."""
    return lambda found: list(sound(found))[:1]


@_garden.bug(
    "the archive holds what was parsed, not what was received", "services.ingest.archive:Archive.keep"
)
def raw_archived_as_parsed(sound: Any) -> Any:
    """An envelope that can be read is archived in our own words."""

    async def broken(self: Any, found: Any) -> None:
        body = found.body
        if found.envelope is not None:
            body = json.dumps(json.loads(found.body), indent=1).encode()
        await sound(self, replace(found, body=body))

    return broken


@_garden.bug(
    "a failure to keep an envelope is taken for the end",
    "services.ingest.handlers:Ingest.take",
    hot=("services/ingest/", "shared/record/"),
)
def failure_to_keep_swallowed(sound: Any) -> Any:
    """What could not be kept is deleted from the queue."""

    async def broken(self: Any, found: Any, queue: Any, *rest: Any) -> Any:
        try:
            return await sound(self, found, queue, *rest)
        except Exception:  # noqa: BLE001 - the bug
            return None

    return broken


@_garden.bug(
    "statuses of messages not known yet are dropped",
    "shared.record.statuses:Statuses._wait",
    scenes=(Scene.UNNAMED, Scene.PHONE),
)
def unknown_status_dropped(_sound: Any) -> Any:
    """Nothing waits."""

    async def broken(_self: Any, _target: Any, _note: Any, _report: Any) -> None:
        return

    return broken


@_garden.bug(
    "what waits for a message is never looked up",
    "shared.record.statuses:Statuses.gather",
    scenes=(Scene.UNNAMED, Scene.PHONE, Scene.RELATED),
)
def waiting_never_joined(_sound: Any) -> Any:
    """The `wait#` look-up is missing."""

    async def broken(_self: Any, _place: Any, _target: Any, _attempt: Any = None) -> list[str]:
        return []

    return broken


@_garden.bug(
    "a relation that had to wait looks no second time",
    "shared.record.keep:join",
    scenes=(Scene.RELATED,),
)
def second_look_of_a_relation_missing(_sound: Any) -> Any:
    """Its target came between its look and its write."""

    async def broken(*_args: Any) -> None:
        return

    return broken


@_garden.bug(
    "a status that had to wait looks no second time",
    "shared.record.statuses:Statuses._kept",
    scenes=(Scene.UNNAMED, Scene.PHONE),
)
def second_look_of_a_status_missing(sound: Any) -> Any:
    """Its message came between its look and its write."""

    async def broken(self: Any, target_id: Any, note: Any, report: Any) -> Kept:
        if place_of(await self._store.get("ids", target_id)) is None:
            await self._wait(target_id, note, report)
            return Kept("waiting", note.child)
        return await sound(self, target_id, note, report)  # type: ignore[no-any-return] # the sound one is Any

    return broken


@_garden.bug(
    "what cannot be read is not archived",
    "services.ingest.archive:Archive.keep",
    scenes=(Scene.RUBBISH,),
)
def raw_lost_on_poison(sound: Any) -> Any:
    """Nobody can look at what came."""

    async def broken(self: Any, found: Any) -> None:
        if found.envelope is not None:
            await sound(self, found)

    return broken


@_garden.bug(
    "what is parked is not put aside",
    "services.ingest.archive:Archive.quarantine",
    scenes=(Scene.RUBBISH,),
)
def poison_not_put_aside(_sound: Any) -> Any:
    """Once its queue forgets it, it is one among all envelopes."""

    async def broken(*_args: Any) -> None:
        return

    return broken


@_garden.bug(
    "an item that cannot be kept takes its neighbours with it",
    "services.ingest.handlers:numbered",
    scenes=(Scene.SPOILT,),
)
def reject_takes_its_neighbours(sound: Any) -> Any:
    """The whole envelope is parked."""

    def broken(envelope: Any) -> list[Any]:
        items = list(sound(envelope))
        return [item for item in items if isinstance(item, RejectedItem)] or items

    return broken


@_garden.bug(
    "an item that cannot be kept is parked by nobody",
    "services.ingest.parked:Rejects.park",
    scenes=(Scene.SPOILT,),
)
def reject_not_parked(_sound: Any) -> Any:
    """Only its neighbours tell that it was there."""

    async def broken(*_args: Any) -> None:
        return

    return broken


@_garden.bug("a status moves its attempt back", "shared.record.attempts:advance")
def status_rank_goes_back(_sound: Any) -> Any:
    """The last report wins."""
    return lambda _now, reported: reported


@_garden.bug("a status does not move its message", "shared.record.attempts:best")
def status_not_mirrored(sound: Any) -> Any:
    """A message shows the state it had before."""
    return lambda states: sound(list(states)[:0])


@_garden.bug(
    "outbox of a merge is not written",
    "shared.record.people:outbox",
    scenes=(Scene.RENAMED, Scene.MERGED),
    hot=("services/ingest/handlers.py:bus.publish",),
    heat=0.5,
)
def merge_without_outbox(_sound: Any) -> Any:
    """What no redelivery would bring again is published only once."""
    return lambda _service, _now_ms, _events: []


@_garden.bug(
    "aliases are claimed without a condition",
    "shared.record.claims:_claim",
    scenes=(Scene.CROWD,),
)
def alias_claimed_non_atomically(_sound: Any) -> Any:
    """The last one to claim an alias has it."""
    return lambda item, _gone: Put("aliases", item)


@_garden.bug(
    "the last order_key moves backwards",
    "shared.record.conversation:_order",
    scenes=(Scene.CROWD,),
)
def order_key_moved_backwards(sound: Any) -> Any:
    """The conversation's last message is whichever was kept last."""
    return lambda _known, message: sound({}, message)


BUGS = _garden.grown()
