"""What a worker that looks at a lane may do now: a pure decision over its unfinished items."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.record.shape import DeliveryItem

IN_DOUBT = ("sending", "unsettled")


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing: the lane is empty, or somebody holds its head."""


@dataclass(frozen=True, slots=True)
class Await:
    """The head's time has not come; only what it waits for may move it before."""

    head: DeliveryItem


@dataclass(frozen=True, slots=True)
class Attend:
    """The head may be sent."""

    head: DeliveryItem


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The head was claimed and nobody came back with an answer in time."""

    head: DeliveryItem


@dataclass(frozen=True, slots=True)
class Release:
    """The head is unsettled and has held the lane long enough."""

    head: DeliveryItem


Step = Rest | Await | Attend | Abandoned | Release


def decide(owed: Sequence[DeliveryItem], now_ms: int) -> Step:
    """The next step of a lane.

    Args:
        owed: its unfinished items in owed_key order, read consistently.
        now_ms: the worker's wall clock.
    """
    if not owed or any(_held(item, now_ms) for item in owed):
        return Rest()
    head = owed[0]
    if head["state"] == "sending":
        return Abandoned(head)
    if head["state"] == "unsettled":
        return Release(head)
    return Await(head) if head["at"] > now_ms else Attend(head)


def _held(item: DeliveryItem, now_ms: int) -> bool:
    return item["state"] in IN_DOUBT and item["at"] > now_ms
