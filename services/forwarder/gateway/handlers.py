"""What moves the gateway's lanes: each event names a message of ours, and so a lane."""

from typing import Protocol

from pydantic import ValidationError

from shared.errors import Poison
from shared.events.model import (
    EVENT,
    DeliveryChangedEvent,
    Event,
    MediaSettledEvent,
    MessageChanged,
    MessageRecorded,
)
from shared.lanes.owed import lane_of
from shared.lanes.port import Lane
from shared.queue.port import Message
from shared.record.shape import whatsapp_destination
from shared.record.waits import Place, place_of
from shared.store.port import Item, Store


class Runs(Protocol):
    """Whoever runs a lane."""

    async def run(self, lane: Lane) -> None:
        """Returns when nothing more can be sent now."""
        ...


def read_event(message: Message) -> Event:
    """The event of a queue message. Raises Poison."""
    try:
        return EVENT.validate_json(message.body)
    except ValidationError:
        raise Poison("bad_event", "body: not an event of this system; see shared/events") from None


class Handlers:
    """One function a trigger."""

    def __init__(self, store: Store, lanes: Runs) -> None:
        self._store = store
        self._lanes = lanes

    async def on_message(self, message: Message) -> None:
        """A queue message: run the lane its event speaks of."""
        lane = await self._lane(read_event(message))
        if lane is not None:
            await self._lanes.run(lane)

    async def on_lane_due(self, item: Item) -> None:
        """A due item of kind `lane`."""
        await self._lanes.run(lane_of(item))

    async def _lane(self, event: Event) -> Lane | None:
        if isinstance(event, DeliveryChangedEvent):
            ours = event.data.destination_id.startswith(whatsapp_destination(""))
            return Lane(event.data.destination_id, event.data.conversation_id) if ours else None
        if isinstance(event, MessageRecorded | MessageChanged):
            return await self._lane_at(Place(event.data.conversation_id, event.data.order_key))
        if isinstance(event, MediaSettledEvent):
            return await self._lane_at(place_of(await self._store.get("ids", event.data.owner)))
        return None

    async def _lane_at(self, place: Place | None) -> Lane | None:
        message = await self._store.get("messages", place.pk, place.sk) if place else None
        if message is None or message["direction"] != "out":
            return None
        return Lane(whatsapp_destination(message["pnid"]), message["pk"])
