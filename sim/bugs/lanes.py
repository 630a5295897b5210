"""Bugs of the lanes and of the one timer: the model's own four, and what lies around them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.lanes.port import Later
from shared.lanes.runner import MAX_STEPS
from shared.store.port import Op, Update
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()


def _claims(op: Op) -> bool:
    return isinstance(op, Update) and op.table == "deliveries" and op.set.get("state") == "sending"


@_garden.bug("a claim has no due item", "shared.lanes.patience:Patience.transact")
def claim_without_due_item(sound: Any) -> Any:
    """Nobody comes back for what the claimer left."""

    async def broken(self: Any, ops: Sequence[Op]) -> None:
        await sound(self, [op for op in ops if not (_claims(ops[0]) and op.table == "due")])

    return broken


@_garden.bug(
    "a claim is good until now",
    "shared.lanes.patience:Patience.transact",
    scenes=(Scene.HURRY,),
)
def claim_at_now(sound: Any) -> Any:
    """The next worker finds it abandoned at once."""

    async def broken(self: Any, ops: Sequence[Op]) -> None:
        first = ops[0]
        if isinstance(first, Update) and _claims(first):
            ops = [replace(first, set={**first.set, "at": first.set["claimed_at"]}), *ops[1:]]
        await sound(self, ops)

    return broken


@_garden.bug(
    "a claim leaves no room for two clocks",
    "shared.lanes.runner:CLAIM_MARGIN_S",
    scenes=(Scene.HURRY,),
)
def claim_shorter_than_its_call(_sound: Any) -> Any:
    """It ends before the call may."""
    return -6.0


@_garden.bug(
    "a due item is deleted before its run",
    "shared.due:DueTimer._run_one",
    scenes=(Scene.CROWD,),
    hot=("shared/due.py:bus.publish",),
    heat=0.5,
)
def due_item_deleted_first(sound: Any) -> Any:
    """A crash in the run loses it."""

    async def broken(self: Any, item: Any) -> None:
        await self._remove(item)
        await sound(self, item)

    return broken


@_garden.bug("waiting leaves no due item", "shared.lanes.runner:Lanes._ops")
def wait_without_due_item(sound: Any) -> Any:
    """`at` is set and nobody comes at that time."""

    def broken(self: Any, lane: Any, item: Any, outcome: Any, condition: Any) -> list[Op]:
        ops: list[Op] = sound(self, lane, item, outcome, condition)
        return ops[:1] if isinstance(outcome, Later) else ops

    return broken


@_garden.bug("a lane sends its newest first", "shared.lanes.runner:decide")
def order_ignored_in_a_lane(sound: Any) -> Any:
    """The last one owed is the head."""
    return lambda owed, now_ms: sound(list(reversed(owed)), now_ms)


@_garden.bug("a waiting head is stepped over", "shared.lanes.runner:decide")
def head_skipped_on_failure(sound: Any) -> Any:
    """Followers overtake one that failed."""

    def broken(owed: Any, now_ms: int) -> Any:
        return sound([item for item in owed if item["state"] != "queued" or item["at"] <= now_ms], now_ms)

    return broken


@_garden.bug("a lost race for a claim counts as won", "shared.lanes.patience:Patience.transact")
def foreign_claim_taken_for_own(sound: Any) -> Any:
    """Two workers call for one head."""

    async def broken(self: Any, ops: Sequence[Op]) -> None:
        first = ops[0]
        if isinstance(first, Update) and _claims(first):
            ops = [replace(first, condition=None), *ops[1:]]
        await sound(self, ops)

    return broken


@_garden.bug("an abandoned head is nobody's business", "shared.lanes.decide:_held")
def claim_never_ends(_sound: Any) -> Any:
    """What is `sending` is held for ever."""
    return lambda item, _now_ms: item["state"] in {"sending", "unsettled"}


@_garden.bug(
    "a long lane is not taken up again",
    "shared.lanes.runner:Lanes.run",
    scenes=(Scene.BURST,),
)
def long_lane_not_taken_up(_sound: Any) -> Any:
    """A run ends after its steps and leaves no due item for the rest."""

    async def broken(self: Any, lane: Any) -> None:
        claims: list[Any] = []
        for _ in range(MAX_STEPS):
            if not await self._step(lane, claims):
                break
        for claimed in claims:
            await self._unclaim(lane, claimed)

    return broken


@_garden.bug("the finish leaves the item owed", "shared.lanes.runner:Lanes._ops")
def finished_stays_owed(sound: Any) -> Any:
    """What was sent stands in its lane still, and is sent again."""

    def broken(self: Any, lane: Any, item: Any, outcome: Any, condition: Any) -> list[Op]:
        first, *rest = sound(self, lane, item, outcome, condition)
        return [
            replace(first, remove=(), set={**first.set, "state": "queued"}) if first.remove else first,
            *rest,
        ]

    return broken


BUGS = _garden.grown()
