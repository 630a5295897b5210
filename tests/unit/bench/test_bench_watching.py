import asyncio
from collections.abc import Sequence

from bench.watching import Watching


class _Store:
    """Has a message from the given question on."""

    def __init__(self, there: dict[str, int]) -> None:
        self.there = there
        self.asked: list[list[str]] = []

    async def look(self, ids: Sequence[str]) -> list[str]:
        self.asked.append(list(ids))
        return [one for one in ids if self.there.get(one, 99) <= len(self.asked)]


async def _watched(store: _Store, *ids: str) -> Watching:
    eye = Watching(store.look, 0)
    for one in ids:
        eye.expect(one)
    task = asyncio.create_task(eye.run())
    async with asyncio.timeout(5):
        while len(store.asked) < 4 and eye.missing:  # noqa: ASYNC110 - turns of the loop, no time
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return eye


async def test_each_is_seen_when_it_is_there_and_not_asked_for_again() -> None:
    store = _Store({"a": 1, "b": 3})
    eye = await _watched(store, "a", "b")
    assert store.asked == [["a", "b"], ["b"], ["b"]]
    assert eye.seen["a"] <= eye.seen["b"]
    assert eye.missing == 0


async def test_what_never_comes_stays_missing() -> None:
    eye = await _watched(_Store({"a": 1}), "a", "never")
    assert (list(eye.seen), eye.missing) == (["a"], 1)


async def test_a_question_is_bounded() -> None:
    store = _Store({str(n): 1 for n in range(250)})
    eye = await _watched(store, *(str(n) for n in range(250)))
    assert [len(asked) for asked in store.asked] == [100, 100, 50]
    assert len(eye.seen) == 250
