"""Pictures near the same find one another, whoever comes first, and a group knows its first and its sources."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.ledger import GOING
from services.media.ports import Hashes
from services.media.similar import Index, Similar, near_entry
from shared.media.likeness import NEAR, distance, nearest
from shared.media.origin import LIKE, Origin, origin
from shared.store.port import Put, Update
from tests.unit.record.world import World, world

WORD = 0x0F0F_1234_5678_9ABC
WORDS = st.integers(0, 2**64 - 1)


def near(word: int, bits: int) -> Hashes:
    """A picture that many bits away, in all its hashes."""
    other = word ^ ((1 << bits) - 1)
    return Hashes((other,) * 3, (other,) * 3)


async def keep(w: World, sha: str, hashes: Hashes, contact: str = "p_1") -> None:
    """What the worker writes before it looks for others."""
    now = w.clock.now_ms()
    await w.store.write(Update("media", sha, "-", set={"first_seen": now, "mime": "image/jpeg"}))
    await w.store.write(near_entry(now, sha, hashes))
    reference = {"pk": sha, "sk": f"ref#i_{sha}#0", "conversation_id": "c", "contact_id": contact, "at": now}
    await w.store.write(Put("media", reference))
    w.clock.ms += 1000


def similar(w: World) -> Similar:
    return Similar(w.store, w.clock, w.ids)


async def test_a_near_picture_joins_the_first_one() -> None:
    w = world()
    await keep(w, "a", near(WORD, 0))
    await keep(w, "b", near(WORD, NEAR), "p_2")
    await keep(w, "c", near(~WORD & (2**64 - 1), 0), "p_3")
    task = similar(w)
    assert [
        await task.join(sha, hashes) for sha, hashes in (("a", near(WORD, 0)), ("b", near(WORD, NEAR)))
    ] == ["a", "a"]
    assert await task.join("c", near(~WORD & (2**64 - 1), 0)) == "c"
    known = await origin(w.store, "b")
    assert known == Origin(
        first_seen=w.clock.ms - 3000, first_message_id="i_a", sources=2, messages=2, variants=2
    )
    assert known == await origin(w.store, "a")
    assert (await origin(w.store, "c")) == Origin(w.clock.ms - 1000, "i_c", 1, 1, 1)


async def test_one_bit_more_than_the_threshold_is_another_picture() -> None:
    w = world()
    await keep(w, "a", near(WORD, 0))
    await keep(w, "b", near(WORD, NEAR + 1))
    assert await similar(w).join("b", near(WORD, NEAR + 1)) == "b"


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_two_that_come_at_once_cannot_miss_each_other(order: Sequence[str]) -> None:
    w = world()
    both = {"a": near(WORD, 0), "b": near(WORD, 3)}
    for sha, hashes in both.items():
        await keep(w, sha, hashes, f"p_{sha}")
    tasks = [similar(w) for _ in order]
    await asyncio.gather(*(task.join(sha, both[sha]) for task, sha in zip(tasks, order, strict=True)))
    known = await origin(w.store, "b")
    assert known is not None
    assert (known.sources, known.first_message_id) == (2, "i_a")


async def test_two_groups_that_turn_out_to_be_one_are_joined() -> None:
    w = world()
    left, right, middle = near(WORD, 0), near(WORD, 14), near(WORD, 7)
    for sha, hashes in (("a", left), ("b", right), ("m", middle)):
        await keep(w, sha, hashes, f"p_{sha}")
        await similar(w).join(sha, hashes)
    for sha in "abm":
        known = await origin(w.store, sha)
        assert known is not None
        assert (known.sources, known.first_message_id, known.variants) == (3, "i_a", 3)


async def test_a_picture_that_is_gone_is_near_to_none() -> None:
    w = world()
    await w.store.write(near_entry(w.clock.now_ms(), "gone", near(WORD, 0)))
    await keep(w, "b", near(WORD, 1))
    assert await similar(w).join("b", near(WORD, 1)) == "b"
    assert await origin(w.store, "gone") is None


@pytest.mark.parametrize("going", ["a", "b"])
async def test_a_picture_that_is_being_deleted_joins_nobody(going: str) -> None:
    w = world()
    for sha in "ab":
        await keep(w, sha, near(WORD, 0))
    await w.store.write(Update("media", going, "-", set={GOING: 1}))
    await similar(w).join("b", near(WORD, 0))
    assert not any(LIKE in repr(item) for item in await w.items("media"))


@pytest.mark.parametrize("going", ["a", "b"])
async def test_nor_does_one_that_is_marked_between_the_look_and_the_join(going: str) -> None:
    w = world()
    for sha in "ab":
        await keep(w, sha, near(WORD, 0))
    transact = w.store.transact

    async def and_before(ops: Any, token: str) -> None:
        await w.store.write(Update("media", going, "-", set={GOING: 1}))
        await transact(ops, token)

    w.store.transact = and_before  # type: ignore[method-assign] # that moment
    await similar(w).join("b", near(WORD, 0))
    assert not any(LIKE in repr(item) for item in await w.items("media"))


async def test_a_task_reads_on_what_others_added() -> None:
    w = world()
    task = similar(w)
    await keep(w, "a", near(WORD, 0))
    await task.join("a", near(WORD, 0))
    await keep(w, "b", near(WORD, 2))
    assert await task.join("b", near(WORD, 2)) == "a"


@given(st.lists(WORDS, max_size=40), WORDS)
def test_the_index_finds_what_counting_bits_finds(kept: list[int], wanted: int) -> None:
    index = Index()
    for number, word in enumerate(kept):
        index.add(str(number), b"".join(each.to_bytes(8, "big") for each in (word, word, word)))
    expected = {str(n) for n, word in enumerate(kept) if distance(word, wanted) <= NEAR}
    assert set(index.near([wanted])) == expected


def test_the_index_grows_beyond_its_first_rows() -> None:
    index = Index()
    for number in range(2_500):
        index.add(str(number), number.to_bytes(8, "big") * 3)
    index.add("7", (7).to_bytes(8, "big") * 3)
    assert index.near([2_499], most=0) == ["2499"]
    assert index.near([7], most=0) == ["7"]


def test_nothing_is_near_to_nothing() -> None:
    assert nearest([], [1]) == nearest([1], []) == 64
    assert Index().near([1]) == []
