"""The index from the keeper's side: one suite for the fake and for OpenSearch, with the indexer's own documents."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from services.ingest.keeper.adapters.memory import MemorySearch
from services.ingest.keeper.adapters.opensearch import OpenSearchPlace
from services.ingest.keeper.ports import Document, SearchPlace, SearchUnavailableError
from services.search.adapters.opensearch import OpenSearchIndex
from services.search.port import Write

pytestmark = pytest.mark.engines
KEPT_AT = 1_800_000_000_000  # 2027-01
MONTH = "2027.01"


def document(message_id: str, contact_id: str) -> dict[str, Any]:
    facts = {"message_id": message_id, "contact_id": contact_id, "conversation_id": f"c_{contact_id}"}
    return {**facts, "type": "text", "direction": "in", "rev": 3, "kept_at": KEPT_AT, "body": ["hola"]}


def thread(contact_id: str, name: str) -> dict[str, Any]:
    return {"conversation_id": f"c_{contact_id}", "contact_id": contact_id, "name": [name], "rev": 3}


class Memory:
    """The fake with its documents."""

    def __init__(self) -> None:
        self.place = MemorySearch()

    async def fill(self, messages: dict[str, str], named: list[str]) -> None:
        self.place.messages |= {name: (owner, 3) for name, owner in messages.items()}
        self.place.threads |= {f"c_{owner}": (owner, True) for owner in named}


class Real:
    """OpenSearch with documents as the indexer writes them."""

    def __init__(self, client: AsyncOpenSearch, prefix: str) -> None:
        self.place = OpenSearchPlace(client, prefix)
        self.index = OpenSearchIndex(client, prefix)

    async def fill(self, messages: dict[str, str], named: list[str]) -> None:
        writes = [
            Write("messages", name, 3, document(name, owner), MONTH) for name, owner in messages.items()
        ]
        writes += [Write("conversations", f"c_{owner}", 3, thread(owner, "Ana")) for owner in named]
        assert {outcome.status for outcome in await self.index.apply(writes)} == {"done"}


@pytest.fixture(params=["memory", "opensearch"])
async def stocked(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[Memory | Real]:
    if request.param == "memory":
        yield Memory()
        return
    address = request.getfixturevalue("opensearch")
    async with AsyncOpenSearch(hosts=[address], max_retries=0, timeout=30) as client:
        made = Real(client, prefix)
        await made.index.ensure(MONTH)
        yield made
        await client.indices.delete(index=f"{prefix}desk-msgs-{MONTH},{prefix}desk-convs")
        await client.indices.delete_index_template(name=f"{prefix}desk-msgs")


def asked(*names: str, rev: int = 3) -> list[Document]:
    return [Document(name, KEPT_AT, rev) for name in names]


async def lacking(place: SearchPlace, *names: str, rev: int = 3) -> set[str]:
    return {*await place.missing(asked(*names, rev=rev))}


async def test_a_person_is_forgotten_and_nobody_else(stocked: Memory | Real) -> None:
    await stocked.fill({"i_1": "p_1", "i_2": "p_1", "i_3": "p_2", "i_4": "p_3"}, ["p_1", "p_2"])
    assert await stocked.place.forget(["p_1", "p_3"]) == 4
    assert await stocked.place.forget(["p_1", "p_3"]) == 0
    assert await lacking(stocked.place, "i_1", "i_2", "i_3", "i_4") == {"i_1", "i_2", "i_4"}
    assert await stocked.place.forget(["p_2"]) == 2


async def test_what_is_missing_or_of_an_older_revision_is_named(stocked: Memory | Real) -> None:
    await stocked.fill({"i_1": "p_1"}, [])
    assert await lacking(stocked.place, "i_1", "i_9") == {"i_9"}
    assert await lacking(stocked.place, "i_1", rev=4) == {"i_1"}
    assert await lacking(stocked.place, "i_1", rev=2) == set()
    assert await lacking(stocked.place) == set()


async def test_what_is_removed_stays_out(stocked: Memory | Real) -> None:
    await stocked.fill({"i_1": "p_1", "i_2": "p_1"}, [])
    await stocked.place.remove(asked("i_1", "i_9"))
    await stocked.place.remove(asked("i_1"))
    assert await lacking(stocked.place, "i_1", "i_2") == {"i_1"}
    if isinstance(stocked, Real):  # the indexer with an event of before
        await stocked.index.apply([Write("messages", "i_1", 3, document("i_1", "p_1"), MONTH)])
        assert await lacking(stocked.place, "i_1") == {"i_1"}


async def test_an_index_that_was_never_made_holds_nobody(opensearch: str, prefix: str) -> None:
    async with AsyncOpenSearch(hosts=[opensearch], max_retries=0) as client:
        place = OpenSearchPlace(client, prefix)
        assert await place.forget(["p_1"]) == 0
        assert await lacking(place, "i_1") == {"i_1"}


async def test_an_engine_that_does_not_answer_is_unavailable() -> None:
    async with AsyncOpenSearch(hosts=["http://127.0.0.1:9"], max_retries=0) as client:
        place = OpenSearchPlace(client, "x-")
        for call in (place.forget(["p_1"]), place.missing(asked("i_1")), place.remove(asked("i_1"))):
            with pytest.raises(SearchUnavailableError):
                await call
