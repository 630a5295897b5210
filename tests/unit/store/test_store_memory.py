"""The fake's hooks, on virtual time; its behaviour is in the contract suite."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.store.memory import MemoryStore
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Put,
    Update,
)
from sim.loop import run


def virtually(scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scene()

    run(0, main())


def test_a_token_is_forgotten_after_ten_minutes() -> None:
    async def scene() -> None:
        store = MemoryStore()
        ops = [Update("policy", "p", "-", add={"n": 1})]
        await store.transact(ops, "t")
        await asyncio.sleep(599)
        await store.transact(ops, "t")
        assert await store.get("policy", "p") == {"pk": "p", "sk": "-", "n": 1}
        await asyncio.sleep(2)
        await store.transact(ops, "t")
        assert await store.get("policy", "p") == {"pk": "p", "sk": "-", "n": 2}

    virtually(scene)


def test_contention_on_order_writes_nothing() -> None:
    async def scene() -> None:
        answers = iter([True, True, False])
        store = MemoryStore(contend=lambda _ops: next(answers))
        op = Put("ids", {"pk": "p", "sk": "-"}, absent=True)
        with pytest.raises(ContendedError):
            await store.transact([op], "t")
        with pytest.raises(ContendedError):
            await store.write(op)
        assert await store.get("ids", "p") is None
        await store.transact([op], "t")

    virtually(scene)


def test_a_global_index_may_lag_and_never_goes_back() -> None:
    async def scene() -> None:
        lags = iter([5.0, 0.0, 0.0])
        store = MemoryStore(lag_s=lambda: next(lags))

        async def seen() -> list[int]:
            page = await store.query("conversations", "desk", index="inbox")
            return [item["rev"] for item in page.items]

        for rev in (1, 2):
            item = {"pk": "c", "sk": "-", "inbox": "desk", "last_order_key": "k", "rev": rev}
            await store.write(Put("conversations", item))
        assert await seen() == []
        await asyncio.sleep(6)
        assert await seen() == [2]
        await store.write(Update("conversations", "c", "-", remove=["inbox"]))
        assert await seen() == []

    virtually(scene)


def test_ttl_removes_only_at_the_sweep() -> None:
    async def scene() -> None:
        store = MemoryStore()
        await store.write(Put("ids", {"pk": "wait", "sk": "-", "ttl": 100}))
        await store.write(Put("ids", {"pk": "later", "sk": "-", "ttl": 101}))
        await store.write(Put("ids", {"pk": "ever", "sk": "-"}))
        await store.write(Put("messages", {"pk": "m", "sk": "-", "ttl": 1}))
        assert await store.get("ids", "wait") is not None
        assert store.sweep(100) == 1
        assert await store.get("ids", "wait") is None
        assert await store.get("ids", "later") is not None
        assert await store.get("messages", "m") is not None

    virtually(scene)


def test_pages_end_by_themselves_too() -> None:
    async def scene() -> None:
        store = MemoryStore(page_items=2)
        for n in range(3):
            await store.write(Put("due", {"pk": "s", "sk": f"{n}"}))
        page = await store.query("due", "s")
        assert len(page.items) == 2
        rest = await store.query("due", "s", start=page.next)
        assert [item["sk"] for item in rest.items] == ["2"]
        assert rest.next is None

    virtually(scene)


@pytest.mark.parametrize("seed", range(5))
def test_every_call_gives_way_so_that_read_then_write_races_show(seed: int) -> None:
    async def main() -> int:
        store = MemoryStore()
        await store.write(Put("policy", {"pk": "p", "sk": "-", "n": 0}))

        async def careless() -> None:
            item = await store.get("policy", "p")
            assert item is not None
            await store.write(Update("policy", "p", "-", set={"n": item["n"] + 1}))

        async def careful() -> None:
            while True:
                item = await store.get("policy", "p")
                assert item is not None
                as_read = Attr("m").eq(item["m"]) if "m" in item else Attr("m").not_exists()
                try:
                    await store.write(Update("policy", "p", "-", add={"m": 1}, condition=as_read))
                except ConditionFailedError:
                    continue
                return

        await asyncio.gather(*(careless() for _ in range(20)), *(careful() for _ in range(20)))
        found = await store.get("policy", "p")
        assert found is not None
        assert found["m"] == 20
        return int(found["n"])

    assert run(seed, main())[0] < 20


def test_an_unknown_table_or_index_is_a_mistake() -> None:
    async def scene() -> None:
        store = MemoryStore()
        with pytest.raises(KeyError):
            await store.get("nowhere", "p")
        with pytest.raises(KeyError):
            await store.query("messages", "p", index="owed")

    virtually(scene)
