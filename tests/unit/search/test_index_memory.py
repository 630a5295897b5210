"""The in-memory index passes the index suite."""

import pytest

from services.search.adapters.memory import MemoryIndex
from services.search.port import IndexUnavailableError, Query
from tests.unit.search.index_suite import IndexSuite


@pytest.fixture
def index() -> MemoryIndex:
    return MemoryIndex()


class TestMemoryIndex(IndexSuite):
    """The suite."""


async def test_an_unreachable_index_says_so(index: MemoryIndex) -> None:
    index.fail = True
    with pytest.raises(IndexUnavailableError):
        await index.search(Query(), 1)
    with pytest.raises(IndexUnavailableError):
        await index.apply([])
