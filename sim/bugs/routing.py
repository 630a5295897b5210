"""Bugs of the router and the deliverer."""

from dataclasses import replace
from typing import Any

from services.forwarder.ordering import Plan
from shared.lanes.port import Finished
from shared.store.port import Attr, Check, Put
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


def _early_ops(sound: Any) -> Any:
    """The cursor is written alone, before the deliveries."""

    async def broken(self: Any, message: Any, rules: Any, *, late: bool) -> Any:
        found = await sound(self, message, rules, late=late)
        if not late:
            cursor = await self._cursor(message["pk"])
            await self._patience.write(_MOVED[0](cursor, message["sk"]))
        return found

    return broken


def _checked(sound: Any) -> Any:
    """What was the move in the transaction only looks."""
    _MOVED[:] = [sound]

    def broken(self: Any, to: str) -> Check:
        moved = sound(self, to)
        return Check(moved.table, moved.pk, moved.sk, Attr("at").eq(to))

    return broken


_MOVED: list[Any] = []
_garden.add(
    "cursor-moved-too-early",
    "the cursor is written before the deliveries, and apart",
    [
        ("services.forwarder.router:_Cursor.moved", _checked),
        ("services.forwarder.router:Router._ops", _early_ops),
    ],
    scenes=(Scene.CALM, Scene.CROWD),
)


@_garden.bug("a late message is not routed", "services.forwarder.router:Router._late")
def late_message_not_routed(_sound: Any) -> Any:
    """Below the cursor counts as done."""

    async def broken(_self: Any, _event: Any, _cursor: Any, _lanes: Any) -> None:
        return

    return broken


@_garden.bug("the mark `routed` is not written", "services.forwarder.router:Router._ops")
def routed_mark_not_written(sound: Any) -> Any:
    """A message is evaluated again at each redelivery."""

    async def broken(self: Any, message: Any, rules: Any, *, late: bool) -> Any:
        ops, lanes = await sound(self, message, rules, late=late)
        return [op for op in ops if not (isinstance(op, Put) and op.table == "messages")], lanes

    return broken


@_garden.bug("a late message is not marked", "services.forwarder.router:owe")
def late_mark_missing(sound: Any) -> Any:
    """What was overtaken does not say so."""
    return lambda lane, **facts: sound(lane, **{**facts, "late": False})


@_garden.bug(
    "only the poked message is routed, older ones are stepped over", "services.forwarder.ordering:plan"
)
def older_messages_stepped_over(sound: Any) -> Any:
    """The cursor passes what has not been routed; it is found late, if at all."""

    def broken(items: Any, poked: str, settled_ms: int) -> Plan:
        found: Plan = sound(items, poked, settled_ms)
        return replace(found, messages=found.messages[-1:])

    return broken


@_garden.bug(
    "the lanes of a routed message are not run again",
    "services.forwarder.router:Router.lanes",
    hot=("shared/lanes/",),
)
def lanes_not_run_on_redelivery(_sound: Any) -> Any:
    """Whoever routed it and died before running them was the last."""

    async def broken(_self: Any, _conversation: str, _key: str) -> list[Any]:
        return []

    return broken


@_garden.bug("a message goes to every destination", "services.forwarder.routing:_matches")
def route_ignored(_sound: Any) -> Any:
    """No rule is asked."""
    return lambda _match, _facts: True


@_garden.bug(
    "nothing is held back for older messages",
    "services.forwarder.ordering:plan",
    scenes=(Scene.CALM, Scene.CROWD),
)
def poked_message_first(_sound: Any) -> Any:
    """Messages are routed in the order of their events."""

    def broken(items: Any, poked: str, _settled_ms: int) -> Plan:
        return Plan(tuple(item for item in items if item["sk"] == poked), poked)

    return broken


@_garden.bug("each try has a delivery id of its own", "services.forwarder.rendering:delivery_id")
def delivery_id_changes_with_the_try(sound: Any) -> Any:
    """No receiver can drop a repetition."""
    return lambda item: f"{sound(item)}.{item['try']}"


@_garden.bug("a temporary answer of a destination is final", "services.forwarder.answers:temporary")
def temporary_answer_is_final(_sound: Any) -> Any:
    """Down once is lost for ever."""
    return lambda _answer: False


@_garden.bug("any answer of a destination is a yes", "services.forwarder.answers:taken")
def any_answer_is_taken(_sound: Any) -> Any:
    """Delivered is what was tried."""
    return lambda _answer: True


@_garden.bug("an unclear call is taken for a delivery", "services.forwarder.deliverer:Deliverer.unclear")
def unclear_delivery_given_up(_sound: Any) -> Any:
    """What may have arrived is not repeated."""
    return lambda _self, _item: Finished("delivered")


BUGS = _garden.grown()
