import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.record.inbound import Alias, Person
from shared.store.port import Delete, Put
from tests.unit.record.world import NOON_MS, World, origin, person, text, world

KEYS = (
    Alias("waid", "5215512345678"),
    Alias("phone", "525512345678"),
    Alias("bsuid", "portfolio:MX.1"),
    Alias("waid", "525512345678"),
)
SUBSETS = st.lists(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True), min_size=1, max_size=8
)


async def contacts(w: World) -> list[str]:
    return [item["pk"] for item in await w.items("contacts") if item["sk"] == "-"]


async def roots(w: World) -> set[str]:
    found = [await w.record.people.root(contact) for contact in await contacts(w)]
    return {root["pk"] for root in found if root}


@given(subsets=SUBSETS, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_whatever_keys_come_first_all_of_them_end_as_one_person(
    subsets: list[list[Alias]], seed: int
) -> None:
    async def meet() -> None:
        dice = random.Random(seed)  # noqa: S311 - seeded conflicts
        w = world(contend=lambda _ops: dice.random() < 0.1)
        people = [Person(tuple(each)) for each in subsets]
        await asyncio.gather(*(w.record.people.resolve(each, origin()) for each in people))
        last = await w.record.people.resolve(Person(KEYS), origin())
        assert await roots(w) == {last.contact_id}
        assert len(await w.items("aliases")) == len(KEYS)
        assert len(await w.items("contact_keys")) == len(await contacts(w))

    asyncio.run(meet())


async def test_messages_during_a_merge_all_end_in_one_thread() -> None:
    w = world()
    one, two = person("5215511111111"), Person((Alias("bsuid", "portfolio:MX.2"),), {"user_id": "MX.2"})
    both = Person((*one.aliases, *two.aliases))
    todo = [text(f"wamid.{n}", who=(one, two, both)[n % 3], at_ms=NOON_MS + n) for n in range(30)]
    kept = await asyncio.gather(*(w.record.keeper.keep(each) for each in todo))
    assert {each.kind for each in kept} == {"new"}
    (root,) = await roots(w)
    for each in kept:
        assert each.message is not None
        page = await w.record.reader.page(each.message["pk"], limit=200)
        assert len(page.views) == 30
    shown = [item for item in await w.items("conversations") if "inbox" in item]
    assert len(shown) == 1
    thread = await w.record.reader.thread(shown[0]["pk"])
    assert thread is not None
    assert thread.unread == 30
    assert root == min(await contacts(w))


async def test_the_newest_name_wins_whatever_order_the_sightings_come_in() -> None:
    for order in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        w = world()
        for at in order:
            message = text(f"wamid.{at}", who=person(name=f"Ana {at}"), at_ms=NOON_MS + at)
            await w.record.keeper.keep(message)
        (contact,) = await contacts(w)
        found = await w.record.reader.contact(contact)
        assert found is not None
        assert found[1]["name"] == "Ana 3"


async def test_a_new_name_raises_the_threads_revision_and_stands_in_the_outbox() -> None:
    w = world()
    first = await w.record.keeper.keep(text("wamid.1", who=person(name="Ana")))
    assert first.message is not None
    before = await w.store.get("conversations", first.message["pk"])
    second = await w.record.keeper.keep(text("wamid.2", who=person(name="Ana M."), at_ms=NOON_MS + 5))
    after = await w.store.get("conversations", first.message["pk"])
    assert before is not None
    assert after is not None
    assert after["rev"] == before["rev"] + 2  # the name, and the message
    assert [event.type for event in second.events if event.id in {op.set["id"] for op in second.owed}] == [
        "desk.contact.changed.v1"
    ]


async def test_an_alias_of_a_vanished_contact_is_taken_over() -> None:
    w = world()
    first = await w.record.people.resolve(person(), origin())
    await w.store.write(Delete("contacts", first.contact_id, "-"))
    second = await w.record.people.resolve(person(), origin())
    assert second.contact_id != first.contact_id
    assert {item["contact_id"] for item in await w.items("aliases")} == {second.contact_id}


async def test_what_is_sealed_under_a_destroyed_key_reads_as_erased() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1"))
    assert kept.message is not None
    (key,) = await w.items("contact_keys")
    await w.store.write(Put("contact_keys", {"pk": key["pk"], "sk": "-", "destroyed_at": NOON_MS}))
    w.record.sealing._keys.forget(key["pk"])
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    assert (await w.record.reader.open(view.item)).erased
    again = await w.record.keeper.keep(text("wamid.2"))
    assert (again.kind, again.events) == ("erased", ())
