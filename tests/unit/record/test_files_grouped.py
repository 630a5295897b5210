"""A picture goes that others are grouped under: they stay a group, and nothing names it any more."""

from typing import Any

import pytest

from shared.media.origin import LIKE, like_sk, origin
from shared.objects.memory import MemoryObjects
from shared.record.files import GOING, Files, reference_sk
from shared.store.port import ContendedError, Put, Update
from tests.unit.ingest.crashing import CrashError, Fuse, Mortal
from tests.unit.record.world import World, world

A, B, C, D, Z = (letter * 64 for letter in "abcdf")


async def grouped(w: World, first: str, *others: str) -> None:
    """As services/media/similar.py joins them."""
    for n, sha in enumerate((first, *others)):
        known = await w.store.get("media", sha) or {"pk": sha, "sk": "-", "first_seen": n}
        await w.store.write(Put("media", known))
        ref = {"pk": sha, "sk": reference_sk(f"i_{sha[:4]}", 0), "conversation_id": f"c_{sha[:4]}", "at": n}
        await w.store.write(Put("media", ref))
        if sha != first:
            await w.store.write(Update("media", sha, "-", set={LIKE: first}))
            await w.store.write(Put("media", {"pk": first, "sk": like_sk(sha), "at": n}))


async def left(w: World, gone: str) -> bool:
    return any(gone in repr(item) for item in await w.items("media"))


async def release(w: World, sha: str, store: object = None) -> bool:
    files = Files(store or w.store, MemoryObjects("media"), w.clock, w.ids)  # type: ignore[arg-type] # may die on the way
    return await files.release(sha, f"i_{sha[:4]}", 0)


async def test_the_first_of_the_others_takes_its_place() -> None:
    w = world()
    await grouped(w, A, B, C, D)
    assert await release(w, A)
    assert not await left(w, A)
    for sha in (B, C, D):
        found = await origin(w.store, sha)
        assert found is not None
        assert found.variants == 3
    assert LIKE not in (await w.store.get("media", B) or {})


async def test_those_of_a_group_within_a_group_stay_in_the_outer_one() -> None:
    w = world()
    await grouped(w, A, B, C)
    await grouped(w, Z, A)
    assert await release(w, A)
    assert not await left(w, A)
    found = await origin(w.store, C)
    assert found is not None
    assert found.variants == 3


async def test_a_picture_that_is_none_s_first_leaves_the_group() -> None:
    w = world()
    await grouped(w, A, B, C)
    assert await release(w, B)
    assert not await left(w, B)
    found = await origin(w.store, C)
    assert found is not None
    assert found.variants == 2


async def test_who_joined_another_group_meanwhile_stays_there() -> None:
    w = world()
    await grouped(w, A, B, C)
    await grouped(w, Z, C)
    assert await release(w, A)
    assert not await left(w, A)
    assert (await w.store.get("media", C) or {})[LIKE] == Z


async def test_a_picture_that_is_going_inherits_nothing() -> None:
    w = world()
    await grouped(w, A, B, C, D)
    await w.store.write(Update("media", B, "-", set={GOING: 1}))
    assert await release(w, A)
    found = await origin(w.store, D)
    assert found is not None
    assert found.variants == 2
    assert (await w.store.get("media", D) or {})[LIKE] == C
    assert await release(w, B)
    assert not await left(w, B)


async def test_an_heir_that_goes_at_the_last_moment_is_told_from_one_that_stays() -> None:
    w = world()
    await grouped(w, A, B, C)
    transact = w.store.transact

    async def and_before(ops: Any, token: str) -> None:
        await w.store.write(Update("media", B, "-", set={GOING: 1}))
        await transact(ops, token)

    w.store.transact = and_before  # type: ignore[method-assign] # the moment between the choice and the move
    with pytest.raises(ContendedError):
        await release(w, A)
    assert await release(w, A)
    assert await release(w, B)
    assert not await left(w, A)
    assert not await left(w, B)
    assert LIKE not in (await w.store.get("media", C) or {})


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 26))
async def test_dying_anywhere_it_ends_the_same(at: int, after: bool) -> None:  # noqa: FBT001 - parametrized
    w = world()
    await grouped(w, A, B, C, D)
    try:
        await release(w, A, Mortal(w.store, Fuse(at, after=after)))
    except CrashError:
        assert await release(w, A)
    assert not await left(w, A)
    found = await origin(w.store, D)
    assert found is not None
    assert found.variants == 3
