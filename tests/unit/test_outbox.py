"""What is published with a change goes out whatever dies, under the same id."""

import asyncio
from collections.abc import Sequence

from shared.bus.port import BusUnavailableError
from shared.due import (
    OUTBOX_KIND,
    DueTimer,
    outbox,
    outbox_handler,
    publish_outbox,
)
from shared.events.model import ContactChanged, ContactChangedEvent, Event
from shared.store.port import Op
from sim.loop import run
from tests.unit.due_world import SERVICE, World


def changed(n: int) -> Event:
    return ContactChangedEvent(
        type="desk.contact.changed.v1",
        id=f"p_{n}:1",
        source="desk",
        subject=f"p_{n}",
        time="2026-01-01T00:00:00.000Z",
        data=ContactChanged(contact_id=f"p_{n}", rev=1),
    )


class Bus:
    """A bus that can be down."""

    def __init__(self) -> None:
        self.out: list[Event] = []
        self.down = False

    async def publish(self, events: Sequence[Event]) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise BusUnavailableError
        self.out += events

    async def probe(self) -> None:
        await self.publish([])


async def committed(world: World, events: list[Event]) -> list[Op]:
    ops: list[Op] = [*outbox(SERVICE, world.clock.now_ms(), events)]
    await world.store.transact(ops, f"t{len(events)}")
    return ops


def test_events_published_at_once_are_not_published_again() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1), changed(2)]
        await committed(world, events)
        await publish_outbox(bus, world.store, events, outbox(SERVICE, world.clock.now_ms(), events))
        assert await world.left() == []
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        await world.run_for(timer, 5)
        assert bus.out == events

    run(0, scene())


def test_events_whose_writer_died_are_published_after_two_seconds_same_id() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1), changed(2)]
        await committed(world, events)
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        task = asyncio.ensure_future(world.run_for(timer, 4))
        await asyncio.sleep(1.9)
        assert bus.out == []
        await task
        assert sorted(bus.out, key=lambda event: event.id) == events
        assert await world.left() == []

    run(0, scene())


def test_a_bus_that_is_down_leaves_the_outbox_to_the_timer() -> None:
    async def scene() -> None:
        world, bus, events = World(), Bus(), [changed(1)]
        owed = outbox(SERVICE, world.clock.now_ms(), events)
        await world.store.transact(owed, "t")
        bus.down = True
        await publish_outbox(bus, world.store, events, owed)
        assert await world.left() == ["p_1:1"]
        timer = DueTimer(
            world.store, world.clock, SERVICE, {OUTBOX_KIND: outbox_handler(bus)}, world.report, 0.25
        )
        task = asyncio.ensure_future(world.run_for(timer, 30))
        await asyncio.sleep(10)
        bus.down = False
        await task
        assert bus.out == events
        assert set(world.reports) == {("event", BusUnavailableError)}

    run(0, scene())
