"""What a lane needs of the one who sends: two steps, and what an unclear or abandoned call means.

Destinations and the gateway run in the same lanes; all in which they differ stands behind `Sender`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from shared.record.shape import DeliveryItem, lane_pk
from shared.store.port import Op

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Lane:
    """One destination's order within one conversation."""

    destination: str
    conversation_id: str

    @property
    def pk(self) -> str:
        """Partition of `deliveries`."""
        return lane_pk(self.destination, self.conversation_id)


@dataclass(frozen=True, slots=True)
class Ready(Generic[P]):
    """A head that may be claimed and sent at once; `payload` is the sender's own."""

    payload: P


@dataclass(frozen=True, slots=True)
class Finished:
    """The delivery leaves the lane in `state`; `facts` are attributes to keep with it."""

    state: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing took effect; the head keeps its place and is not tried before `at_ms`."""

    at_ms: int
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """It may have taken effect: never repeated by the machine, holds the lane until the claim's time."""

    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Outcome = Finished | Later | Unsettled


@dataclass(frozen=True, slots=True)
class Beside:
    """What must be written in the same transaction as an outcome, and what is told once it is."""

    ops: Sequence[Op] = ()
    told: Any = None


class Sender(Protocol[P]):
    """One kind of receiver.

    Attributes:
        service: partition of `due` whose timer runs these lanes.
        timeout_s: bound of one call; the claim outlives it by 4 s.
    """

    service: str
    timeout_s: float

    async def early(self, item: DeliveryItem) -> bool:
        """Whether what a waiting head waits for has come before its time."""
        ...

    async def prepare(self, item: DeliveryItem) -> Ready[P] | Outcome:
        """Everything before the claim: read, check, render. Nothing that the receiver could notice."""
        ...

    async def call(self, payload: P, item: DeliveryItem) -> Outcome:
        """The one side effect. Whatever it raises counts as unclear."""
        ...

    def unclear(self, item: DeliveryItem) -> Outcome:
        """Outcome of a call of which nothing is known."""
        ...

    def abandoned(self, item: DeliveryItem) -> Outcome | None:
        """Outcome of a claim that ran out; None = claim and call again."""
        ...

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        """What goes with the outcome; asked again when a condition of its ops failed."""
        ...

    async def settled(self, item: DeliveryItem, outcome: Outcome, beside: Beside) -> None:
        """The outcome is written: count, publish."""
        ...
