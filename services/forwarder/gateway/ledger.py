"""What an attempt's outcome does beside the attempt: the message's state and the events, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.lanes.port import Beside, Finished, Later, Outcome
from shared.record import events
from shared.record.shape import DeliveryItem
from shared.record.states import best
from shared.store.port import Attr, Item, Key, Store, Update

SERVICE = "gateway"


@dataclass(frozen=True, slots=True)
class Told:
    """Events of an outcome and their outbox ops."""

    events: Sequence[Event] = ()
    owed: Sequence[Update] = ()


class Ledger:
    """Mirrors attempts into their messages."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        """The ops of an outcome, and what is published once they are written.

        Whoever moves an attempt raises its message's rev, so the one condition on it, read first, covers
        everything read after.
        """
        if isinstance(outcome, Later):
            return Beside()
        message = await self._store.get("messages", item["conversation_id"], item["order_key"])
        if message is None:
            return Beside()
        attempts = await self._attempts(item)
        attempt = {**(attempts.get(item["sk"]) or item), **_facts(outcome)}
        attempt["rev"] += 1
        states = [each["state"] for each in ({**attempts, item["sk"]: attempt}).values()]
        after = {**message, "rev": message["rev"] + 1, "state": best(states)}
        return self._written(message, after, attempt)

    def _written(self, message: Item, after: Item, attempt: Item) -> Beside:
        envelope = events.Envelope(self._clock.now_ms(), correlation=message["message_id"])
        found: list[Event] = [
            events.delivery_changed(attempt, envelope),
            events.changed(after, ["attempt"], envelope),
        ]
        owed = outbox(SERVICE, self._clock.now_ms(), found)
        moved = {"state": after["state"]} if after["state"] != message.get("state") else {}
        same = Attr("rev").eq(message["rev"])
        mirror = Update("messages", message["pk"], message["sk"], set=moved, add={"rev": 1}, condition=same)
        return Beside([mirror, *owed], Told(found, owed))

    async def _attempts(self, item: DeliveryItem) -> dict[str, Item]:
        prefix = Key("sk").begins_with(f"{item['message_id']}#")
        page = await self._store.query("deliveries", item["pk"], prefix)
        return {each["sk"]: each for each in page.items}


def _facts(outcome: Outcome) -> dict[str, Any]:
    state = outcome.state if isinstance(outcome, Finished) else "unsettled"
    return {"state": state}
