"""People of whom nothing is left go, once nobody can be at work on them; whoever is wanted or comes back stays."""

import asyncio
from typing import Any

import pytest

from services.ingest.keeper.leaving import MOST_OPS
from shared.events.model import ContactChangedEvent, ConversationChangedEvent
from shared.record import retention
from shared.record.inbound import Alias, Person
from shared.record.people import LEAVING
from shared.store.port import Put, Update
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.ingest.desk import ANA, change, envelope, said
from tests.unit.keeper.keeper_world import DAY_MS, LUIS, Keep, keep, messages, says, stamp
from tests.unit.record.world import origin

PEOPLE = ("contacts", "aliases", "contact_keys", "conversations")


async def long_ago(k: Keep, *, until: int = 401) -> str:
    """Ana wrote once, `until` days ago; her contact_id."""
    first = await says(k, "wamid.1", "hola", name="Anastasia")
    cid = first["pk"]
    await k.world.store.write(Put("messages", {"pk": cid, "sk": "~cursor", "order_key": first["sk"]}))
    await k.world.store.write(Put("chats", {"pk": cid, "sk": "chat", "connect_contact_id": "x"}))
    k.world.clock.ms += until * DAY_MS
    return str(first["contact_id"])


async def days(k: Keep, count: int) -> int:
    """Runs, one a day; how many people went."""
    went = 0
    for _ in range(count):
        went += (await k.expiry.run()).people
        k.world.clock.ms += DAY_MS
    return went


async def left(k: Keep) -> dict[str, int]:
    found = {table: await k.world.items(table) for table in (*PEOPLE, "messages", "chats")}
    return {table: len(items) for table, items in found.items() if items}


async def test_who_has_nothing_left_goes_a_day_later_with_all_that_names_them() -> None:
    k = keep()
    await long_ago(k)
    assert await days(k, 1) == 0
    (contact,) = [each for each in await k.world.items("contacts") if each["sk"] == "-"]
    assert LEAVING in contact
    assert await days(k, 1) == 1
    assert await left(k) == {}
    told = [type(each) for each in await k.told()]
    assert ContactChangedEvent in told
    assert ConversationChangedEvent in told
    assert await days(k, 1) == 0


async def test_who_writes_again_after_they_went_is_somebody_new() -> None:
    k = keep()
    ana = await long_ago(k)
    await days(k, 2)
    again = await says(k, "wamid.2", "soy yo")
    assert again["contact_id"] != ana
    assert (await k.world.record.reader.open(again)).message["text"]["body"] == "soy yo"


async def test_who_comes_back_between_the_runs_stays_and_is_read() -> None:
    k = keep()
    ana = await long_ago(k)
    await days(k, 1)
    again = await says(k, "wamid.2", "soy yo")
    assert again["contact_id"] == ana
    assert LEAVING not in (await k.world.store.get("contacts", ana) or {})
    assert await days(k, 3) == 0
    assert (await k.world.record.reader.open(again)).message["text"]["body"] == "soy yo"


async def test_one_run_right_after_another_lets_nobody_go() -> None:
    k = keep()
    await long_ago(k)
    assert (await k.expiry.run()).people == 0
    assert (await k.expiry.run()).people == 0
    assert (await left(k))["contacts"] == 2


async def test_what_was_under_way_as_the_mark_was_made_is_found_by_the_next_run() -> None:
    k = keep()
    ana = await long_ago(k)
    party = await k.world.record.people.resolve(_ana(), origin())
    await days(k, 1)  # marked while that worker is still at it
    row = {
        "pk": "c_group",
        "sk": "1",
        "message_id": "i_9",
        "contact_id": party.contact_id,
        "key_id": party.contact_id,
    }
    await k.world.store.write(Put("messages", {**row, "kept_at": k.world.clock.ms, "media": [], "rev": 1}))
    assert await days(k, 2) == 0
    assert LEAVING not in (await k.world.store.get("contacts", ana) or {})


def _ana() -> Person:
    return Person((Alias("waid", ANA),))


@pytest.mark.parametrize("why", ["held", "saved", "protected", "optout", "erased", "young", "connect"])
async def test_who_is_wanted_or_must_be_known_again_stays(why: str) -> None:
    k = keep()
    ana = await long_ago(k)
    w = k.world
    match why:
        case "held":
            await k.holds.place(ana, "JUZGADO-7", "agent-1")
            await k.expiry.run()  # the message is kept too
        case "saved":
            await w.record.people.resolve(Person((Alias("waid", ANA),), {"saved_name": "Ana"}), origin())
        case "protected" | "erased":
            await w.store.write(Update("contacts", ana, "-", set={why: True}))
        case "optout":
            await w.store.write(Put("policy", {"pk": f"OPTOUT#{ana}", "sk": "-"}))
        case "connect":
            await w.store.write(
                Put("chats", {"pk": "connect#1", "sk": "1", "key_id": ana, "arrival_ms": w.clock.ms})
            )
        case "young":
            await w.store.write(Update("contacts", ana, "-", set={"made_at": w.clock.ms}))
    assert await days(k, 3) == 0
    assert await w.store.get("contacts", ana) is not None
    assert await w.items("aliases")


async def test_the_days_of_the_class_decide_and_a_message_outlives_them() -> None:
    k = keep()
    await retention.put(k.world.store, "contacts", 90, "agent-1", 0)
    await long_ago(k, until=100)
    assert await days(k, 2) == 0
    assert len(await messages(k)) == 1
    await retention.put(k.world.store, "messages", 90, "agent-1", 0)
    assert await days(k, 2) == 1


async def test_merged_people_go_together_and_an_alias_keeps_what_it_knows_of_an_erasure() -> None:
    k = keep()
    await says(k, "wamid.1", "hola")
    await says(k, "wamid.2", "hola", who=LUIS)
    for wamid, who in (("wamid.3", ANA), ("wamid.4", LUIS)):
        both = {**said(wamid, "soy yo"), "from": who, "from_user_id": "MX.1"}
        await k.desk.receive(envelope(change(messages=[both]), at=stamp(k.world.clock.ms)))
    for alias in (await k.world.items("aliases"))[:1]:
        await k.world.store.write(Update("aliases", alias["pk"], "-", set={"erased_at": 7}))
    k.world.clock.ms += 401 * DAY_MS
    assert await days(k, 2) == 1
    (alias,) = await k.world.items("aliases")
    assert "contact_id" not in alias
    assert alias["erased_at"] == 7
    assert await left(k) == {"aliases": 1}
    again = await says(k, "wamid.5", "otra vez")
    luis = await says(k, "wamid.6", "otra vez", who=LUIS)
    assert again["contact_id"] != luis["contact_id"]


async def test_a_hold_that_comes_at_the_last_moment_wins() -> None:
    k = keep()
    ana = await long_ago(k)
    await days(k, 1)
    transact = k.world.store.transact
    asked: list[None] = []

    async def and_before(ops: Any, token: str) -> None:
        if not asked and any(getattr(op, "pk", "") == ana for op in ops):
            asked.append(None)
            await k.holds.place(ana, "JUZGADO-7", "agent-1")
        await transact(ops, token)

    k.world.store.transact = and_before  # type: ignore[method-assign] # that moment
    assert await days(k, 2) == 0
    assert asked
    assert await k.world.store.get("contacts", ana) is not None


async def test_a_person_who_fills_no_transaction_stays() -> None:
    k = keep()
    ana = await long_ago(k)
    for n in range(MOST_OPS):
        await k.world.store.write(Put("contacts", {"pk": ana, "sk": f"c_{n}", "pnid": "1"}))
    assert await days(k, 3) == 0
    assert await k.world.store.get("contacts", ana) is not None


@pytest.mark.parametrize("after", [False, True])
async def test_cut_off_anywhere_the_next_run_ends_it(after: bool) -> None:  # noqa: FBT001 - parametrized
    for at in range(1, 40):
        k = keep()
        await long_ago(k)
        await days(k, 1)
        fuse = Fuse(at, after=after)
        mortal = keep(k.desk, **{**k.ports, "store": Mortal(k.ports["store"], fuse)})
        try:
            await mortal.expiry.run()
        except CrashError:
            await asyncio.sleep(0)
            await k.expiry.run()
        assert await left(k) == {}
        if fuse.count < at:
            break


@pytest.mark.parametrize("first", [True, False])
async def test_a_message_that_comes_as_they_go_is_kept_whole_whoever_is_first(first: bool) -> None:  # noqa: FBT001 - parametrized
    k = keep()
    ana = await long_ago(k)
    await days(k, 1)
    transact = k.world.store.transact
    wrote: list[dict[str, Any]] = []

    async def meanwhile(ops: Any, token: str) -> None:
        """The one transaction of this run: they write just before it, or on what they read before it."""
        k.world.store.transact = transact  # type: ignore[method-assign] # for what they do themselves
        if first:
            wrote.append(await says(k, "wamid.2", "soy yo"))
        await transact(ops, token)

    k.world.store.transact = meanwhile  # type: ignore[method-assign] # that moment
    assert await days(k, 1) == (0 if first else 1)
    (item,) = wrote or [await says(k, "wamid.2", "soy yo")]
    assert (item["contact_id"] == ana) is first
    assert (await k.world.record.reader.open(item)).message["text"]["body"] == "soy yo"
    assert await k.world.record.people.find(_ana()) == item["contact_id"]
