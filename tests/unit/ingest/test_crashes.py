"""Whatever moment the process dies at, a redelivery ends in the same record, and every event is out."""

import asyncio
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ids import attempt_id, desk_id
from shared.record.outbound import Draft
from shared.store.port import ContendedError
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import ANA, Desk, Told, ana, change, desk, envelope, photo, reacted, said, went
from tests.unit.record.world import World, world

MINE = desk_id("agent", "key")
ATTEMPT = attempt_id(MINE, 1)


def bodies() -> list[str]:
    """A morning: texts, a picture, a reaction before its target, statuses of ours, a preference, a new name."""
    bad: dict[str, Any] = {"from": ANA, "id": "wamid.bad", "type": "text", "text": 7}
    return [
        envelope(
            change(contacts=ana(), messages=[reacted("wamid.r", "wamid.1"), said("wamid.0")]),
            at="2027-01-15T08:00:00Z",
        ),
        envelope(
            change(contacts=ana(), messages=[said("wamid.1", "uno"), bad, photo("wamid.2")]),
            at="2027-01-15T08:00:01Z",
        ),
        envelope(
            change(contacts=ana(), statuses=[went("read", "wamid.o", ATTEMPT), went("sent", "wamid.o")]),
            at="2027-01-15T08:00:02Z",
        ),
        envelope(
            change(contacts=ana("Ana M."), messages=[reacted("wamid.q", "wamid.o")]),
            at="2027-01-15T08:00:03Z",
        ),
        envelope({"field": "account_alerts", "value": {"entity_type": "WABA"}}, at="2027-01-15T08:00:04Z"),
    ]


async def begun() -> World:
    """A world in which Ana wrote and was answered, so that statuses have their message."""
    w = world()
    await desk(w).receive(
        envelope(change(contacts=ana(), messages=[said("wamid.first")]), at="2027-01-15T07:59:00Z")
    )
    (conversation,) = await w.items("conversations")
    message = {"type": "text", "text": {"body": "va"}}
    await w.record.outbound.record(Draft(MINE, conversation["pk"], "agent", "text", message))
    return w


async def snapshot(w: World) -> dict[str, Any]:
    """The record as anyone can see it: no nonces, no minted ids."""
    messages = []
    for item in sorted(await w.items("messages"), key=lambda each: each["sk"]):
        if "message_id" in item and "#" not in item["sk"]:
            view = await w.record.reader.view(item)
            content = await w.record.reader.open(item)
            messages.append(
                {
                    "id": item["message_id"],
                    "rev": item["rev"],
                    "state": item.get("state"),
                    "body": json.dumps(content.message, sort_keys=True),
                    "statuses": sorted(each["status"] for each in view.statuses),
                    "reactions": [each["message_id"] for each in view.reactions],
                }
            )
    conversations = [
        {name: item.get(name) for name in ("last_order_key", "unread", "window_ends_at", "preview_order_key")}
        for item in await w.items("conversations")
    ]
    contacts = [item for item in await w.items("contacts") if item["sk"] == "-"]
    names = [(await w.record.people.details(item)).get("name") for item in contacts]
    waiting = [item["sk"] for item in await w.items("ids") if item["sk"].startswith("wait#")]
    policy = sorted(item["sk"] for item in await w.items("policy"))
    raw = sorted([info.key async for info in w.raw.list("")])
    return {
        "messages": messages,
        "conversations": conversations,
        "names": names,
        "waiting": waiting,
        "policy": policy,
        "raw": [key for key in raw if not key.startswith("sealed/")],
    }


async def deliver(d: Desk, todo: list[str]) -> None:
    for body in todo:
        await d.receive(body)


async def persisted(d: Desk, body: str) -> None:
    """As the worker does: what met contention comes again."""
    while True:
        try:
            return await d.receive(body)
        except ContendedError:
            await asyncio.sleep(0)


async def told(d: Desk) -> set[tuple[str, str]]:
    """(message, kind of change) of all that is out, what the timer will publish included."""
    found: set[tuple[str, str]] = set()
    for event in [*d.bus.events, *await d.owed()]:
        subject = getattr(event.data, "message_id", None)
        if subject is not None:
            found |= {(subject, event.type)}
            found |= {(subject, kind) for kind in getattr(event.data, "changed", ())}
    return found


def mortal(w: World, fuse: Fuse, bus: Told) -> Desk:
    return desk(w, store=Mortal(w.store, fuse), raw=Mortal(w.raw, fuse), bus=Mortal(bus, fuse))


async def clean() -> tuple[dict[str, Any], set[tuple[str, str]], int]:
    """The run in which nobody dies, and how many side effects it has."""
    w, bus, fuse = await begun(), Told(), Fuse(None)
    await deliver(mortal(w, fuse, bus), bodies())
    return await snapshot(w), await told(desk(w, bus=bus)), fuse.count


async def crashed(at: int, *, after: bool) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    """Die at the n-th side effect; what was not done comes again, to a new process."""
    w, bus = await begun(), Told()
    todo = bodies()
    victim = mortal(w, Fuse(at, after), bus)
    done = 0
    try:
        for body in todo:
            await victim.receive(body)
            done += 1
    except CrashError:
        pass
    await deliver(desk(w, bus=bus), todo[done:])
    return await snapshot(w), await told(desk(w, bus=bus))


@pytest.mark.parametrize("after", [False, True])
async def test_dying_at_any_side_effect_changes_nothing(*, after: bool) -> None:
    record, events, count = await clean()
    assert count > 20
    for at in range(1, count + 1):
        found, out = await crashed(at, after=after)
        assert found == record, f"died {'after' if after else 'before'} side effect {at}"
        assert out == events, f"died {'after' if after else 'before'} side effect {at}"


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_order_and_repetition_change_nothing(seed: int) -> None:
    async def compare() -> None:
        dice = random.Random(seed)  # noqa: S311 - a seeded shuffle
        todo = bodies() * 2
        dice.shuffle(todo)
        w, bus = await begun(), Told()
        await deliver(desk(w, bus=bus), todo)
        expected, events, _ = await clean()
        found = await snapshot(w)
        assert found == expected
        assert await told(desk(w, bus=bus)) == events

    asyncio.run(compare())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_concurrent_tasks_and_conflicts_change_nothing(seed: int) -> None:
    async def compare() -> None:
        dice = random.Random(seed)  # noqa: S311 - seeded conflicts
        w = await begun()
        w.store._contend = lambda _ops: dice.random() < 0.2
        d = desk(w)
        todo = bodies() * 2
        dice.shuffle(todo)
        await asyncio.gather(*(persisted(d, body) for body in todo))
        w.store._contend = lambda _ops: False
        expected, events, _ = await clean()
        assert await snapshot(w) == expected
        assert await told(d) == events

    asyncio.run(compare())
