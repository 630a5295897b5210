"""The decision over a lane's unfinished items."""

from shared.lanes.decide import Abandoned, Attend, Await, Release, Rest, decide
from shared.lanes.owed import owe
from shared.lanes.port import Lane
from shared.record.shape import DeliveryItem

LANE = Lane("d", "c")


def _item(key: str, state: str = "queued", at: int = 0) -> DeliveryItem:
    put = owe(LANE, service="s", message_id=f"m{key}", part="0", order_key=key)[0]
    return {**put.item, "state": state, "at": at}  # type: ignore[union-attr,typeddict-item]


def test_an_empty_lane_rests() -> None:
    assert decide([], 0) == Rest()


def test_the_head_is_attended_once_its_time_has_come() -> None:
    head = _item("1", at=100)
    assert decide([head, _item("2")], 100) == Attend(head)
    assert decide([head, _item("2")], 99) == Await(head)


def test_a_claim_anywhere_in_the_lane_holds_it() -> None:
    assert decide([_item("1"), _item("2", "sending", 100)], 99) == Rest()


def test_a_claim_that_ran_out_is_abandoned() -> None:
    head = _item("1", "sending", 100)
    assert decide([head], 100) == Abandoned(head)


def test_an_unsettled_head_holds_the_lane_and_then_releases_it() -> None:
    head = _item("1", "unsettled", 100)
    assert decide([head, _item("2")], 99) == Rest()
    assert decide([head, _item("2")], 100) == Release(head)


def test_owing_with_a_time_always_writes_the_due_item_too() -> None:
    ops = owe(LANE, service="s", message_id="m", part="0", order_key="k", at_ms=5000, held=True)
    delivery, due = ops
    assert delivery.item["owed"] == "0000000005.00000000005000000000.m"  # type: ignore[union-attr]
    assert (due.table, due.pk, due.sk) == ("due", "s", "0000000005000#lane#d#c")  # type: ignore[union-attr]
