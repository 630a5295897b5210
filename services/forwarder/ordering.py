"""Which messages of a conversation are routed now, in which order, and which one came late."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.ids import arrival_ms
from shared.record.shape import is_message_sk, routed_sk
from shared.store.port import Item


@dataclass(frozen=True, slots=True)
class Plan:
    """What to route, in order. `upto` is the order_key the cursor reaches when all is done."""

    messages: tuple[Item, ...] = ()
    upto: str = ""


def plan(items: Sequence[Item], poked: str, settled_ms: int) -> Plan:
    """The messages behind the cursor that are routed now.

    Everything up to the highest order_key that arrived by `settled_ms`, younger arrivals included: what
    sorts before a settled message must go before it. The poked message has been held by a clock that only
    runs forwards, so it counts as settled whatever this machine's wall clock says.

    Args:
        items: of the conversation, behind the cursor, in key order; children among them.
        poked: order_key of the event's message.
        settled_ms: wall clock less the hold, ms.
    """
    messages = [item for item in items if is_message_sk(item["sk"])]
    settled = [item["sk"] for item in messages if item["sk"] == poked or arrival_ms(item["sk"]) <= settled_ms]
    upto = max(settled, default="")
    return Plan(tuple(item for item in messages if item["sk"] <= upto and routable(item)), upto)


def routable(message: Item) -> bool:
    """What customers send, live: no import, no replay, nothing of ours."""
    return bool(message["direction"] == "in" and message["source"] == "live")


def late(message: Item, cursor: str, children: Sequence[Item]) -> bool:
    """At or below the cursor and never routed: it came after its followers had gone."""
    mark = routed_sk(message["sk"])
    return bool(message["sk"] <= cursor) and not any(child["sk"] == mark for child in children)
