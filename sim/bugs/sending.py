"""Bugs of the gateway."""

from typing import Any

from services.forwarder.ports import NotSentError, UnclearError
from shared.lanes.port import Finished, Outcome
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


@_garden.bug("an ambiguous send is repeated", "services.forwarder.gateway.sender:Gateway.call")
def retry_on_an_ambiguous_send(sound: Any) -> Any:
    """UnclearError counts as not sent."""

    async def broken(self: Any, payload: Any, item: Any) -> Outcome:
        try:
            outcome: Outcome = await sound(self, payload, item)
        except UnclearError:
            return self._later(NotSentError("unclear", 1.0), item["try"])  # type: ignore[no-any-return] # the gateway is not named here
        return outcome

    return broken


@_garden.bug(
    "an abandoned send is repeated",
    "services.forwarder.gateway.sender:Gateway.abandoned",
    hot=("services/forwarder/gateway/sender.py", "shared/lanes/"),
)
def abandoned_send_repeated(_sound: Any) -> Any:
    """Whoever died may have sent it."""
    return lambda _self, _item: None


@_garden.bug("a timeout of a send is repeated", "services.forwarder.gateway.sender:Gateway.unclear")
def timeout_counts_as_not_sent(_sound: Any) -> Any:
    """No answer is taken for no effect."""
    return lambda self, item: self._later(NotSentError("timeout", 1.0), item["try"])


@_garden.bug("an ambiguous send counts as handed over", "services.forwarder.gateway.sender:Gateway.unclear")
def ambiguous_send_counts_as_sent(_sound: Any) -> Any:
    """What may be lost is shown as sent."""
    return lambda _self, _item: Finished("handed_over")


@_garden.bug(
    "a throttled send is given up as sent",
    "services.forwarder.gateway.sender:Gateway._later",
    hot=("services/forwarder/gateway/sender.py",),
)
def throttled_send_counts_as_sent(_sound: Any) -> Any:
    """What was refused for a moment is never sent."""
    return lambda _self, _error, _tried: Finished("handed_over")


@_garden.bug("the outcome of an attempt is not mirrored", "services.forwarder.gateway.ledger:best")
def outcome_not_mirrored(_sound: Any) -> Any:
    """The message says queued for ever."""
    return lambda _states: "queued"


@_garden.bug(
    "the gateway tells nobody",
    "services.forwarder.gateway.ledger:outbox",
    scenes=(Scene.DOUBT,),
    hot=("shared/due.py:bus.publish",),
    heat=0.5,
)
def outcome_without_outbox(_sound: Any) -> Any:
    """Its events have no second chance."""
    return lambda _service, _now_ms, _events: []


def _open(_sound: Any) -> Any:
    return lambda *_args: True


def _unchecked(_sound: Any) -> Any:
    return lambda _self, _thread: None


_garden.add(
    "window-guard-removed",
    "free text is sent whether or not the person's window is open",
    [
        ("shared.policy.guard:_window_open", _open),
        ("services.desk.replies:Replies._check_open", _unchecked),
    ],
    scenes=(Scene.PHONE,),
)


def _full(_sound: Any) -> Any:
    return lambda _bucket, _tat_us, now_us: now_us


_garden.add(
    "rate-guard-removed",
    "tokens are never short, for a person as for a number",
    [("shared.policy.bucket:Bucket.take", _full)],
    scenes=(Scene.FLURRY,),
)


@_garden.bug(
    "a locked account does not stop the sends",
    "services.ingest.verdicts:Verdicts.before",
    scenes=(Scene.LOCKED,),
)
def breaker_not_tripped(_sound: Any) -> Any:
    """Meta's lock is read by nobody."""

    async def broken(_self: Any, _report: Any, _waba: Any) -> None:
        return

    return broken


@_garden.bug("a message goes to another thread's person", "services.forwarder.gateway.letter:Letters.write")
def letter_to_the_last_person(sound: Any) -> Any:
    """The address of the first letter is used for all."""
    first: list[Any] = []

    async def broken(self: Any, item: Any, message: Any) -> Any:
        first.append((item, message))
        return await sound(self, *first[0])

    return broken


BUGS = _garden.grown()
