"""What a lane promises, on the production runner under crashes, in virtual time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cells import Fault
from tests.unit.lanes.lane_world import BUGS, CALL_S, VISIBILITY_S, Crashes, World, play


@given(seed=st.integers(0, 2**32), gateway=st.booleans(), items=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_followers_wait_are_not_skipped_and_not_lost(*, seed: int, gateway: bool, items: int) -> None:
    """In order, one in hand at a time, all finished, nothing left that would wake a worker."""
    assert play(World(seed, gateway=gateway, items=items)) == []


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_of_the_model_is_found(bug: str) -> None:
    """A property that passes with the bug planted would prove nothing."""
    worlds = (World(seed, seed % 2 == 0, bug, items=1 + seed % 3) for seed in range(400))
    assert next((world.seed for world in worlds if play(world)), None) is not None


def _undisturbed() -> int:
    world = World(1, plan=Crashes(1, 0.0), items=2, holds=False, failing=False, workers=1)
    assert play(world) == []
    assert world.plan is not None
    return world.plan.calls


@pytest.mark.parametrize("how", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize("gateway", [False, True], ids=["destination", "gateway"])
def test_after_a_crash_at_any_step_the_lane_moves_in_time(*, how: Fault, gateway: bool) -> None:
    """Within call timeout + 6 s, or the trigger's visibility: tried at each call that one run makes."""
    steps = _undisturbed()
    died = 0
    for step in range(1, min(steps, 120)):
        plan = Crashes(1, 0.0, only=step, how=how)
        world = World(1, gateway=gateway, plan=plan, items=2, holds=False, failing=False, workers=1)
        assert play(world) == [], step
        died += len(world.crashes)
        gaps = _gaps(world)
        assert all(gap <= max(CALL_S + 6, VISIBILITY_S) + 2 for gap in gaps), (step, gaps)
    assert died > 20


def _gaps(world: World) -> list[float]:
    """Seconds from each death to the next sign of life of the lane: a call, or the end of all work."""
    assert world.quiet_at is not None
    moves = [at for at, _, _ in world.receiver.calls] + [world.quiet_at]
    return [min(move for move in moves if move >= death) - death for death in world.crashes]


@pytest.mark.parametrize("gateway", [False, True], ids=["destination", "gateway"])
def test_a_crash_during_the_call_frees_the_lane_after_the_claim(*, gateway: bool) -> None:
    """The claim's own due item moves it on, long before a queue message would come back."""
    quiet = Crashes(5, 0.0)
    world = World(5, gateway, plan=quiet, items=2, holds=False, failing=False, workers=1, kill_in_call=True)
    assert play(world) == []
    calls = [(sk, tried) for _, sk, tried in world.receiver.calls]
    assert calls == ([("m0#1", 1), ("m1#1", 1)] if gateway else [("m0#1", 1), ("m0#1", 2), ("m1#1", 1)])
    assert max(_gaps(world)) <= CALL_S + 6
