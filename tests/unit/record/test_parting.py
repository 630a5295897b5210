"""Un-merge: pointers only, aliases and details back where they belong, no message lost or in two threads."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.record.inbound import Alias, Person
from shared.record.kept import Kept
from shared.record.merging import apart
from shared.record.parting import NotMergedError
from shared.store.port import Item
from tests.unit.record.world import NOON_MS, World, origin, text, world

PHONE = Alias("phone", "525511111111")
WAID = Alias("waid", "5215511111111")
ONE = Alias("bsuid", "portfolio:MX.1")
TWO = Alias("bsuid", "portfolio:MX.2")


def who(*aliases: Alias, **details: str) -> Person:
    return Person(aliases, details)


async def say(w: World, n: int, person: Person) -> Item:
    kept = await w.record.keeper.keep(text(f"wamid.{n}", who=person, at_ms=NOON_MS + n))
    assert kept.message is not None
    return kept.message


async def merged(w: World) -> tuple[str, str]:
    """Two who wrote and then were taken for one: the survivor and the other."""
    first = await say(w, 1, who(PHONE, wa_id="5215511111111", name="Ana"))
    w.clock.ms += 1
    second = await say(w, 2, who(ONE, user_id="MX.1", name="Beto"))
    await say(w, 3, who(ONE, PHONE))
    return first["contact_id"], second["contact_id"]


async def inbox(w: World) -> list[Item]:
    return [item for item in await w.items("conversations") if "inbox" in item]


async def shown(w: World) -> list[set[str]]:
    """Message ids of each thread that the inbox shows."""
    threads = await inbox(w)
    pages = [await w.record.reader.page(item["pk"], limit=200) for item in threads]
    return [{view.item["message_id"] for view in page.views} for page in pages]


async def details(w: World, contact_id: str) -> Any:
    found = await w.record.reader.contact(contact_id)
    assert found is not None
    return found[1]


async def test_two_are_two_again_with_their_own_names_threads_and_aliases() -> None:
    w = world()
    ana, beto = await merged(w)
    assert len(await inbox(w)) == 1
    assert await details(w, beto) == {"wa_id": "5215511111111", "name": "Beto", "user_id": "MX.1"}
    party = await w.record.parting.unmerge(beto, origin("undo"))
    (event,) = party.events
    assert (event.type, event.data.into) == ("desk.contact.unmerged.v1", ana)  # type: ignore[union-attr] # a contact's event
    assert await details(w, ana) == {"wa_id": "5215511111111", "name": "Ana"}
    assert await details(w, beto) == {"user_id": "MX.1", "name": "Beto"}
    assert await w.record.people.find(who(ONE)) == beto
    assert await w.record.people.find(who(PHONE)) == ana
    threads = await shown(w)
    assert sorted(len(each) for each in threads) == [1, 2]
    assert not threads[0] & threads[1]


async def test_they_stay_two_whatever_payloads_name_and_whomever_they_join() -> None:
    w = world()
    ana, beto = await merged(w)
    await w.record.parting.unmerge(beto, origin("undo"))
    later = await say(w, 4, who(ONE, PHONE))
    assert later["contact_id"] == beto  # the strongest alias says who is meant
    other = await say(w, 5, who(TWO))
    await say(w, 6, who(TWO, ONE))  # Beto is merged with somebody: the word about Ana goes with him
    roots = {name: await w.record.people.root(name) for name in (ana, beto, other["contact_id"])}
    assert roots[beto] == roots[other["contact_id"]]
    one, two = roots[ana], roots[beto]
    assert one is not None
    assert two is not None
    assert apart(one, two)
    again = await say(w, 7, who(TWO, WAID, PHONE))
    assert again["contact_id"] == two["pk"]
    assert await w.record.people.find(who(PHONE)) == ana


async def test_an_alias_met_while_they_were_one_goes_back_with_whom_it_came() -> None:
    w = world()
    ana, beto = await merged(w)
    await say(w, 4, who(ONE, TWO))  # a second user id of Beto's
    await say(w, 5, who(WAID, PHONE))
    await w.record.parting.unmerge(beto, origin("undo"))
    assert await w.record.people.find(who(TWO)) == beto
    assert await w.record.people.find(who(WAID)) == ana


async def test_a_contact_that_is_not_merged_cannot_be_parted() -> None:
    w = world()
    message = await say(w, 1, who(PHONE))
    for contact in (message["contact_id"], "p_nobody"):
        with pytest.raises(NotMergedError):
            await w.record.parting.unmerge(contact, origin("undo"))


async def test_one_out_of_the_middle_takes_along_whom_it_had_taken_in() -> None:
    w = world()
    oldest = await say(w, 1, who(PHONE))
    w.clock.ms += 1
    middle = await say(w, 2, who(ONE))
    w.clock.ms += 1
    await say(w, 3, who(TWO))
    await say(w, 4, who(ONE, TWO))
    await say(w, 5, who(PHONE, ONE))
    assert len(await inbox(w)) == 1
    await w.record.parting.unmerge(middle["contact_id"], origin("undo"))
    assert await w.record.people.find(who(TWO)) == middle["contact_id"]
    assert await w.record.people.find(who(PHONE)) == oldest["contact_id"]
    assert sorted(len(each) for each in await shown(w)) == [2, 3]


STEPS = st.lists(
    st.one_of(
        st.lists(st.sampled_from([PHONE, WAID, ONE, TWO]), min_size=1, max_size=3, unique=True),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=25,
)


@given(steps=STEPS, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_messages_merges_and_unmerges_that_race_lose_and_split_nothing(
    steps: list[list[Alias] | int], seed: int
) -> None:
    async def race() -> None:
        dice = random.Random(seed)  # noqa: S311 - seeded conflicts
        w = world(contend=lambda _ops: dice.random() < 0.05)

        async def step(n: int, what: list[Alias] | int) -> Kept | None:
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            if isinstance(what, list):
                return await w.record.keeper.keep(
                    text(f"wamid.{n}", who=Person(tuple(what)), at_ms=NOON_MS + n)
                )
            gone = sorted(item["pk"] for item in await w.items("contacts") if "merged_into" in item)
            try:
                if gone:
                    await w.record.parting.unmerge(gone[what % len(gone)], origin(f"undo-{n}"))
            except NotMergedError:
                pass
            return None

        kept = [
            each for each in await asyncio.gather(*(step(n, each) for n, each in enumerate(steps))) if each
        ]
        assert {each.kind for each in kept} <= {"new"}
        await sound(w, {each.item_id for each in kept})

    asyncio.run(race())


async def sound(w: World, ids: set[str]) -> None:
    """Every message in exactly one thread, every person with one thread a number, every alias with an owner."""
    threads = await shown(w)
    assert sum(map(len, threads)) == len(ids)
    assert set().union(*threads) == ids
    roots = []
    for item in await inbox(w):
        root = await w.record.people.root(item["contact_id"])
        assert root is not None
        roots.append(root["pk"])
        assert "merged_into" not in item
    assert len(roots) == len(set(roots))
    contacts = {item["pk"]: item for item in await w.items("contacts") if item["sk"] == "-"}
    assert {item["contact_id"] for item in await w.items("aliases")} <= contacts.keys()
    listed = [item for item in await w.items("contacts") if item["sk"] != "-"]
    for item in await w.items("conversations"):
        root = await w.record.people.root(item["contact_id"])
        assert root is not None
        assert [1 for each in listed if (each["pk"], each["sk"]) == (root["pk"], item["pk"])] == [1]


@pytest.mark.parametrize("seed", range(4))
async def test_fifty_first_messages_merges_and_unmerges_at_once(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - seeded conflicts
    w = world(seed, contend=lambda _ops: dice.random() < 0.02 * seed)
    people = [who(PHONE), who(ONE), who(TWO, PHONE), who(ONE, WAID), who(TWO)]

    async def parted() -> None:
        for _ in range(12):
            await asyncio.sleep(0)
            for contact in sorted(item["pk"] for item in await w.items("contacts") if "merged_into" in item):
                try:
                    await w.record.parting.unmerge(contact, origin("undo"))
                except NotMergedError:
                    continue

    todo = (w.record.keeper.keep(text(f"wamid.{n}", who=people[n % 5], at_ms=NOON_MS + n)) for n in range(50))
    results = await asyncio.gather(parted(), *todo)
    kept = [each for each in results if each is not None]
    assert {each.kind for each in kept} == {"new"}
    await sound(w, {each.item_id for each in kept})
