"""Bugs of the queue worker."""

from typing import Any

from shared.errors import RetryAfter
from shared.queue.verdict import DONE, Verdict
from sim.bugs.plant import Garden

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


@_garden.bug("one failure parks a message", "shared.queue.worker:decide")
def first_failure_is_parked(sound: Any) -> Any:
    """No second try."""
    return lambda error, _count, _park_at, uniform, **options: sound(
        error, 1, 1, uniform, **{**options, "waits": False}
    )


BUGS = _garden.grown()
