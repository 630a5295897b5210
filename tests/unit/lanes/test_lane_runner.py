"""Single steps of a run that the property worlds only meet by chance."""

from typing import Any

import pytest

from shared.errors import RetryAfter
from shared.ids import Ids
from shared.lanes.owed import owe
from shared.lanes.port import Beside, Finished, Lane, Later, Outcome, Ready, Unsettled
from shared.lanes.runner import MAX_STEPS, Lanes
from shared.record.shape import DeliveryItem
from shared.store.memory import MemoryStore
from shared.store.port import Attr, Check, Put, StoreUnavailableError
from sim.clock import VirtualClock, token_bytes
from sim.loop import run as run_virtual

LANE = Lane("d", "c")


class Scripted:
    """Answers what the test says; keeps what it was asked."""

    service = "s"
    timeout_s = 8.0

    def __init__(self, *outcomes: Outcome | Exception, prepared: Any = None) -> None:
        self.outcomes = list(outcomes)
        self.prepared = prepared
        self.called: list[str] = []
        self.settled_as: list[Outcome] = []
        self.ops: list[Any] = []

    async def early(self, item: DeliveryItem) -> bool:
        return False

    async def prepare(self, item: DeliveryItem) -> Ready[str] | Outcome:
        if isinstance(self.prepared, Exception):
            raise self.prepared
        return self.prepared or Ready(item["message_id"])

    async def call(self, payload: str, item: DeliveryItem) -> Outcome:
        self.called.append(payload)
        outcome = self.outcomes.pop(0) if self.outcomes else Finished("delivered")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def unclear(self, item: DeliveryItem) -> Outcome:
        return Unsettled("unclear")

    def abandoned(self, item: DeliveryItem) -> Outcome | None:
        return None

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        return Beside(self.ops.pop(0) if self.ops else ())

    async def settled(self, item: DeliveryItem, outcome: Outcome, beside: Beside) -> None:
        self.settled_as.append(outcome)


class LossyStore(MemoryStore):
    """Takes effect, then says nothing of it, the first time."""

    lost = 0

    async def transact(self, ops: Any, token: str) -> None:
        await super().transact(ops, token)
        if not self.lost:
            self.lost += 1
            raise StoreUnavailableError("no answer")


def _play(sender: Scripted, count: int = 1, store: MemoryStore | None = None) -> list[dict[str, Any]]:
    store = store or MemoryStore()

    async def main() -> list[dict[str, Any]]:
        for n in range(count):
            for op in owe(LANE, service="s", message_id=f"m{n:02d}", part="0", order_key=f"k{n:02d}"):
                await store.write(op)  # type: ignore[arg-type]
        clock = VirtualClock()
        await Lanes(store, clock, Ids(clock, token_bytes("x")), sender, lambda _what, _error: None).run(LANE)
        deliveries = (await store.query("deliveries", LANE.pk)).items
        return deliveries + (await store.query("due", "s")).items

    return run_virtual(1, main())[0]


def test_an_exception_in_the_call_is_unclear_and_holds_the_lane() -> None:
    sender = Scripted(ValueError("who knows"))
    first, second, *due = _play(sender, 2)
    assert (first["state"], second["state"], sender.called) == ("unsettled", "queued", ["m00"])
    assert [item["due_ms"] for item in due] == [first["at"]]


class GoneStore(MemoryStore):
    """Answers the first look at a lane and no other one: whoever ran it is gone after its first item."""

    looks = 0

    async def query(self, table: str, pk: str, *args: Any, **options: Any) -> Any:
        if options.get("index") == "owed":
            self.looks += 1
            if self.looks > 1:
                raise StoreUnavailableError("gone")
        return await super().query(table, pk, *args, **options)


def test_who_goes_after_the_first_item_leaves_a_due_item_for_the_rest() -> None:
    """Its trigger may be gone: another task with the same one found the head held, and ended."""
    store = GoneStore()
    with pytest.raises(StoreUnavailableError):
        _play(Scripted(), 2, store)

    async def left() -> list[dict[str, Any]]:
        return list((await store.query("due", "s")).items)

    (due,) = run_virtual(1, left())[0]
    assert due["due_ms"] > 1_764_000_000_000


def test_a_run_to_the_end_leaves_no_due_item() -> None:
    (item,) = _play(Scripted())
    assert item["state"] == "delivered"


def test_an_exception_before_the_claim_only_waits() -> None:
    sender = Scripted(prepared=ValueError("unknown"))
    item, due = _play(sender)
    assert (item["state"], item["try"], item["stalls"], sender.called) == ("queued", 0, 1, [])
    assert due["due_ms"] == item["at"]


def test_retry_after_is_kept_as_the_time_of_the_head() -> None:
    item, due = _play(Scripted(prepared=RetryAfter(30, "asked")))
    assert (item["reason"], item["at"] - 1_764_000_000_000) == ("asked", 30_000)
    assert due["due_ms"] == item["at"]


def test_later_from_the_call_keeps_the_place_and_stops_the_run() -> None:
    sender = Scripted(Later(1_764_000_005_000, "busy"))
    first, second, *due = _play(sender, 2)
    assert (first["state"], first["at"], first["owed"]) == ("queued", 1_764_000_005_000, "k00")
    assert second["try"] == 0
    assert first["at"] in [item["due_ms"] for item in due]


def test_a_long_lane_gives_way_after_25_items_and_leaves_a_due_item() -> None:
    sender = Scripted()
    items = _play(sender, MAX_STEPS + 1)
    assert len(sender.called) == MAX_STEPS
    assert min(item["due_ms"] for item in items if "due_ms" in item) == 1_764_000_000_000
    assert [item["sk"] for item in items if "owed" in item] == [f"m{MAX_STEPS}#0"]


def test_a_lost_answer_to_the_claim_is_not_taken_for_a_foreign_winner() -> None:
    """The repeat carries the same token: the message is sent now, not after the claim has run out."""
    sender = Scripted()
    item, *_ = _play(sender, 1, LossyStore())
    assert (item["state"], sender.called) == ("delivered", ["m00"])


def test_what_goes_with_an_outcome_is_read_again_when_its_condition_fails() -> None:
    store = MemoryStore()
    sender = Scripted()
    sender.ops = [[Check("messages", "p", "s", Attr("rev").eq(1))], [Put("messages", {"pk": "p", "sk": "s"})]]
    item, *_ = _play(sender, 1, store)
    assert item["state"] == "delivered"
    assert sender.settled_as == [Finished("delivered")]


@pytest.mark.parametrize("outcome", [Finished("delivered", {"remote_id": "r1"})])
def test_facts_are_kept_with_the_outcome(outcome: Finished) -> None:
    item, *_ = _play(Scripted(outcome))
    assert (item["remote_id"], "owed" in item, item["try"], item["rev"]) == ("r1", False, 1, 3)
