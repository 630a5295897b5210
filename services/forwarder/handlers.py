"""What moves routing and deliveries: one function a trigger."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from pydantic import ValidationError

from services.forwarder.deliverer import file_part
from services.forwarder.router import MAIN_PART, Router
from shared.clock import Clock
from shared.errors import Poison
from shared.events.model import EVENT, Event, MediaSettled, MediaSettledEvent, MessageRecorded
from shared.ids import Ids
from shared.lanes.owed import lane_of
from shared.lanes.patience import Patience
from shared.lanes.port import Lane
from shared.queue.port import Message
from shared.record.waits import place_of
from shared.store.port import ConditionFailedError, Item, Store


class Runs(Protocol):
    """Whoever runs a lane."""

    async def run(self, lane: Lane) -> None:
        """Returns when nothing more can be sent now."""
        ...


class Handlers:
    """Handlers of queue `forwarder` and of its due items."""

    def __init__(self, store: Store, router: Router, lanes: Runs, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._router = router
        self._lanes = lanes
        self._clock = clock
        self._patience = Patience(store, ids)

    async def on_message(self, message: Message) -> None:
        """A queue message: route, and run the lanes it concerns. Raises what the stores raise, and Poison."""
        event = _event(message)
        if isinstance(event, MessageRecorded):
            data = event.data
            if data.direction == "in" and data.source == "live":
                await self._run(await self._router.route(data))
        elif isinstance(event, MediaSettledEvent):
            await self._run(await self._settled(event.data))

    async def on_lane_due(self, item: Item) -> None:
        """A due item of kind `lane`."""
        await self._lanes.run(lane_of(item))

    async def _run(self, lanes: Sequence[Lane]) -> None:
        """Run lanes side by side: one that hangs keeps no other one, and each error is raised at the end."""
        results = await asyncio.gather(*(self._lanes.run(lane) for lane in lanes), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _settled(self, data: MediaSettled) -> list[Lane]:
        """The lanes of a message whose file is settled; where it went without, the file is owed now."""
        place = place_of(await self._store.get("ids", data.owner))
        message = await self._store.get("messages", place.pk, place.sk) if place else None
        if message is None or any(medium["state"] == "pending" for medium in message["media"]):
            return []
        lanes = await self._router.lanes(message["pk"], message["sk"])
        for lane in lanes:
            await self._owe_file(lane, message)
        return lanes

    async def _owe_file(self, lane: Lane, message: Item) -> None:
        delivery = await self._store.get("deliveries", lane.pk, f"{message['message_id']}#{MAIN_PART}")
        if delivery is None or not delivery.get("placeholder"):
            return
        try:
            await self._patience.transact(file_part(delivery, self._clock.now_ns()))  # type: ignore[arg-type] # an item of `deliveries`
        except ConditionFailedError:
            return  # owed already


def _event(message: Message) -> Event:
    try:
        return EVENT.validate_json(message.body)
    except ValidationError:
        raise Poison("bad_event", "body: not an event of this system; see shared/events") from None
