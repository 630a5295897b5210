"""The topic `desk-events` in memory: delivers into queues by the topology's own filter policies."""

import asyncio
from collections.abc import Mapping, Sequence

from shared.bus.attributes import attributes, body, matches
from shared.events.model import Event
from shared.queue.port import Queue
from shared.topology import DESK_EVENTS, QUEUES, QueueSpec


class MemoryBus:
    """SNS with raw delivery.

    Args:
        queues: by topology name; subscriptions of queues that are not among them deliver nowhere.
        specs: the declarations whose subscriptions count.
    """

    def __init__(self, queues: Mapping[str, Queue], specs: Sequence[QueueSpec] = QUEUES) -> None:
        self._targets = [
            (queues[spec.name], subscription.filter)
            for spec in specs
            for subscription in spec.subscriptions
            if subscription.topic == DESK_EVENTS and spec.name in queues
        ]

    async def publish(self, events: Sequence[Event]) -> None:
        """All events are in the queues that asked for them when this returns."""
        await asyncio.sleep(0)
        for event in events:
            await self._deliver(body(event), attributes(event))

    async def probe(self) -> None:
        """The topic is always there."""
        await asyncio.sleep(0)

    async def _deliver(self, text: str, named: Mapping[str, str]) -> None:
        for queue, policy in self._targets:
            if matches(policy, named):
                await queue.send(text, named)
