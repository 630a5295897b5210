"""Erasing a person: nothing of them is left anywhere, everything of everybody else is; resumable at any call."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.attributes import body
from shared.events.model import EVENT, MediaSettledEvent
from shared.record import events
from shared.record.codec import dumps, loads
from shared.record.erasure import NoContactError
from shared.record.holds import NoSubjectError
from shared.store.port import Put, StoreUnavailableError, Update
from sim.loop import run as run_virtual
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import ANA, change, envelope, said
from tests.unit.keeper.erasing_world import assert_clean, morning
from tests.unit.keeper.keeper_world import (
    LUIS,
    NOON_MS,
    keep,
    message_of,
    messages,
    says,
    stamp,
    stored,
)


async def test_nothing_of_the_person_is_left_and_all_of_the_others() -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "EXP-12/2026", "agent-1")
    done = await k.through(erasure)
    await assert_clean(k, ana)
    receipt = done["receipt"]
    counts = {each["place"]: each["erased"] for each in receipt["places"]}
    assert counts["contact_keys"] == 1
    assert counts["messages"] == 2
    assert counts["media"] == 2
    assert counts["raw"] == 2
    assert counts["dlq"] == 1
    assert counts["opensearch"] == 3
    assert not any(each["at_least"] for each in receipt["places"])
    assert receipt["backups"] == [{"what": "llaves", "gone_by": "2027-01-22T08:00:01Z"}]
    types = sorted(event.type for event in await k.told())
    assert types == ["desk.contact.erased.v1", "desk.conversation.changed.v1"]
    assert await k.requests.open() == []


async def test_who_writes_again_is_kept_and_what_is_older_is_not() -> None:
    k = keep()
    ana = await morning(k)
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    again = await says(k, "wamid.a9", "otra vez")
    assert again["contact_id"] != ana
    k.world.clock.ms = NOON_MS
    before = len(await messages(k))
    await k.desk.receive(
        envelope(change(messages=[said("wamid.a0", "secreto-uno")]), at=stamp(NOON_MS - 5000))
    )
    assert len(await messages(k)) == before
    assert b"secreto-uno" not in await stored(k)


async def test_who_writes_again_before_their_aliases_are_known_is_erased_all_the_same() -> None:
    k = keep()
    ana = await morning(k)
    scan = k.world.store.scan
    asked: list[str] = []

    async def fails_once(table: str, **given: Any) -> Any:
        if table == "aliases" and not asked:
            asked.append(table)
            raise StoreUnavailableError("down")
        async for item in scan(table, **given):
            yield item

    k.world.store.scan = fails_once  # type: ignore[method-assign] # the moment between closed and complete
    erasure = await k.requests.ask(ana, "caso", "agent-1")
    with pytest.raises(StoreUnavailableError):
        await k.erasing.work()
    k.world.clock.ms += 2000
    await says(k, "wamid.a9", "otra vez", name="Anita")
    await k.through(erasure)
    raw = await stored(k)
    assert b"secreto-uno" not in raw
    assert b"secreto-dos" not in raw
    assert (await message_of(k, "wamid.a9"))["contact_id"] != ana


async def test_a_hold_wins_and_is_shown_until_it_is_lifted() -> None:
    k = keep()
    ana = await morning(k)
    hold = await k.holds.place(ana, "JUZGADO-7", "agent-1")
    (thread,) = [c for c in await k.world.items("conversations") if c["contact_id"] == ana]
    assert thread["held"]
    erasure = await k.requests.ask(ana, "x", "agent-1")
    stopped = await k.through(erasure)
    assert (stopped["state"], stopped["hold_id"]) == ("held", hold)
    assert b"secreto-dos" in await stored(k)
    assert await k.holds.lift(hold, "agent-1")
    assert not await k.holds.lift(hold, "agent-1")
    await k.through(erasure)
    await assert_clean(k, ana)


async def test_a_hold_on_one_of_two_merged_contacts_covers_both() -> None:
    k = keep()
    ana = await morning(k)
    luis = (await message_of(k, "wamid.l1"))["contact_id"]
    await k.holds.place(luis, "JUZGADO-7", "agent-1")
    both = {**said("wamid.m", "soy yo"), "from": ANA, "from_user_id": "MX.1"}
    await k.desk.receive(envelope(change(messages=[both]), at=stamp(NOON_MS + 9000)))
    other = {**said("wamid.n", "y yo"), "from": LUIS, "from_user_id": "MX.1"}
    await k.desk.receive(envelope(change(messages=[other]), at=stamp(NOON_MS + 9500)))
    held = await k.holds.held()
    assert {ana, luis} <= held.contacts.keys()
    assert (await k.through(await k.requests.ask(ana, "x", "agent-1")))["state"] == "held"


async def test_asking_twice_is_one_erasure_and_nobody_is_erased_twice() -> None:
    k = keep()
    ana = await morning(k)
    first = await k.requests.ask(ana, "x", "agent-1")
    assert await k.requests.ask(ana, "y", "agent-2") == first
    await k.through(first)
    assert (
        await k.requests.ask(ana, "z", "agent-1") == first
    )  # whoever did not hear the answer is told of the receipt
    with pytest.raises(NoContactError):
        await k.requests.ask("p_nobody", "z", "agent-1")
    with pytest.raises(NoSubjectError):
        await k.holds.place("p_nobody", "z", "agent-1")


async def test_a_place_that_does_not_answer_keeps_the_others_from_nothing() -> None:
    k = keep()
    ana = await morning(k)
    k.search.fail = True
    erasure = await k.requests.ask(ana, "x", "agent-1")
    with pytest.raises(Exception, match="unreachable"):
        await k.erasing.work()
    assert b"secreto-dos" not in await stored(k)
    k.search.fail = False
    done = await k.through(erasure)
    await assert_clean(k, ana)
    places = {each["place"]: each for each in done["receipt"]["places"]}
    assert places["opensearch"]["at_least"]
    assert not places["messages"]["at_least"]


async def test_a_restored_table_is_cleaned_again() -> None:
    k = keep()
    ana = await morning(k)
    backup = {
        table: await k.world.items(table)
        for table in ("contacts", "contact_keys", "messages", "conversations", "aliases")
    }
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert await k.erasing.restored() == 0
    for table, items in backup.items():
        for item in items:
            await k.world.store.write(Put(table, item))
    k.world.record.people._keys.forget(ana)
    assert await k.erasing.restored() == 1
    assert await k.erasing.restored() == 0
    (asked,) = await k.requests.open()
    await k.through(asked["sk"])
    await assert_clean(k, ana)
    replayed = envelope(change(messages=[said("wamid.a1", "secreto-uno")]), at=stamp(NOON_MS))
    await k.desk.receive(replayed)
    assert b"secreto-uno" not in await stored(k)


async def test_what_nobody_can_read_goes_whole_where_it_names_the_person() -> None:
    k = keep()
    ana = await morning(k)
    await k.world.raw.put(
        "poison/2027/01/15/0800/00/bad.json", b'{"cut off": "' + ANA.encode() + b" secreto-uno"
    )
    await k.world.raw.put("poison/2027/01/15/0800/00/ok.json", b'{"cut off": "' + LUIS.encode())
    unknown = {"field": "contacts_sync", "value": {"rows": [{"phone": ANA[-10:], "n": "Anastasia"}]}}
    other = {"field": "contacts_sync", "value": {"rows": [{"phone": LUIS, "n": "Luis"}]}}
    await k.desk.receive(envelope(unknown, other, at=stamp(k.world.clock.ms)))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    left = [info.key async for info in k.world.raw.list("poison/")]
    assert "poison/2027/01/15/0800/00/ok.json" in left
    assert "poison/2027/01/15/0800/00/bad.json" not in left
    everything = await stored(k)
    assert ANA[-10:].encode() not in everything
    assert LUIS.encode() in everything


async def test_what_connect_told_of_the_person_goes_with_its_envelope() -> None:
    k = keep()
    ana = await morning(k)
    row = {"pk": "connect#x", "sk": "1#k_1", "arrival_ms": NOON_MS, "raw_id": "r1", "sealed": b"secreto-dos"}
    await k.world.store.write(Put("chats", {**row, "key_id": ana}))
    await k.world.store.write(Put("chats", {**row, "sk": "2#k_2", "key_id": "p_other", "raw_id": "r2"}))
    for name in ("r1", "r2"):
        await k.world.raw.put(f"raw/connect/2027/01/15/0800/00/{name}.json", b'{"Content": "secreto"}')
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    rows = {item["sk"]: item for item in await k.world.items("chats")}
    assert "sealed" not in rows["1#k_1"]
    assert "sealed" in rows["2#k_2"]
    assert [info.key[-7:] async for info in k.world.raw.list("raw/connect/")] == ["r2.json"]


async def test_the_live_log_keeps_its_entries_without_hashes_of_files() -> None:
    k = keep()
    ana = await morning(k)
    mine, other = await message_of(k, "wamid.a1"), await message_of(k, "wamid.l1")
    envelope_ = events.Envelope(NOON_MS)
    for seq, item in enumerate((mine, other), 1):
        event = body(events.media_settled(item, item["media"][0]["n"], envelope_))
        await k.world.store.write(Put("desk_log", {"pk": "log", "sk": f"{seq:016d}", "event": event}))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    left = [EVENT.validate_json(item["event"]) for item in await k.world.items("desk_log")]
    hashes = {event.data.owner: event.data.sha256 for event in left if isinstance(event, MediaSettledEvent)}
    assert hashes == {mine["message_id"]: None, other["message_id"]: other["media"][0]["sha256"]}


async def test_a_merged_contact_without_a_thread_is_erased_and_held_too() -> None:
    k = keep()
    ana = await morning(k)
    silent = {"pk": "p_silent", "sk": "-", "alias": "Fuente", "rev": 1, "merged_into": ana, "sealed": b"name"}
    await k.world.store.write(Put("contacts", silent))
    await k.world.store.write(Put("contact_keys", {"pk": "p_silent", "sk": "-", "wrapped": b"w"}))
    hold = await k.holds.place("p_silent", "x", "agent-1")
    assert {ana, "p_silent"} == (await k.holds.held()).contacts.keys()
    await k.holds.lift(hold, "agent-1")
    done = await k.through(await k.requests.ask("p_silent", "x", "agent-1"))
    counts = {each["place"]: each["erased"] for each in done["receipt"]["places"]}
    assert counts["contact_keys"] == 2
    contacts = {item["pk"]: item for item in await k.world.items("contacts") if item["sk"] == "-"}
    assert contacts["p_silent"]["erased"]
    assert "sealed" not in contacts["p_silent"]


async def test_a_late_writer_with_a_key_in_its_hands_is_found_by_the_next_round() -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "x", "agent-1")
    await k.erasing.work()
    message = await message_of(k, "wamid.a1")
    late: dict[str, Any] = {"sealed": b"under the old key", "erased": False}
    await k.world.store.write(Update("messages", message["pk"], message["sk"], set=late, add={"rev": 1}))
    await k.through(erasure)
    await assert_clean(k, ana)
    assert b"under the old key" not in await stored(k)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 180), st.booleans(), st.integers(1, 60))
def test_dying_at_any_call_it_ends_clean(at: int, after: bool, second: int) -> None:  # noqa: FBT001 - drawn
    run_virtual(at, died_twice(at, second, after=after))


async def died_twice(at: int, second: int, *, after: bool) -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "x", "agent-1")
    for fuse in (Fuse(at, after=after), Fuse(second, after=not after)):
        ports = {name: Mortal(port, fuse) for name, port in k.ports.items() if name not in {"search", "bus"}}
        mortal = keep(k.desk, **{**k.ports, **ports})
        try:
            await mortal.through(erasure)
        except CrashError:
            continue
    fresh = keep(k.desk, **k.ports)
    await fresh.through(erasure)
    await assert_clean(fresh, ana)
    receipt = (await fresh.requests.get(erasure) or {})["receipt"]
    assert json.dumps(receipt)
    for each in receipt["places"]:
        if each["place"] in {"messages", "raw"} and not each["at_least"]:
            assert each["erased"] == 2


async def test_the_journals_of_imports_lose_the_person() -> None:
    k = keep()
    ana = await morning(k)
    aliases = [i["pk"] for i in await k.world.items("aliases") if i["contact_id"] == ana]
    (thread,) = [c["pk"] for c in await k.world.items("conversations") if c["contact_id"] == ana]
    exports = k.ports["exports"]
    journal = {"run": "m1", "state": "done", "done": {"x": 1}, "counts": {"new": 1}}
    met: dict[str, Any] = {"met": [aliases, ["other"]], "conversations": [thread, "c_other"]}
    met |= {"named": {ana: {"chat": 3}, "p_other": {"chat": 1}}}
    await exports.put("imports/m1/state.json", dumps({**journal, **met}))
    await exports.put("imports/m2/state.json", dumps({**journal, "met": [["other"]], "conversations": []}))
    await exports.put("imports/m1/ids/x/00000000.json", b'["h_1"]')
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    left = loads(await exports.get("imports/m1/state.json"))
    assert left == {
        **journal,
        "met": [["other"]],
        "conversations": ["c_other"],
        "named": {"p_other": {"chat": 1}},
    }
    assert {each["place"]: each["erased"] for each in done["receipt"]["places"]}["imports"] == 1


async def test_parked_events_of_the_person_go_and_those_of_others_stay() -> None:
    k = keep()
    ana = await morning(k)
    parked, envelope_ = k.ports["events_dlq"], events.Envelope(NOON_MS)
    for wamid in ("wamid.a1", "wamid.l1"):
        message = await message_of(k, wamid)
        await parked.send(body(events.media_settled(message, message["media"][0]["n"], envelope_)), {})
    other = await message_of(k, "wamid.l1")
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert [other["pk"] in each for each in parked.bodies()] == [True]
    assert {each["place"]: each["erased"] for each in done["receipt"]["places"]}["dlq"] == 2


async def test_what_a_dead_keeper_holds_of_a_queue_is_waited_for() -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "x", "agent-1")
    await k.erasing.work()
    await k.ports["dlq"].send(envelope(change(messages=[{**said("wamid.q"), "text": 8}])), {"reason": "x"})
    k.world.clock.ms += 70_000
    gone = k.ports["dlq"].delete

    async def dies(*_given: Any) -> None:
        raise CrashError

    k.ports["dlq"].delete = dies
    with pytest.raises(CrashError):
        await k.erasing.work()
    k.ports["dlq"].delete = gone
    await k.erasing.work()
    found = await k.requests.get(erasure)
    assert found is not None
    assert found["state"] == "erasing"
    await k.through(erasure)
