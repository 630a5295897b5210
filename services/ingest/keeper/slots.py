"""What must be the same at every stage of the way, as sets of one slot of arrivals; pure.

    parsed from the archive = ids = messages = documents
    messages of source live = routed            destinations named there = deliveries

Sets and no counters: a message lost and another one doubled are two gaps, not none.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

SLOT_S = 10
Stage = Literal["ids", "messages", "documents", "routed", "deliveries"]
STAGES: tuple[Stage, ...] = ("ids", "messages", "documents", "routed", "deliveries")


@dataclass(slots=True)
class Seen:
    """What was seen of one slot: keys of items; `<message_id>:<rev>` of documents; message and destination.

    Attributes:
        parsed: everything that the archived envelopes hold and that is to be kept.
        ids: what of it is known to the record at all, parked and waiting included.
        placed: of `ids`, the messages that must lie in the table; messages: those that do.
        indexed: those that must stand in the index; documents: those that do.
        live: those that must be routed; routed: those that are.
        named: deliveries that the routed marks name; deliveries: those that there are.
    """

    parsed: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    placed: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    indexed: set[str] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    routed: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    deliveries: set[str] = field(default_factory=set)

    def gaps(self) -> dict[Stage, frozenset[str]]:
        """What each stage lacks; empty = nothing is missing."""
        lacking: dict[Stage, set[str]] = {
            "ids": self.parsed - self.ids,
            "messages": self.placed - self.messages,
            "documents": self.indexed - self.documents,
            "routed": self.live - self.routed,
            "deliveries": self.named - self.deliveries,
        }
        return {stage: frozenset(found) for stage, found in lacking.items() if found}


def slot_of(ms: int) -> int:
    """The slot (seconds since the epoch, a multiple of 10) that a moment lies in."""
    return ms // 1000 // SLOT_S * SLOT_S


def silent(witnessed: Iterable[int], arrived: Collection[int], now_ms: int, patience_s: int) -> bool:
    """Whether SNS has gone silent: EventBridge told of received messages, and no envelope at all came since.

    Args:
        witnessed: slots in which EventBridge told of one.
        arrived: slots in which an envelope came.
        now_ms: wall clock.
        patience_s: how long an envelope may be later than its witness.
    """
    told = [slot for slot in witnessed if slot + SLOT_S + patience_s <= now_ms // 1000]
    return bool(told) and not any(slot >= min(told) - patience_s for slot in arrived)


def lasting(
    before: Mapping[Stage, frozenset[str]], now: Mapping[Stage, frozenset[str]]
) -> dict[Stage, frozenset[str]]:
    """What was missing at the look before and still is: what a person must be told."""
    both = {stage: lacking & before.get(stage, frozenset()) for stage, lacking in now.items()}
    return {stage: lacking for stage, lacking in both.items() if lacking}


def total(gaps: Iterable[Mapping[Stage, frozenset[str]]]) -> dict[Stage, int]:
    """How many things each stage lacks, over some slots."""
    found = dict.fromkeys(STAGES, 0)
    for each in gaps:
        for stage, lacking in each.items():
            found[stage] += len(lacking)
    return found
