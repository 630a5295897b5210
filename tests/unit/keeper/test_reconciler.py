"""Every slot compared through all stages: what is missing is repaired, and told if it stays missing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.archive import Archive, arrived, slot
from services.ingest.keeper.slots import Seen, Stage, lasting, silent, slot_of, total
from shared.events.model import AlertRaisedEvent, MessageRecorded
from shared.queue.port import Message
from shared.record.shape import routed_sk
from shared.record.waits import Place, kinds_beside, mark, waiting
from shared.store.port import Delete, Put
from tests.unit.ingest.desk import change, envelope, said, went
from tests.unit.keeper.keeper_world import NOON_MS, Keep, index, keep, message_of, says, stamp

NOTHING = {"ids": 0, "messages": 0, "documents": 0, "routed": 0, "deliveries": 0}


async def routed(k: Keep, message: dict[str, Any], *destinations: str) -> None:
    mark = {"pk": message["pk"], "sk": routed_sk(message["sk"]), "destinations": list(destinations)}
    await k.world.store.write(Put("messages", mark))
    for name in destinations:
        key = {"pk": f"{name}#{message['pk']}", "sk": f"{message['message_id']}#0"}
        await k.world.store.write(Put("deliveries", {**key, "state": "queued"}))


async def begun(k: Keep) -> None:
    """The reconciler has looked once, so that it knows where it stands."""
    await k.reconciler.round()
    k.world.clock.ms += 10_000


async def whole(k: Keep, wamid: str) -> dict[str, Any]:
    message = await says(k, wamid, "hola")
    await routed(k, message, "uno")
    index(k, message)
    return message


async def rounds(k: Keep, seconds: int) -> dict[Stage, int]:
    lacking: dict[Stage, int] = {}
    for _ in range(seconds // 10):
        k.world.clock.ms += 10_000
        lacking = await k.reconciler.round()
    return lacking


def raised(k: Keep) -> dict[str, AlertRaisedEvent]:
    """The keeper's alerts by id; one told again is the same one."""
    events = [event for event in k.desk.bus.events if isinstance(event, AlertRaisedEvent)]
    return {event.id: event for event in events if event.data.name in {"ledger_gap", "sns_silent"}}


def alerts(k: Keep) -> list[str]:
    return [event.data.name for event in raised(k).values()]


async def test_what_is_whole_has_no_gap() -> None:
    k = keep()
    await begun(k)
    await whole(k, "wamid.1")
    await k.desk.receive(envelope(change(statuses=[went("read", "wamid.x")]), at=stamp(k.world.clock.ms)))
    await k.desk.receive(
        envelope({"field": "account_alerts", "value": {"entity_type": "WABA"}}, at=stamp(k.world.clock.ms))
    )
    bad = {**said("wamid.bad"), "text": 7}
    await k.desk.receive(
        envelope(change(messages=[bad, said("wamid.1", "hola")]), at=stamp(k.world.clock.ms))
    )
    assert await rounds(k, 40) == NOTHING
    assert alerts(k) == []


@pytest.mark.parametrize("stage", ["ids", "messages", "documents", "routed", "deliveries"])
async def test_each_stage_is_missed_and_told_within_a_minute(stage: str) -> None:
    k = keep()
    await begun(k)
    message = await whole(k, "wamid.1")
    store = k.world.store
    if stage == "ids":
        await store.write(Delete("ids", message["message_id"], "-"))
        await store.write(Delete("messages", message["pk"], message["sk"]))
    elif stage == "messages":
        await store.write(Delete("messages", message["pk"], message["sk"]))
    elif stage == "documents":
        k.search.messages.clear()
    elif stage == "routed":
        await store.write(Delete("messages", message["pk"], routed_sk(message["sk"])))
    else:
        await store.write(Delete("deliveries", f"uno#{message['pk']}", f"{message['message_id']}#0"))
    k.desk.bus.events.clear()
    waited = 0
    while k.desk.metrics.ledger_gap_messages.labels(stage)._value.get() == 0:
        await rounds(k, 10)
        waited += 10
        assert waited <= 40
    told = [event for event in k.desk.bus.events if isinstance(event, MessageRecorded)]
    assert bool(told) == (stage in {"ids", "documents", "routed"})
    if stage == "ids":  # brought again: the message is back
        assert (await message_of(k, "wamid.1"))["message_id"] == message["message_id"]
        index(k, await message_of(k, "wamid.1"))
        assert await rounds(k, 10) == NOTHING
        assert alerts(k) == []
    else:
        await rounds(k, 10)
        assert waited + 10 < 60
        assert alerts(k) == ["ledger_gap"]
        (alert,) = raised(k).values()
        assert alert.data.runbook == "docs/runbooks/ledger_gap.md"


async def test_an_envelope_that_was_never_taken_is_taken() -> None:
    k = keep()
    await begun(k)
    body = envelope(
        change(messages=[said("wamid.1", ts=k.world.clock.ms // 1000)]), at=stamp(k.world.clock.ms)
    )
    await Archive(k.world.raw).keep(arrived(Message("", body, "", 1, k.world.clock.ms), "ingest"))
    lacking = await rounds(k, 30)
    assert lacking["ids"] == 1
    assert (await message_of(k, "wamid.1"))["type"] == "text"


async def test_a_broken_envelope_counts_as_parked_once_it_is() -> None:
    k = keep()
    await begun(k)
    key = f"raw/eum/{stamp(k.world.clock.ms)[:10].replace('-', '/')}/0800/10/bad.json"
    await k.world.raw.put(key, b'{"cut', metadata={"arrival-ns": str(k.world.clock.ms * 10**6)})
    assert (await rounds(k, 30))["ids"] == 1
    assert await rounds(k, 10) == NOTHING


async def test_another_process_goes_on_where_the_last_one_stood() -> None:
    k = keep()
    await begun(k)
    message = await whole(k, "wamid.1")
    await k.world.store.write(Delete("messages", message["pk"], message["sk"]))
    await rounds(k, 40)
    heir = keep(k.desk, **k.ports)
    assert (await heir.reconciler.round())["messages"] == 1
    await k.world.store.write(Put("messages", {**message}))
    assert await heir.reconciler.round() == NOTHING


async def test_what_still_waits_for_a_message_that_is_there_is_joined() -> None:
    """Who kept the message died before it looked, and no queue brings it again."""
    k = keep()
    await begun(k)
    message = await whole(k, "wamid.1")
    wait = waiting(
        message["message_id"], "revoke", "i_later", {"raw_id": "x", "source": "live"}, k.world.clock.ms
    )
    await k.world.store.transact([wait, mark(wait.item)], "t" * 32)
    assert (await rounds(k, 30))["messages"] == 1
    place = Place(message["pk"], message["sk"])
    assert "revoke" in await kinds_beside(k.world.store, place)
    assert (await rounds(k, 10))["messages"] == 0


async def test_what_is_erased_or_at_its_end_is_no_gap() -> None:
    k = keep()
    await begun(k)
    message = await whole(k, "wamid.1")
    await k.through(await k.requests.ask(message["contact_id"], "x", "agent-1"))
    assert await rounds(k, 100) == NOTHING


async def test_sns_gone_silent_is_told_by_the_witness() -> None:
    k = keep()
    await begun(k)
    event = {
        "detail-type": "WhatsApp Message Received",
        "source": "aws.social-messaging",
        "time": stamp(k.world.clock.ms),
    }
    await k.world.raw.put("raw/witness/2027/01/15/0800/10/w.json", json.dumps(event).encode())
    await rounds(k, 120)
    assert alerts(k) == ["sns_silent"]


async def test_a_silence_is_told_though_no_round_begins_with_a_minute() -> None:
    k = keep()
    k.world.clock.ms = slot_of(k.world.clock.ms) // 60 * 60_000 + 10_000
    await begun(k)
    event = {
        "detail-type": "WhatsApp Message Received",
        "source": "aws.social-messaging",
        "time": stamp(k.world.clock.ms),
    }
    key = f"raw/witness/{slot(k.world.clock.ms * 1_000_000)}/w.json"
    await k.world.raw.put(key, json.dumps(event).encode())
    for _ in range(3):  # rounds that take long: at 10 and at 50 s past
        for pause_ms in (40_000, 20_000):
            k.world.clock.ms += pause_ms
            await k.reconciler.round()
    assert alerts(k) == ["sns_silent"]


async def test_a_witness_beside_an_envelope_is_no_silence() -> None:
    k = keep()
    await begun(k)
    await whole(k, "wamid.1")
    event = {
        "detail-type": "WhatsApp Message Received",
        "source": "aws.social-messaging",
        "time": stamp(k.world.clock.ms),
    }
    await k.world.raw.put("raw/witness/2027/01/15/0800/10/w.json", json.dumps(event).encode())
    await rounds(k, 120)
    assert alerts(k) == []


names = st.sets(st.sampled_from("abcdef"))


@given(names, names, names, names)
def test_gaps_are_sets_not_counts(parsed: set[str], ids: set[str], live: set[str], routed_: set[str]) -> None:
    seen = Seen(parsed=parsed, ids=ids, live=live, routed=routed_)
    gaps = seen.gaps()
    assert gaps.get("ids", frozenset()) == parsed - ids
    assert gaps.get("routed", frozenset()) == live - routed_
    assert total([gaps, gaps])["ids"] == 2 * len(parsed - ids)
    assert lasting(gaps, gaps) == gaps
    assert lasting({}, gaps) == {}


def test_silence_needs_a_witness_old_enough_and_nobody_else() -> None:
    now = NOON_MS
    at = slot_of(now) - 60
    assert silent([at], [], now, 30)
    assert not silent([], [], now, 30)
    assert not silent([slot_of(now)], [], now, 30)
    assert not silent([at], [at + 20], now, 30)
    assert silent([at], [at - 120], now, 30)
