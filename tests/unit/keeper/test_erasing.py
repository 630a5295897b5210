"""Erasing a person: nothing of them is left anywhere, everything of everybody else is; resumable at any call."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.keeper.ports import EdgesUnavailableError
from shared.bus.attributes import body
from shared.events.model import EVENT, MediaSettledEvent
from shared.media.uploads import upload_key, wait_sk
from shared.objects.cdn import served_key
from shared.record import events
from shared.record.codec import dumps, loads
from shared.record.erasure import NoContactError
from shared.record.files import reference_sk
from shared.record.holds import NoSubjectError
from shared.record.outbound import Draft, Outbound
from shared.store.port import ContendedError, Put, StoreUnavailableError, Update
from sim.loop import run as run_virtual
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import ANA, change, envelope, said
from tests.unit.keeper.keeper_world import (
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
    stored,
)

NONCES = (b"secreto-uno", b"secreto-dos", b"Anastasia", b"bytes of ana", ANA.encode())


async def morning(k: Keep) -> str:
    """Ana and Luis write, some of it in one envelope, with files of which one is shared; Ana's contact_id."""
    first = await says(k, "wamid.a1", "secreto-uno", name="Anastasia")
    other = await says(k, "wamid.l1", "de luis", who=LUIS)
    k.world.clock.ms += 1000
    both = [said("wamid.a2", "secreto-dos"), {**said("wamid.l2", "tambien luis"), "from": LUIS}]
    cards = [
        {"profile": {"name": who}, "wa_id": number} for who, number in (("Anastasia", ANA), ("Luis", LUIS))
    ]
    await k.desk.receive(envelope(change(contacts=cards, messages=both), at=stamp(k.world.clock.ms)))
    await attach(k, first, b"bytes of ana")
    await attach(k, first, b"shared bytes", n=1)
    await attach(k, other, b"shared bytes")
    for wamid in ("wamid.a1", "wamid.a2", "wamid.l1", "wamid.l2"):
        index(k, await message_of(k, wamid))
    await k.ports["dlq"].send(envelope(change(messages=[{**said("wamid.p"), "text": 7}])), {"reason": "x"})
    return str(first["contact_id"])


async def assert_clean(k: Keep, ana: str) -> None:
    everything = await stored(k)
    assert [nonce for nonce in NONCES if nonce in everything] == []
    assert b"tambien luis" in everything
    assert b"shared bytes" in everything
    for item in await k.world.items("messages"):
        if item.get("key_id") == ana:
            assert not {"sealed", "sealed_ref"} & item.keys()
            assert item.get("erased")
    luis = (await message_of(k, "wamid.l1"))["contact_id"]
    assert luis != ana
    opened = [await k.world.record.reader.open(m) for m in await messages(k) if m["contact_id"] == luis]
    assert {each.message["text"]["body"] for each in opened} == {"de luis", "tambien luis"}
    assert {owner for owner, _ in k.search.messages.values()} == {luis}
    assert k.search.threads
    assert not any(owner == ana for owner, _ in k.search.threads.values())


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


async def test_the_cdn_forgets_files_that_go_and_no_others() -> None:
    k = keep()
    ana = await morning(k)
    first = await message_of(k, "wamid.a1")
    own, shared = (each["sha256"] for each in first["media"])
    edges = k.ports["edges"]
    assert {f"/{served_key(own)}", f"/{served_key(shared)}"} == edges.copies.keys()
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert list(edges.copies) == [f"/{served_key(shared)}"]
    (asked,) = edges.asked.values()
    assert asked == (f"/{served_key(own)}", f"/{served_key(own, 'thumb.webp')}")
    places = {each["place"]: each["erased"] for each in done["receipt"]["places"]}
    assert places["cdn"] == 2
    assert [item for item in await k.world.items("config") if item["pk"].startswith("cdn#")] == []


async def test_what_the_cdn_must_forget_is_known_until_it_answers() -> None:
    k = keep()
    ana = await morning(k)
    own = (await message_of(k, "wamid.a1"))["media"][0]["sha256"]
    k.ports["edges"].fail = True
    erasure = await k.requests.ask(ana, "x", "agent-1")
    with pytest.raises(EdgesUnavailableError):
        await k.erasing.work()
    assert await k.bucket.head(served_key(own)) is None
    k.ports["edges"].fail = False
    await k.through(erasure)
    assert f"/{served_key(own)}" not in k.ports["edges"].copies


async def test_a_system_without_a_cdn_that_caches_says_so() -> None:
    k = keep(edges=None)
    ana = await morning(k)
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    (cdn,) = [each for each in done["receipt"]["places"] if each["place"] == "cdn"]
    assert cdn["erased"] == 0
    assert "CDMX_CDN_DISTRIBUTION" in cdn["note"]
    assert [item for item in await k.world.items("config") if item["pk"].startswith("cdn#")] == []


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


async def test_an_upload_sent_to_the_person_ends_with_the_message() -> None:
    k = keep()
    ana = await morning(k)
    message = await message_of(k, "wamid.a2")
    sha = await attach(k, message, b"a file of ours")
    media = [{**message["media"][0], "upload_id": "u_1"}]
    w = k.world
    await w.store.write(
        Update("messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1})
    )
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "ready", "sha256": sha, "rev": 3}))
    await w.store.write(Put("media", {"pk": sha, "sk": reference_sk("u_1", 0)}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    upload = {"pk": "u_1", "state": "ready", "sha256": sha, "rev": 3, "mime": "image/jpeg"}
    settled = body(events.upload_settled(upload, events.Envelope(NOON_MS)))
    await w.store.write(Put("desk_log", {"pk": "log", "sk": f"{1:016d}", "event": settled}))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert b"a file of ours" not in await stored(k)
    assert await w.store.get("media", "u_1") is None
    assert [sha in item["event"] for item in await w.items("desk_log")] == [False]


async def waiting(k: Keep, message_id: str, conversation_id: str) -> dict[str, Any]:
    """A reply with an upload that is not settled yet."""
    w = k.world
    outbound = Outbound(w.store, w.record.reader, w.record.sealing, w.clock, w.ids, "desk", 400)
    medium: Any = {"n": 0, "mime": "image/jpeg", "state": "pending", "upload_id": "u_1"}
    said_ = {"type": "image", "image": {"id": "u_1"}}
    kept = await outbound.record(Draft(message_id, conversation_id, "ana", "image", said_, media=[medium]))
    assert kept.message is not None
    return dict(kept.message)


@pytest.mark.parametrize("settled", [True, False])
async def test_an_upload_that_somebody_else_waits_for_stays_until_they_have_it(settled: bool) -> None:  # noqa: FBT001 - drawn
    k = keep()
    ana = await morning(k)
    w, sha = k.world, hashlib.sha256(b"a file of ours").hexdigest()
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    theirs = await waiting(k, "o_ana", (await message_of(k, "wamid.a1"))["pk"])
    other = await waiting(k, "o_luis", (await message_of(k, "wamid.l1"))["pk"])
    if settled:  # the worker is at its second message
        media = [{**theirs["media"][0], "state": "ready", "sha256": sha}]
        await w.store.write(
            Update("messages", theirs["pk"], theirs["sk"], set={"media": media}, add={"rev": 1})
        )
        await w.store.write(Put("media", {"pk": sha, "sk": reference_sk(theirs["message_id"], 0)}))
        await w.store.write(Update("media", "u_1", "-", set={"state": "ready", "sha256": sha}))
        await w.store.write(Put("media", {"pk": sha, "sk": reference_sk("u_1", 0)}))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    upload = await w.store.get("media", "u_1")
    assert upload is not None
    assert upload["state"] == ("ready" if settled else "pending")
    waits = [each["sk"] for each in await w.items("media") if each["pk"] == "u_1" and each["sk"] != "-"]
    assert waits == [wait_sk(other["message_id"], 0)]
    assert await k.bucket.head(upload_key("u_1")) is not None
    assert settled == (await w.store.get("media", sha, reference_sk("u_1", 0)) is not None)
    await waiting(k, "o_luis_2", other["pk"])
    assert "ending" not in (await w.store.get("media", "u_1") or {})


async def test_an_upload_that_somebody_is_sent_as_it_is_looked_at_stays() -> None:
    k = keep()
    ana = await morning(k)
    w, luis = k.world, (await message_of(k, "wamid.l1"))["pk"]
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await waiting(k, "o_ana", (await message_of(k, "wamid.a1"))["pk"])
    query = w.store.query

    async def and_then(table: str, pk: str, *given: Any, **more: Any) -> Any:
        page = await query(table, pk, *given, **more)
        if (table, pk) == ("media", "u_1") and await w.store.get("ids", "o_luis") is None:
            await waiting(k, "o_luis", luis)
        return page

    w.store.query = and_then  # type: ignore[method-assign] # the moment between the look and the end
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert (await w.store.get("media", "u_1") or {})["state"] == "pending"


async def test_an_upload_that_only_the_person_waits_for_ends_and_is_sent_to_nobody_any_more() -> None:
    k = keep()
    ana = await morning(k)
    w, cid = k.world, (await message_of(k, "wamid.a1"))["pk"]
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    await k.bucket.put(
        served_key(hashlib.sha256(b"a file of ours").hexdigest()), b"a file of ours"
    )  # not referred to
    for message_id in ("o_1", "o_2"):
        await waiting(k, message_id, cid)
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert [each for each in await w.items("media") if each["pk"] == "u_1"] == []
    assert b"a file of ours" not in await stored(k)
    with pytest.raises(ContendedError):
        await waiting(k, "o_3", (await message_of(k, "wamid.l1"))["pk"])


async def test_what_was_still_fetched_or_written_down_for_the_person_is_found_by_the_next_round() -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "x", "agent-1")
    await k.erasing.work()
    message = await message_of(k, "wamid.a1")
    for key in (f"incoming/{message['message_id']}/0/file", f"transcripts/{message['message_id']}.json"):
        await k.bucket.put(key, b"fetched too late")
    await k.through(erasure)
    assert b"fetched too late" not in await stored(k)


async def test_a_copy_that_a_dead_worker_left_before_its_reference_goes_too() -> None:
    k = keep()
    ana = await morning(k)
    message, data = await message_of(k, "wamid.a1"), b"copied and not yet settled"
    sha256 = hashlib.sha256(data).hexdigest()
    await k.bucket.put(f"incoming/{message['message_id']}/2/file", data)
    await k.bucket.put(served_key(sha256), data)
    shared = hashlib.sha256(b"shared bytes").hexdigest()
    await k.bucket.put(f"incoming/{message['message_id']}/3/file", b"shared bytes")
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert data not in await stored(k)
    assert await k.bucket.head(served_key(shared)) is not None


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
