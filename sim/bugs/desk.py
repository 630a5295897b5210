"""Bugs of the desk."""

from dataclasses import replace
from typing import Any

from shared.due import clear_outbox
from shared.record.kept import Kept
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


@_garden.bug(
    "a reply has no outbox item",
    "shared.record.outbound:outbox",
    scenes=(Scene.CROWD,),
    hot=("shared/due.py:bus.publish",),
    heat=0.5,
)
def reply_without_outbox(_sound: Any) -> Any:
    """Recorded and owed, and nobody hears of it where the publish fails."""
    return lambda _service, _now_ms, _events: []


@_garden.bug(
    "the outbox is cleared before the events are out",
    "services.desk.replies:publish_outbox",
    "services.forwarder.gateway.sender:publish_outbox",
    hot=("shared/due.py:bus.publish",),
    heat=0.5,
)
def outbox_deleted_before_publishing(sound: Any) -> Any:
    """A failed publish is the last one."""

    async def broken(bus: Any, store: Any, events: Any, owed: Any) -> None:
        await clear_outbox(store, owed)
        await sound(bus, store, events, owed)

    return broken


@_garden.bug(
    "the Idempotency-Key is ignored",
    "shared.record.outbound:Outbound.record",
    scenes=(Scene.LOST,),
)
def idempotency_key_ignored(sound: Any) -> Any:
    """A repeated request is a further message."""

    async def broken(self: Any, draft: Any, thread: Any = None) -> Kept:
        return await sound(self, replace(draft, message_id=f"o_{self._ids.token()[:26]}"), thread)  # type: ignore[no-any-return] # the sound one is Any

    return broken


@_garden.bug(
    "an own lost answer is taken for a foreign winner",
    "shared.record.outbound:Outbound._again",
    scenes=(Scene.LOST,),
)
def own_lost_answer_taken_for_foreign(sound: Any) -> Any:
    """What this very request wrote counts as somebody else's."""

    async def broken(self: Any, draft: Any, seen: Any) -> Kept:
        kept: Kept = await sound(self, draft, seen)
        return replace(kept, kind="variant")

    return broken


@_garden.bug("a reply is recorded and not owed", "shared.record.outbound:Outbound._owe")
def reply_not_owed(_sound: Any) -> Any:
    """Nothing stands in the lane."""
    return lambda _self, _draft, _message: []


@_garden.bug("only the first part of a long text is recorded", "services.desk.drafts:_forms")
def rest_of_a_long_text_dropped(sound: Any) -> Any:
    """The words are cut where WhatsApp's limit is."""
    return lambda reply, wamid: [
        {**form, "text": {"body": "x"}} if "text" in form else form for form in sound(reply, wamid)
    ]


BUGS = _garden.grown()
