"""The writes that put work into a lane. `at` is never set without a due item in the same transaction."""

from collections.abc import Mapping
from typing import Any

from shared import ids
from shared.due import due_item
from shared.lanes.port import Lane
from shared.record.shape import DeliveryItem
from shared.store.port import Item, Op, Put, Update

LANE_KIND = "lane"
RECEIPT_KIND = "receipt"


def lane_due(service: str, lane: Lane, at_ms: int) -> Update:
    """The due item that makes `service` run a lane at `at_ms` (ms since the epoch)."""
    where = {"destination": lane.destination, "conversation_id": lane.conversation_id}
    return due_item(service, at_ms, LANE_KIND, lane.pk, **where)


def lane_of(item: Mapping[str, Any]) -> Lane:
    """The lane that a due item of kind `lane`, or a delivery item, belongs to."""
    return Lane(item["destination"], item["conversation_id"])


def owe(
    lane: Lane,
    *,
    service: str,
    message_id: str,
    part: str,
    order_key: str,
    at_ms: int = 0,
    held: bool = False,
    late: bool = False,
    owed: str | None = None,
) -> list[Op]:
    """The ops of a new owed delivery, for the transaction that creates its cause.

    Without `at_ms` the writer sees to the first run itself: it runs the lane, or its outbox event brings
    someone who does.

    Args:
        lane: whose delivery.
        service: partition of `due`: `forwarder`, or `gateway` for a send to WhatsApp.
        message_id: what is owed.
        part: which piece of it; for WhatsApp the attempt number.
        order_key: the message's.
        at_ms: not before; ms since the epoch, 0 = at once.
        held: waiting to be taken back ("deshacer") until `at_ms`; its place is its release time.
        late: arrived behind what was already routed.
        owed: place in the lane where it is not the order_key (a follow-up, a further attempt).
    """
    place = owed or (ids.order_key(None, at_ms * 1_000_000, message_id) if held else order_key)
    item: DeliveryItem = {
        "pk": lane.pk,
        "sk": f"{message_id}#{part}",
        "destination": lane.destination,
        "conversation_id": lane.conversation_id,
        "message_id": message_id,
        "part": part,
        "order_key": order_key,
        "state": "held" if held else "queued",
        "at": at_ms,
        "try": 0,
        "owed": place,
        "rev": 1,
    }
    if late:
        item["late"] = True
    delivery = Put("deliveries", dict(item), absent=True)
    return [delivery, lane_due(service, lane, at_ms)] if at_ms else [delivery]


def owe_receipt(message: Item, now_ms: int, *, typing: bool = False) -> Update:
    """The due item by which the gateway marks a received message read, or shows that someone is writing.

    Fired once: whatever becomes of it, it is not tried again.

    Args:
        message: the received message's item.
        now_ms: wall clock.
        typing: show "typing" too; Meta ends it after 25 s or at the reply.
    """
    facts = {"order_key": message["sk"], "typing": typing, "asked_at": now_ms}
    return due_item("gateway", now_ms, RECEIPT_KIND, message["pk"], conversation_id=message["pk"], **facts)
