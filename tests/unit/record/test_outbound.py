import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events.model import MessageChanged
from shared.ids import attempt_id, desk_id, received_id
from shared.record.outbound import Draft, NoConversationError, next_key
from shared.record.shape import lane_pk, whatsapp_destination
from shared.record.statuses import target
from shared.store.port import Put
from tests.unit.record.world import NOON_MS, PNID, World, reaction, status, text, world

MINE = desk_id("agent-1", "key-1")


async def started(w: World) -> str:
    kept = await w.record.keeper.keep(text("wamid.in"))
    assert kept.message is not None
    return str(kept.message["pk"])


def draft(conversation_id: str, body: str = "va", **more: object) -> Draft:
    message = {"type": "text", "text": {"body": body}}
    return Draft(MINE, conversation_id, "agent-1", "text", message, preview=body, **more)  # type: ignore[arg-type]  # keyword passthrough


async def test_a_reply_is_recorded_owed_and_told_in_one_go() -> None:
    w = world()
    cid = await started(w)
    kept = await w.record.outbound.record(draft(cid))
    assert kept.kind == "new"
    assert [event.type for event in kept.events] == ["desk.message.recorded.v1"]
    assert len(kept.owed) == 1
    lane = lane_pk(whatsapp_destination(PNID), cid)
    delivery = await w.store.get("deliveries", lane, f"{MINE}#1")
    assert delivery is not None
    assert (delivery["state"], delivery["owed"]) == ("queued", delivery["order_key"])
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert (await w.record.reader.open(view.item)).message["text"]["body"] == "va"
    page = await w.record.reader.page(cid)
    assert [v.item["direction"] for v in page.views] == ["in", "out"]


async def test_the_same_request_is_the_same_message_and_another_content_writes_nothing() -> None:
    w = world()
    cid = await started(w)
    first = await w.record.outbound.record(draft(cid))
    again = await w.record.outbound.record(draft(cid))
    other = await w.record.outbound.record(draft(cid, "otra cosa"))
    assert (again.kind, other.kind) == ("again", "variant")
    assert [e.id for e in again.events] == [e.id for e in first.events]
    assert len(await w.items("deliveries")) == 1


async def test_a_held_reply_waits_for_its_release() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid, hold_ms=5000))
    (delivery,) = await w.items("deliveries")
    assert (delivery["state"], delivery["at"]) == ("held", NOON_MS + 5000)
    assert [item["kind"] for item in await w.items("due")].count("lane") == 1


async def test_no_conversation_is_an_error_of_its_own() -> None:
    w = world()
    with pytest.raises(NoConversationError):
        await w.record.outbound.record(draft("c_none"))


@pytest.mark.parametrize(
    "order", [("sent", "delivered", "read"), ("read", "delivered", "sent"), ("sent", "failed", "read")]
)
async def test_statuses_reach_the_same_state_in_any_order(order: tuple[str, ...]) -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    for word in order:
        kept = await w.record.statuses.keep(status(word, attempt=attempt_id(MINE, 1)))
        assert kept.kind == "new"
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert view.item["state"] == "read"
    assert view.item["rev"] == 4
    assert {each["status"] for each in view.statuses} == set(order)
    (delivery,) = await w.items("deliveries")
    assert delivery["state"] == "read"
    assert "owed" not in delivery


async def test_a_status_that_comes_again_tells_the_same() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    first = await w.record.statuses.keep(status("sent", attempt=attempt_id(MINE, 1)))
    again = await w.record.statuses.keep(status("sent", attempt=attempt_id(MINE, 1)))
    assert again.kind == "again"
    assert [(e.id, e.type) for e in again.events] == [(e.id, e.type) for e in first.events]
    assert [e.type for e in first.events] == ["desk.message.changed.v1", "desk.delivery.changed.v1"]


async def test_a_status_by_wamid_alone_finds_the_attempt_once_its_wamid_is_known() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    early = await w.record.statuses.keep(status("delivered", wamid="wamid.out"))
    assert early.kind == "waiting"
    await w.record.statuses.keep(status("sent", wamid="wamid.out", attempt=attempt_id(MINE, 1)))
    late = await w.record.statuses.keep(status("read", wamid="wamid.out"))
    assert late.kind == "new"
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert view.item["state"] == "read"
    assert [each["status"] for each in view.statuses] == ["delivered", "read", "sent"]
    assert not [i for i in await w.items("ids") if i["sk"].startswith("wait#")]


async def test_statuses_that_name_no_wamid_and_no_attempt_of_ours_wait_apart() -> None:
    w = world()
    for callback in ("theirs-1", "theirs-2", "theirs-2"):
        kept = await w.record.statuses.keep(status("failed", wamid="", attempt=callback))
        assert kept.kind == "waiting"
    waiting = [item for item in await w.items("ids") if item["sk"].startswith("wait#")]
    assert {item["pk"] for item in waiting} == {target(PNID, "", f"theirs-{n}") for n in (1, 2)}


async def test_a_reaction_to_our_message_waits_until_its_wamid_is_known() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    await w.record.keeper.keep(reaction("wamid.r", "wamid.out"))
    kept = await w.record.statuses.keep(status("sent", wamid="wamid.out", attempt=attempt_id(MINE, 1)))
    changed = next(e for e in kept.events if isinstance(e, MessageChanged))
    assert set(changed.data.changed) == {"status", "reaction"}
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert [each["message_id"] for each in view.reactions] == [received_id(PNID, "wamid.r")]


async def test_two_attempts_that_reached_the_customer_are_flagged() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    (first,) = await w.items("deliveries")
    second = {**first, "sk": f"{MINE}#2", "part": "2"}
    await w.store.write(Put("deliveries", second))
    await w.record.statuses.keep(status("delivered", wamid="wamid.a", attempt=attempt_id(MINE, 1)))
    await w.record.statuses.keep(status("delivered", wamid="wamid.b", attempt=attempt_id(MINE, 2)))
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert view.item["delivered_twice"] is True


async def test_concurrent_statuses_lose_nothing() -> None:
    w = world()
    cid = await started(w)
    await w.record.outbound.record(draft(cid))
    words = ("sent", "delivered", "read", "played")
    await asyncio.gather(
        *(w.record.statuses.keep(status(word, attempt=attempt_id(MINE, 1))) for word in words)
    )
    view = await w.record.reader.get_message(MINE)
    assert view is not None
    assert (view.item["state"], view.item["rev"], len(view.statuses)) == ("played", 5, 4)


@given(last=st.integers(0, 2**62), now=st.integers(1_600_000_000, 1_900_000_000))
@settings(max_examples=50, deadline=None)
def test_our_key_is_behind_the_newest_message(last: int, now: int) -> None:
    seconds = now + last % 300
    key = f"{seconds:010d}.{last:020d}.abcdef"
    assert next_key(key, now * 10**9, "o_xxxxxx") > key


async def test_our_reaction_tells_that_its_target_changed() -> None:
    """Search and consoles read the target anew (found by the simulator, seed 2)."""
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1"))
    assert kept.message is not None
    about = kept.message["message_id"]
    reacted = await w.record.outbound.record(
        Draft(MINE, kept.message["pk"], "ana", "reaction", {"type": "reaction"}, reacts_to=about)
    )
    target = await w.store.get("messages", kept.message["pk"], kept.message["sk"])
    assert target is not None
    assert [event.id for event in reacted.events] == [f"{MINE}:1", f"{about}:{target['rev']}"]
