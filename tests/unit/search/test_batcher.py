"""Many handlers, few bulks; and each handler learns how its own write ended."""

import asyncio
from collections.abc import Sequence

import pytest

from services.search.adapters.memory import MemoryIndex
from services.search.batcher import MAX_WRITES, Batcher
from services.search.port import Outcome, Write
from shared.errors import Poison, RetryAfter
from tests.unit.search.index_suite import doc, put


class Strict(MemoryIndex):
    """Rejects and refuses by message_id, as OpenSearch does by document and load."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        super().__init__()
        self._outcomes = outcomes

    async def apply(self, writes: Sequence[Write]) -> list[Outcome]:
        done = await super().apply(writes)
        return [self._outcomes.get(write.id, outcome) for write, outcome in zip(writes, done, strict=True)]


async def test_what_comes_together_goes_in_one_bulk() -> None:
    index = MemoryIndex()
    batcher = Batcher(index, linger_s=0.01)
    await asyncio.gather(*(batcher.write([put(doc("x"))]) for _ in range(40)))
    assert index.batches == [40]


async def test_a_full_batch_does_not_linger() -> None:
    index = MemoryIndex()
    batcher = Batcher(index, linger_s=3600)
    await asyncio.gather(*(batcher.write([put(doc("x"))]) for _ in range(MAX_WRITES)))
    assert index.batches == [MAX_WRITES]


async def test_big_documents_go_early() -> None:
    index = MemoryIndex()
    batcher = Batcher(index, linger_s=3600)
    await asyncio.gather(*(batcher.write([put(doc("x" * 1_000_000))]) for _ in range(5)))
    assert index.batches == [5]


async def test_each_handler_learns_of_its_own_write() -> None:
    bad, busy, good = doc("x"), doc("x"), doc("x")
    index = Strict(
        {
            bad["message_id"]: Outcome("rejected", "mapper_parsing_exception"),
            busy["message_id"]: Outcome("retry", "429"),
        }
    )
    batcher = Batcher(index, linger_s=0.01)
    results = await asyncio.gather(
        *(batcher.write([put(each)]) for each in (bad, busy, good)), return_exceptions=True
    )
    assert [type(each) for each in results] == [Poison, RetryAfter, type(None)]
    assert "x" not in str(results[0]).replace("index", "").replace("exception", "")


async def test_an_unreachable_index_makes_all_wait_and_then_work() -> None:
    index = MemoryIndex()
    index.fail = True
    batcher = Batcher(index, linger_s=0.01)
    results = await asyncio.gather(
        *(batcher.write([put(doc("x"))]) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(each, RetryAfter) for each in results)
    index.fail = False
    await batcher.write([put(doc("x"))])


async def test_a_defect_reaches_every_handler() -> None:
    class Broken(MemoryIndex):
        async def apply(self, writes: Sequence[Write]) -> list[Outcome]:
            raise LookupError(len(writes))

    batcher = Batcher(Broken(), linger_s=0.01)
    results = await asyncio.gather(
        *(batcher.write([put(doc("x"))]) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(each, LookupError) for each in results)


async def test_a_cancelled_handler_leaves_the_others_unharmed() -> None:
    index = MemoryIndex()
    batcher = Batcher(index, linger_s=0.01)
    lost = asyncio.ensure_future(batcher.write([put(doc("x"))]))
    kept = asyncio.ensure_future(batcher.write([put(doc("x"))]))
    await asyncio.sleep(0)
    lost.cancel()
    await kept
    with pytest.raises(asyncio.CancelledError):
        await lost


async def test_nothing_to_write_is_no_bulk() -> None:
    index = MemoryIndex()
    await Batcher(index).write([])
    assert index.batches == []
