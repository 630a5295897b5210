import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.record.world import NOON_MS, World, reaction, text, world


async def filled(count: int) -> tuple[World, str, list[str]]:
    """A thread of messages, a reaction beside every third, and their order_keys."""
    w = world()
    keys: list[str] = []
    for n in range(count):
        kept = await w.record.keeper.keep(text(f"wamid.{n}", at_ms=NOON_MS + n * 1000))
        assert kept.message is not None
        keys.append(kept.message["sk"])
        if n % 3 == 0:
            await w.record.keeper.keep(reaction(f"wamid.r{n}", f"wamid.{n}", at_ms=NOON_MS + n * 1000 + 1))
    (conversation,) = await w.items("conversations")
    return w, conversation["pk"], keys


async def test_pages_walk_back_and_forth_over_every_message_once() -> None:
    w, cid, _ = await filled(25)
    newest = await w.record.reader.page(cid, limit=10)
    assert (newest.older, newest.newer) == (True, False)
    seen = [view.item["sk"] for view in newest.views]
    while newest.older:
        newest = await w.record.reader.page(cid, before=newest.views[0].item["sk"], limit=10)
        seen = [view.item["sk"] for view in newest.views] + seen
    back = list(seen)
    page = await w.record.reader.page(cid, after="0", limit=10)
    forth = [view.item["sk"] for view in page.views]
    while page.newer:
        page = await w.record.reader.page(cid, after=forth[-1], limit=10)
        forth += [view.item["sk"] for view in page.views]
    stored = sorted(i["sk"] for i in await w.items("messages") if "#" not in i["sk"])
    assert back == stored
    assert forth == stored


@given(at=st.integers(0, 24), limit=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_a_page_around_a_message_holds_it_and_its_neighbours(at: int, limit: int) -> None:
    async def look() -> None:
        w, cid, keys = await filled(25)
        page = await w.record.reader.page(cid, around=keys[at], limit=limit)
        stored = sorted(i["sk"] for i in await w.items("messages") if "#" not in i["sk"])
        found = [view.item["sk"] for view in page.views]
        first = stored.index(found[0])
        assert keys[at] in found
        assert found == stored[first : first + len(found)]
        assert len(found) <= limit
        assert page.older == (first > 0)
        assert page.newer == (first + len(found) < len(stored))

    asyncio.run(look())


async def test_children_are_folded_into_their_message() -> None:
    w, cid, keys = await filled(4)
    page = await w.record.reader.page(cid, limit=50)
    by_key = {view.item["sk"]: view for view in page.views}
    assert [len(by_key[key].reactions) for key in keys] == [1, 0, 0, 1]


async def test_only_the_last_reaction_of_a_person_counts() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1"))
    for n, emoji in enumerate(("👍", "❤", "")):
        await w.record.keeper.keep(reaction(f"wamid.r{n}", "wamid.1", emoji, at_ms=NOON_MS + n + 1))
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    (last,) = view.reactions
    assert (await w.record.reader.open(last)).message["reaction"]["emoji"] == ""
    assert view.item["rev"] == 4


async def test_what_is_not_there_is_none_or_empty() -> None:
    w = world()
    assert await w.record.reader.get_message("i_none") is None
    assert await w.record.reader.thread("c_none") is None
    assert (await w.record.reader.page("c_none")).views == ()
    assert await w.record.reader.contact("p_none") is None
