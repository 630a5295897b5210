"""Retention over the record: what has reached its end goes with all that hangs on it, and nothing else."""

from typing import Any

import pytest

from services.ingest.keeper.retention import arrival_of
from services.media.readings import Readings
from shared.events.model import MessageChanged
from shared.objects.cdn import served_key
from shared.record import retention
from shared.record.files import reference_sk
from shared.record.holds import Held
from shared.record.retention import BadRetentionError, Retention
from shared.record.waits import Place
from shared.store.port import Put, Update
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import change, envelope, said, went
from tests.unit.keeper.keeper_world import (
    DAY_MS,
    LUIS,
    NOON_MS,
    Keep,
    attach,
    index,
    keep,
    message_of,
    messages,
    says,
    stamp,
)


async def archive(k: Keep) -> list[str]:
    return [info.key async for info in k.world.raw.list("raw/")]


async def test_the_same_file_on_day_1_and_89_looked_at_on_day_91() -> None:
    k = keep()
    await retention.put(k.world.store, "messages", 90, "agent-1", NOON_MS)
    first = await says(k, "wamid.1", "uno")
    sha = await attach(k, first, b"the same bytes")
    index(k, first)
    k.world.clock.ms = NOON_MS + 88 * DAY_MS
    second = await says(k, "wamid.2", "dos")
    assert await attach(k, second, b"the same bytes") == sha
    index(k, second)
    k.world.clock.ms = NOON_MS + 90 * DAY_MS
    tally = await k.expiry.run()
    assert (tally.messages, tally.files) == (1, 0)
    assert [each["message_id"] for each in await messages(k)] == [second["message_id"]]
    assert list(k.search.messages) == [second["message_id"]]
    assert await k.bucket.get(served_key(sha)) == b"the same bytes"
    k.world.clock.ms = NOON_MS + 179 * DAY_MS
    tally = await k.expiry.run()
    assert (tally.messages, tally.files) == (1, 1)
    assert [info.key async for info in k.bucket.list("")] == []
    assert await k.world.items("media") == []
    (conversation,) = await k.world.items("conversations")
    assert not {"preview", "inbox"} & conversation.keys()


async def test_everything_beside_a_message_goes_and_its_id_outlives_it() -> None:
    k = keep()
    await says(k, "wamid.1", "uno")
    item = await message_of(k, "wamid.1")
    mark = {"pk": item["pk"], "sk": f"{item['sk']}#routed", "kind": "routed", "destinations": ["uno"]}
    sent = {"pk": f"uno#{item['pk']}", "sk": f"{item['message_id']}#0", "state": "delivered", "owed": "1"}
    await k.world.store.write(Put("messages", mark))
    await k.world.store.write(Put("deliveries", sent))
    k.world.clock.ms += 500 * DAY_MS
    assert (await k.expiry.run()).owed == [item["message_id"]]
    del sent["owed"]
    await k.world.store.write(Put("deliveries", sent))
    assert (await k.expiry.run()).messages == 1
    assert await k.world.items("messages") == []
    assert await k.world.items("deliveries") == []
    (known,) = await k.world.items("ids")
    assert known["ttl"] > k.world.clock.ms // 1000 + 28 * 24 * 3600
    replayed = envelope(change(messages=[said("wamid.1", "uno", ts=NOON_MS // 1000)]), at=stamp(NOON_MS))
    await k.desk.receive(replayed)
    assert await k.world.items("messages") == []


async def test_the_archive_goes_by_age_but_not_while_a_message_in_it_lives() -> None:
    k = keep()
    both = [said("wamid.1", "uno"), {**said("wamid.2", "dos"), "from": LUIS}]
    body = envelope(change(messages=both), change(statuses=[went("read")]), at=stamp(NOON_MS))
    await k.desk.receive(body)
    await k.world.raw.put("raw/witness/2027/01/15/0800/00/w.json", b"{}")
    await k.world.raw.put("poison/2027/01/15/0800/00/p.json", b"{")
    await k.world.raw.put("poison/odd.json", b"{")
    luis = await message_of(k, "wamid.2")
    hold = await k.holds.place(luis["contact_id"], "JUZGADO-7", "agent-1", NOON_MS + 600 * DAY_MS)
    k.world.clock.ms += 399 * DAY_MS
    assert (await k.expiry.run()).archived == 0
    k.world.clock.ms += 2 * DAY_MS
    tally = await k.expiry.run()
    assert tally.held == {luis["message_id"]: hold}
    assert (tally.messages, tally.archived, tally.thinned) == (1, 2, 1)
    (left,) = await archive(k)
    kept = await k.world.raw.get(left)
    assert b"wamid.2" in kept
    assert b"wamid.1" not in kept
    assert b"statuses" not in kept
    k.world.clock.ms += 300 * DAY_MS  # the hold has ended by itself
    tally = await k.expiry.run()
    assert (tally.messages, tally.archived, tally.held) == (1, 1, {})
    assert await k.world.items("messages") == []
    assert await k.holds.standing() == []
    (conversation,) = [
        c for c in await k.world.items("conversations") if c["contact_id"] == luis["contact_id"]
    ]
    assert "held" not in conversation


async def test_the_accounts_history_goes_and_what_is_current_stays() -> None:
    k = keep()
    await k.desk.receive(
        envelope({"field": "account_alerts", "value": {"entity_type": "WABA"}}, at=stamp(NOON_MS))
    )
    k.world.clock.ms += 500 * DAY_MS
    tally = await k.expiry.run()
    assert tally.account == 1
    assert not any("#a_" in item["sk"] for item in await k.world.items("policy"))
    assert any(item["sk"] == "-" for item in await k.world.items("policy"))
    assert all("ttl" in item for item in await k.world.items("ids"))


async def test_what_connect_told_goes_as_messages_do() -> None:
    k = keep()
    row = {"pk": "connect#x", "sk": "1#k_1", "arrival_ms": NOON_MS, "raw_id": "r", "key_id": "account"}
    await k.world.store.write(Put("chats", {**row, "sealed_ref": "sealed/chats/x/1"}))
    await k.world.store.write(Put("chats", {"pk": "c_1", "sk": "1", "state": "open"}))
    await k.world.raw.put("sealed/chats/x/1", b"large")
    k.world.clock.ms += 401 * DAY_MS
    assert (await k.expiry.run()).chats == 1
    assert [item["pk"] for item in await k.world.items("chats")] == ["c_1"]
    assert await k.world.raw.head("sealed/chats/x/1") is None


async def test_what_was_taken_back_leaves_the_archive_too_unless_it_is_held() -> None:
    k = keep()
    body = [said("wamid.1", "secreto"), {**said("wamid.2", "de luis"), "from": LUIS}]
    await k.desk.receive(envelope(change(messages=body), at=stamp(NOON_MS)))
    again = [said("wamid.1", "secreto", ts=NOON_MS // 1000)]
    await k.desk.receive(envelope(change(messages=again), at=stamp(NOON_MS + 2 * DAY_MS)))
    item = await message_of(k, "wamid.1")
    taken: dict[str, Any] = {"withdrawn": True}
    await k.world.store.write(Update("messages", item["pk"], item["sk"], set=taken, add={"rev": 1}))
    hold = await k.holds.place(item["contact_id"], "JUZGADO-7", "agent-1")
    assert (await k.expiry.run()).withdrawn == 0
    await k.holds.lift(hold, "agent-1")
    assert (await k.expiry.run()).withdrawn == 2
    bodies = [await k.world.raw.get(key) for key in await archive(k)]
    assert not any(b"secreto" in each for each in bodies)
    assert any(b"de luis" in each for each in bodies)
    assert (await k.expiry.run()).withdrawn == 0


async def taken_back(k: Keep, *, held: str = "") -> dict[str, Any]:
    """Ana deletes a picture with words on it, and a long caption, while such is to be erased."""
    w = k.world
    await w.store.write(
        Put("config", {"pk": "settings", "sk": "changes", "edited": "keep", "revoked": "erase"})
    )
    item = await says(k, "wamid.1", "secreto" * 20_000)
    sha = await attach(k, item, b"the picture")
    said_ = {"text": "secreto", "card": {}, "transcript": {}}
    reading = await Readings(w.store, w.record.sealing, w.clock).op(item, 0, said_)
    assert reading is not None
    await w.store.transact([reading], "reading")
    if held == "contact":
        await k.holds.place(item["contact_id"], "JUZGADO-7", "agent-1")
    if held == "thread":
        await k.holds.place(item["pk"], "JUZGADO-7", "agent-1")
    gone = {**said("wamid.r", ""), "type": "revoke", "revoke": {"original_message_id": "wamid.1"}}
    del gone["text"]
    await k.desk.receive(envelope(change(messages=[gone]), at=stamp(w.clock.ms)))
    return {**await message_of(k, "wamid.1"), "was": sha}


async def left_of(k: Keep, item: dict[str, Any]) -> set[str]:
    """What is left of a message that was taken back."""
    now, sha = await message_of(k, "wamid.1"), item["was"]
    rows = [each for each in await k.world.items("messages") if each.get("kind") == "reading"]
    large = [info.key async for info in k.world.raw.list("sealed/messages/")]
    found = {
        "words": bool({"sealed", "sealed_ref"} & now.keys()),
        "large": bool(large),
        "file": await k.bucket.head(served_key(sha)) is not None,
        "reference": await k.world.store.get("media", sha, reference_sk(now["message_id"], 0)) is not None,
        "reading": bool(rows),
        "archive": any([b"secreto" in await k.world.raw.get(key) for key in await archive(k)]),
    }
    return {name for name, there in found.items() if there}


ALL = {"words", "large", "file", "reference", "reading", "archive"}


async def test_what_was_taken_back_leaves_nothing_anywhere() -> None:
    k = keep()
    item = await taken_back(k)
    assert "sealed_ref" not in item, "at once"
    await k.bucket.put(f"incoming/{item['message_id']}/1/late", b"secreto")
    await k.expiry.run()
    assert await left_of(k, item) == set()
    after = await message_of(k, "wamid.1")
    assert [(each["state"], each["reason"]) for each in after["media"]] == [("failed", "withdrawn")]
    assert [info.key async for info in k.bucket.list("")] == []
    told = [each for each in await k.told() if isinstance(each, MessageChanged)]
    assert (item["message_id"], after["rev"]) in [(each.data.message_id, each.data.rev) for each in told]
    before = await k.world.items("messages")
    await k.expiry.run()
    assert await k.world.items("messages") == before


@pytest.mark.parametrize("by", ["contact", "thread"])
async def test_a_hold_keeps_what_was_taken_back_whole_until_it_is_lifted(by: str) -> None:
    k = keep()
    item = await taken_back(k, held=by)
    await k.expiry.run()
    assert await left_of(k, item) == ALL
    assert (await k.world.record.reader.open(await message_of(k, "wamid.1"))).message["type"] == "text"
    (hold,) = await k.holds.standing()
    await k.holds.lift(hold["sk"], "agent-1")
    await k.world.store.write(Put("config", {"pk": "settings", "sk": "changes", "revoked": "keep"}))
    await k.expiry.run()
    assert await left_of(k, item) == set(), "as it was to be when it was taken back"


async def test_a_hold_that_comes_between_the_look_and_the_end_wins() -> None:
    k = keep()
    item = await taken_back(k, held="thread")
    (hold,) = await k.holds.standing()
    changes = k.world.record.changes

    async def nobody() -> Held:
        return Held()

    changes._holds.held = nobody  # type: ignore[method-assign] # as it was a moment ago
    await changes.take_back(Place(item["pk"], item["sk"]), revoked=True)
    assert await left_of(k, item) == ALL
    assert (await message_of(k, "wamid.1"))["take_back"] == "revoke"
    del changes._holds.held  # the method again
    await k.holds.lift(hold["sk"], "agent-1")
    await k.expiry.run()
    assert await left_of(k, item) == set()


async def test_taking_back_is_ended_by_the_next_run_wherever_it_is_cut_off() -> None:
    for after in (False, True):
        for at in range(1, 60):
            k = keep()
            item = await taken_back(k)
            fuse = Fuse(at, after=after)
            ports = {name: Mortal(k.ports[name], fuse) for name in ("store", "raw", "bucket")}
            try:
                await keep(k.desk, **{**k.ports, **ports}).expiry.run()
            except CrashError:
                await k.expiry.run()
            assert await left_of(k, item) == set()
            if fuse.count < at:
                break


async def test_cut_off_at_any_effect_the_next_run_ends_it() -> None:
    for after in (False, True):
        for at in range(1, 60):
            k = keep()
            await attach(k, await says(k, "wamid.1", "uno"), b"bytes")
            await says(k, "wamid.2", "dos" * 40_000)
            k.world.clock.ms += 500 * DAY_MS
            fuse = Fuse(at, after=after)
            ports = {name: Mortal(k.ports[name], fuse) for name in ("store", "raw", "bucket")}
            try:
                await keep(k.desk, **{**k.ports, **ports}).expiry.run()
            except CrashError:
                await k.expiry.run()
            assert await k.world.items("messages") == []
            assert await k.world.items("media") == []
            assert [info.key async for info in k.bucket.list("")] == []
            assert [info.key async for info in k.world.raw.list("")] == []
            if fuse.count < at:
                break
        else:
            raise AssertionError("a run has more effects than were tried")


async def test_an_editors_word_is_checked_kept_and_versioned() -> None:
    k = keep()
    store = k.world.store
    with pytest.raises(BadRetentionError, match="90"):
        await retention.put(store, "messages", 30, "agent-1", 1)
    with pytest.raises(BadRetentionError, match="messages, imports"):
        await retention.put(store, "todo", 100, "agent-1", 1)
    assert await retention.put(store, "raw", 100, "agent-1", 1) == 1
    assert await retention.put(store, "raw", 200, "agent-2", 2) == 2
    assert (await retention.read(store)).of("raw") == 200
    history = (await store.query("config", "retention-history#raw")).items
    assert [each["days"] for each in history] == [100, 200]
    assert Retention({"raw": 5}).of("raw") == 90


@pytest.mark.parametrize(
    ("name", "expected"),
    [("2027/01/15/0800/00/x.json", NOON_MS), ("2027/01/15/0800/70/x.json", None), ("odd.json", None)],
)
def test_an_objects_name_says_when_it_arrived(name: str, expected: Any) -> None:
    assert arrival_of(name) == expected
