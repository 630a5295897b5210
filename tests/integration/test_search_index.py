"""OpenSearch passes the index suite; what only its analyzers do stands below."""

import copy
from collections.abc import AsyncIterator

import pytest
from opensearchpy import AsyncOpenSearch

from services.search import mapping
from services.search.adapters.opensearch import OpenSearchIndex
from services.search.port import IndexTimeoutError, IndexUnavailableError, Query, Write
from services.search.query import parse
from tests.unit.search.index_suite import MONTHS, IndexSuite, doc, found, ids, put

pytestmark = pytest.mark.engines


@pytest.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    async with AsyncOpenSearch(hosts=[opensearch], max_retries=0, timeout=30) as opened:
        yield opened


@pytest.fixture
async def index(client: AsyncOpenSearch, prefix: str) -> AsyncIterator[OpenSearchIndex]:
    made = OpenSearchIndex(client, prefix)
    for month in MONTHS:
        await made.ensure(month)
    yield made
    await client.indices.delete(
        index=f"{prefix}desk-msgs-2026.10,{prefix}desk-msgs-2026.11,{prefix}desk-convs"
    )
    await client.indices.delete_index_template(name=f"{prefix}desk-msgs")


class TestOpenSearchIndex(IndexSuite):
    """The suite."""

    async def test_spanish_words_are_found_in_their_other_forms(self, index: OpenSearchIndex) -> None:
        (one,) = await self._fill(index, doc("Las autoridades publicaron fotografías de los heridos"))
        for text in ("fotografia ", "herido ", "autoridad ", "publicó ", "publicar "):
            assert await found(index, text) == [one], text

    async def test_the_written_form_ranks_above_its_relatives(self, index: OpenSearchIndex) -> None:
        exact, _ = await self._fill(index, doc("peña"), doc("pena"))
        assert (await ids(index, parse("peña ").query))[0] == exact

    async def test_typing_errors_are_forgiven_when_asked(self, index: OpenSearchIndex) -> None:
        (one,) = await self._fill(index, doc("terremoto en Oaxaca"))
        assert await ids(index, Query(words=("teremoto",))) == []
        assert await ids(index, Query(words=("teremoto", "oaxaka"), fuzzy=True)) == [one]

    async def test_a_stop_word_in_a_phrase_counts(self, index: OpenSearchIndex) -> None:
        (one,) = await self._fill(index, doc("también la de ayer"))
        assert await found(index, '"la de ayer"') == [one]
        assert await found(index, "tambien ") == [one]

    async def test_a_new_month_needs_no_preparation(
        self, index: OpenSearchIndex, client: AsyncOpenSearch
    ) -> None:
        document = doc("sismo")
        (outcome,) = await index.apply([put(document, month="2027.01")])
        await index.refresh()
        try:
            assert outcome.status == "done"
            assert await found(index, "sismo ") == [document["message_id"]]
        finally:
            name = next(each for each in await index._months() if each.endswith("2027.01"))
            await client.indices.delete(index=name)

    async def test_an_index_of_an_earlier_version_learns_the_fields_that_came_since(
        self, index: OpenSearchIndex, client: AsyncOpenSearch, prefix: str
    ) -> None:
        name = f"{prefix}desk-msgs-2026.09"
        template = copy.deepcopy(mapping.messages_template(name, f"{prefix}desk-msgs")["template"])
        for field in ("former", "former_hashtags", "former_phones", "revoked"):
            del template["mappings"]["properties"][field]
        await client.indices.delete_index_template(name=f"{prefix}desk-msgs")
        await client.indices.create(index=name, body=template)
        try:
            await index.ensure(MONTHS[1])
            document = doc("abierta", former=["secreta"], former_hashtags=["x"], revoked=True)
            (outcome,) = await index.apply([put(document, month="2026.09")])
            await index.refresh()
            assert outcome.status == "done"
            assert await found(index, "secreta ") == [document["message_id"]]
        finally:
            await client.indices.delete(index=name)

    async def test_a_document_of_a_wrong_shape_is_rejected_alone(self, index: OpenSearchIndex) -> None:
        bad, good = put(doc("x", unknown_field="y")), put(doc("x"))
        outcomes = await index.apply([bad, good])
        assert [each.status for each in outcomes] == ["rejected", "done"]
        assert outcomes[0].reason == "strict_dynamic_mapping_exception"


async def test_nobody_listening_is_unavailable() -> None:
    async with AsyncOpenSearch(hosts=["http://127.0.0.1:9"], max_retries=0, timeout=2) as client:
        index = OpenSearchIndex(client, "x-")
        with pytest.raises(IndexUnavailableError):
            await index.apply([Write("messages", "i_1", 1, doc("x"), MONTHS[0])])
        with pytest.raises(IndexUnavailableError):
            await index.search(Query(), 1)


async def test_no_time_left_is_a_timeout(client: AsyncOpenSearch, prefix: str) -> None:
    with pytest.raises(IndexTimeoutError):
        await OpenSearchIndex(client, prefix).search(Query(words=("x",)), 1, timeout_s=-0.2)
