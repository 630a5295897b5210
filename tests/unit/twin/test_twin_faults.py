"""What goes wrong in the twin, when it was asked to."""

import pytest

from tests.unit.twin.twin_steps import MS, NOW, SECOND, fired_until, send, statuses_of, text_to, values_of
from twin.core.faults import Fault
from twin.core.model import Account
from twin.core.world import World


@pytest.fixture
def world() -> World:
    return World(Account(), seed=7)


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [
        ("throttle", "ThrottledRequestException", False),
        ("error_before", "InternalServiceException", False),
        ("dependency", "DependencyException", False),
        ("timeout_before", "", False),
        ("error_after", "InternalServiceException", True),
        ("timeout_after", "", True),
        ("reset_after", "", True),
    ],
)
def test_trouble_with_sends(world: World, kind: str, error: str, *, accepted: bool) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    world.set_fault(Fault(kind, 1, min_ms=9000, max_ms=9000))
    step = send(world, text_to("5215555000000"))
    assert (step.answer.error, step.answer.hold_ms) == (error, 9000)
    assert any(row.kind == "handed_over" for row in step.rows) is accepted
    assert step.rows[0].fault == kind
    row = world.answered(step, NOW)
    assert row.phase == ("ok" if kind == "timeout_after" else "fail")


def test_a_duplicate_has_the_same_bytes_and_a_redelivery_has_not(world: World) -> None:
    for kind, same in (("duplicate", True), ("redeliver", False)):
        world.state.faults.clear()
        world.set_fault(Fault(kind, 1, min_ms=5000, max_ms=5000))
        world.customer_says("c001", {"text": "hola"}, NOW)
        first = [f for f in world.fire(NOW + SECOND) if f.channel == "entry"]
        world.state.faults.clear()
        second = [f for f in fired_until(world, NOW) if f.channel == "entry"]
        assert len(first) == len(second) == 1
        assert (first[0].body == second[0].body) is same
        assert second[0].rows[0].fault == kind
        assert values_of(first) == values_of(second)


def test_a_batch_is_one_entry_of_several_items(world: World) -> None:
    for n in range(5):
        world.customer_says(f"c00{n + 1}", {"text": "hola"}, NOW)
    world.set_fault(Fault("batch", 1, max_ms=2000))
    entries = [f for f in fired_until(world, NOW) if f.channel == "entry"]
    assert len(entries) == 1
    assert sum(len(v["messages"]) for v in values_of(entries)) == 5
    assert len(entries[0].rows) == 5


def test_a_delay_is_after_the_stamp(world: World) -> None:
    world.set_fault(Fault("delay", 1, min_ms=4000, max_ms=4000))
    step = world.customer_says("c001", {"text": "hola"}, NOW)
    assert step.queued[0].at - step.queued[0].stamp == 4000 * MS


def test_lost_and_late_statuses(world: World) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    world.set_fault(Fault("lost_status", 1))
    send(world, text_to("5215555000000"))
    fired = fired_until(world, NOW)
    assert statuses_of(fired) == []
    lost = [r.type for f in fired for r in f.rows if r.kind == "status"]
    assert set(lost) >= {"accepted", "sent", "read"}
    world.set_fault(Fault("lost_status", 0))
    world.set_fault(Fault("late_status", 1, min_ms=20_000, max_ms=20_000))
    send(world, text_to("5215555000000"), NOW + SECOND)
    assert [f for f in world.fire(NOW + 15 * SECOND) if f.channel == "entry"] == []
    assert "sent" in statuses_of(fired_until(world, NOW, 120))


@pytest.mark.parametrize("bad", [("nothing", 0.5, 0, 0), ("delay", 2, 0, 0), ("delay", 0.5, 5, 1)])
def test_a_fault_names_what_is_wrong_with_it(bad: tuple[str, float, int, int]) -> None:
    with pytest.raises(ValueError, match=r"give|none of"):
        Fault(bad[0], bad[1], 0, bad[2], bad[3])
