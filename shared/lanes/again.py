"""A person sends an unsettled or failed message again: a further attempt, never the same one twice."""

from collections.abc import Sequence
from typing import cast

from shared import ids
from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.lanes.owed import lane_of, owe
from shared.lanes.patience import Patience
from shared.record import events
from shared.record.shape import DeliveryItem, lane_pk, whatsapp_destination
from shared.store.port import Attr, Check, Item, Key, Op, Store, Update

SETTLING_MS = 60_000  # CONTRACTS s.6: until then a late answer or status may still settle the claim


class NotRepeatableError(Exception):
    """The last attempt is neither unsettled nor failed: it is under way, or it has arrived."""


class TooSoonError(Exception):
    """The last attempt may still be settled by itself; try after `wait_ms`."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"wait {wait_ms} ms")
        self.wait_ms = wait_ms


def further(attempts: Sequence[DeliveryItem], now_ns: int, service: str) -> list[Op]:
    """The ops of attempt n+1, which fail where attempt n has moved meanwhile.

    Args:
        attempts: all deliveries of the message towards WhatsApp.
        now_ns: wall clock; the new attempt's place in its lane.
        service: partition of `due` of the gateway.

    Raises:
        NotRepeatableError, TooSoonError.
    """
    last = max(attempts, key=lambda item: int(item["part"]), default=None)
    if last is None or last["state"] not in {"unsettled", "failed"} or "owed" in last:
        raise NotRepeatableError
    now_ms = now_ns // 1_000_000
    open_until = last.get("claimed_at", 0) + SETTLING_MS
    if last["state"] == "unsettled" and now_ms <= open_until:
        raise TooSoonError(open_until + 1 - now_ms)
    same = Attr("state").eq(last["state"]) & Attr("rev").eq(last["rev"])
    new = owe(
        lane_of(last),
        service=service,
        message_id=last["message_id"],
        part=str(int(last["part"]) + 1),
        order_key=last["order_key"],
        at_ms=now_ms,
        owed=ids.order_key(None, now_ns, last["message_id"]),
    )
    return [Check("deliveries", last["pk"], last["sk"], same), *new]


async def send_again(
    store: Store, clock: Clock, ids_: Ids, message: Item, *, service: str, gateway: str = "gateway"
) -> tuple[list[Event], list[Update]]:
    """Owe a further attempt of a message; answers its events and their outbox ops (`publish_outbox`).

    Args:
        store: the record.
        clock: wall clock.
        ids_: request tokens.
        message: its item, as read.
        service: whose outbox carries the events.
        gateway: partition of `due` of the gateway.

    Raises:
        NotRepeatableError, TooSoonError, ConditionFailedError (read again), ContendedError.
    """
    lane = lane_pk(whatsapp_destination(message["pnid"]), message["pk"])
    prefix = Key("sk").begins_with(f"{message['message_id']}#")
    attempts = cast("list[DeliveryItem]", (await store.query("deliveries", lane, prefix)).items)
    ops = further(attempts, clock.now_ns(), gateway)
    same = Attr("rev").eq(message["rev"])
    moved = Update("messages", message["pk"], message["sk"], add={"rev": 1}, condition=same)
    envelope = events.Envelope(clock.now_ms(), correlation=message["message_id"])
    found: list[Event] = [events.changed({**message, "rev": message["rev"] + 1}, ["attempt"], envelope)]
    owed = outbox(service, clock.now_ms(), found)
    await Patience(store, ids_).transact([*ops, moved, *owed])
    return found, owed
