"""Bugs of ingest and the record."""

import json
from dataclasses import replace
from typing import Any

from shared.record.kept import Kept
from shared.store.port import Put
from sim.bugs.plant import Garden

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
    unseen="a later status of the same message repairs the index",
)
def status_event_skipped_on_redelivery(sound: Any) -> Any:
    """The same for statuses."""

    async def broken(self: Any, kind: Any, place: Any, note: Any, report: Any) -> Kept:
        kept: Kept = await sound(self, kind, place, note, report)
        return replace(kept, events=()) if kind == "again" else kept

    return broken


@_garden.bug("only the first item of an envelope is taken", "services.ingest.handlers:items")
def rest_of_a_batch_ignored(sound: Any) -> Any:
    """Its neighbours are lost."""
    return lambda envelope: list(sound(envelope))[:1]


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


@_garden.bug("a failure to keep an envelope is taken for the end", "services.ingest.handlers:Ingest.take")
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
    unseen="every status of the twin names its attempt, so that none has to wait for its message",
)
def unknown_status_dropped(_sound: Any) -> Any:
    """Nothing waits."""

    async def broken(_self: Any, _target: Any, _note: Any, _report: Any) -> None:
        return

    return broken


@_garden.bug(
    "what waits for a message is never looked up",
    "shared.record.statuses:Statuses.gather",
    unseen="every status of the twin names its attempt; the audit does not ask whether a relation stands beside its target",
)
def waiting_never_joined(_sound: Any) -> Any:
    """The `wait#` look-up is missing."""

    async def broken(_self: Any, _place: Any, _target: Any, _attempt: Any = None) -> list[str]:
        return []

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
    unseen="the audit does not look at the documents of conversations, and messages do not change by a merge",
)
def merge_without_outbox(_sound: Any) -> Any:
    """What no redelivery would bring again is published only once."""
    return lambda _service, _now_ms, _events: []


@_garden.bug(
    "aliases are claimed without a condition",
    "shared.record.people:_claim",
    unseen="the audit does not ask whether one person has one thread",
)
def alias_claimed_non_atomically(_sound: Any) -> Any:
    """The last one to claim an alias has it."""
    return lambda item, _gone: Put("aliases", item)


@_garden.bug(
    "the last order_key moves backwards",
    "shared.record.conversation:_order",
    unseen="the audit does not look at conversations' last_order_key and unread",
)
def order_key_moved_backwards(sound: Any) -> Any:
    """The conversation's last message is whichever was kept last."""
    return lambda _known, message: sound({}, message)


BUGS = _garden.grown()
