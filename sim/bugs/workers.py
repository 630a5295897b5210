"""Bugs of the queue worker."""

from dataclasses import replace
from typing import Any

from shared.errors import Poison, RetryAfter
from shared.queue.verdict import DONE, Verdict
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


@_garden.bug("a message is deleted before its handler ran", "shared.queue.worker:Worker._handle")
def message_deleted_first(sound: Any) -> Any:
    """A crash in the handler loses it."""

    async def broken(self: Any, flight: Any) -> Any:
        await self._deletes.delete(flight.message)
        return await sound(self, flight)

    return broken


@_garden.bug("a failed handler counts as done", "shared.queue.worker:decide")
def failure_counts_as_done(_sound: Any) -> Any:
    """The message is deleted whatever was raised."""
    return lambda *_args, **_options: DONE


@_garden.bug("waiting is failing", "shared.queue.worker:decide")
def waiting_is_parked(sound: Any) -> Any:
    """RetryAfter puts a message into the dead-letter queue."""

    def broken(error: Any, *args: Any, **options: Any) -> Verdict:
        if isinstance(error, RetryAfter):
            return Verdict("park", "poison", reason=error.reason)
        return sound(error, *args, **options)  # type: ignore[no-any-return] # the sound one is Any

    return broken


@_garden.bug(
    "waiting uses up the receives",
    "shared.queue.worker:decide",
    scenes=(Scene.QUOTA,),
)
def waiting_is_not_renewed(sound: Any) -> Any:
    """The queue itself parks what has waited too often, and without a reason."""

    def broken(*args: Any, **options: Any) -> Verdict:
        verdict: Verdict = sound(*args, **options)
        return replace(verdict, action="hide") if verdict.action == "renew" else verdict

    return broken


@_garden.bug("poison is thrown away", "shared.queue.worker:decide", scenes=(Scene.RUBBISH,))
def poison_swallowed(sound: Any) -> Any:
    """What cannot be understood counts as done."""

    def broken(error: Any, *args: Any, **options: Any) -> Verdict:
        return DONE if isinstance(error, Poison) else sound(error, *args, **options)

    return broken


@_garden.bug(
    "a message is parked without its reason", "shared.queue.worker:reason_attributes", scenes=(Scene.RUBBISH,)
)
def parked_without_a_reason(sound: Any) -> Any:
    """Whoever looks at it has to guess."""
    return lambda *args: {name: value for name, value in sound(*args).items() if name != "reason"}


@_garden.bug("a lost lease is not noticed", "shared.queue.heartbeat:Heartbeat._lose", scenes=(Scene.HURRY,))
def lease_lost_ignored(_sound: Any) -> Any:
    """What is somebody else's by now is deleted."""
    return lambda _self: None


@_garden.bug(
    "nothing keeps a message hidden while it is handled",
    "shared.queue.heartbeat:Heartbeat._fire",
    scenes=(Scene.CALM, Scene.SLOW),
)
def heartbeat_missing(_sound: Any) -> Any:
    """A long lane is run by two."""
    return lambda _self: None


@_garden.bug("one failure parks a message", "shared.queue.worker:decide")
def first_failure_is_parked(sound: Any) -> Any:
    """No second try."""
    return lambda error, _count, _park_at, uniform, **options: sound(
        error, 1, 1, uniform, **{**options, "waits": False}
    )


BUGS = _garden.grown()
