"""The search endpoint as a caller meets it."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from services.search.api.finder import CHEAP_S
from services.search.port import Found, IndexTimeoutError, Query
from shared.store.port import Put, Update
from tests.unit.desk.test_desk_changes import SEES
from tests.unit.record.world import NOON_MS, person, text
from tests.unit.search.test_indexer import changed, edit, revoke
from tests.unit.search.world import World


@pytest.fixture
def w() -> World:
    return World()


@pytest.fixture
def client(w: World) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(w.app)
    return httpx.AsyncClient(transport=transport, base_url="http://api", headers=w.provider.headers("agent"))


async def search(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_hit_says_where_to_jump_and_what_was_said(w: World, client: httpx.AsyncClient) -> None:
    kept = await w.keep(text("wamid.1", "Sismo en Oaxaca", who=person(name="Ana")))
    body = await search(client, q="sismo")
    (hit,) = body["hits"]
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    assert (hit["message_id"], hit["conversation_id"], hit["order_key"]) == (
        kept.item_id,
        view.item["pk"],
        view.item["sk"],
    )
    assert hit["highlights"] == [{"field": "body", "html": "<mark>Sismo</mark> en Oaxaca"}]
    assert hit["at"] == "2027-01-15T08:00:00.000Z"
    assert hit["alias"].startswith("Fuente ")
    assert body["total"] == {"value": 1, "exact": True}
    assert body["cursor"] is None
    assert len(w.times.seen) == 1


async def test_nobody_searches_without_a_role(w: World) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(w.app), base_url="http://api") as stranger:
        assert (await stranger.get("/v1/search")).status_code == 401
        for role in ("ops", "machine"):
            answer = await stranger.get("/v1/search", headers=w.provider.headers(role))
            assert answer.status_code == 403


async def test_pages_follow_their_cursor_in_their_own_question_only(
    w: World, client: httpx.AsyncClient
) -> None:
    wanted = {(await w.keep(text(f"wamid.{n}", "igual", at_ms=NOON_MS + n * 1000))).item_id for n in range(7)}
    seen, cursor = [], None
    while True:
        body = await search(client, q="igual ", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [hit["message_id"] for hit in body["hits"]]
        if body["cursor"] is None:
            break
        cursor = body["cursor"]
    assert len(seen) == 7
    assert set(seen) == wanted
    other = await client.get("/v1/search", params={"q": "otra", "cursor": cursor})
    assert (other.status_code, other.json()["field"]) == (400, "cursor")


async def test_names_are_resolved_and_unknown_ones_find_nothing(w: World, client: httpx.AsyncClient) -> None:
    ana = await w.keep(text("wamid.1", "hola", who=person("5215511111111", name="Ana López")))
    await w.keep(text("wamid.2", "hola", who=person("5215522222222", name="Beto")))
    for q in ("hola de:ana", 'de:"ana lópez"', "de:lopez hola "):
        assert [hit["message_id"] for hit in (await search(client, q=q))["hits"]] == [ana.item_id], q
    assert (await search(client, q="hola de:nadie"))["hits"] == []


async def test_a_number_finds_its_person_and_its_mentions(w: World, client: httpx.AsyncClient) -> None:
    owner = await w.keep(text("wamid.1", "hola", who=person("5215511112222")))
    mention = await w.keep(text("wamid.2", "su tel es 55 1111 2222", who=person("5215533334444")))
    for q in ("5511112222", "+5215511112222", "525511112222"):
        found = {hit["message_id"] for hit in (await search(client, q=q))["hits"]}
        assert found == {owner.item_id, mention.item_id}, q
    assert (await search(client, q="551111222"))["hits"] == [], "exact only"


async def test_filters_of_the_address_narrow_the_question(w: World, client: httpx.AsyncClient) -> None:
    one = await w.keep(text("wamid.1", "agua"))
    view = await w.record.reader.get_message(one.item_id)
    assert view is not None
    assert len((await search(client, q="agua", conversation_id=view.item["pk"]))["hits"]) == 1
    assert (await search(client, q="agua", conversation_id="c_other"))["hits"] == []
    assert (await search(client, q="agua", type="image"))["hits"] == []
    assert (await search(client, q="agua tipo:foto", type="text"))["hits"] == []
    assert len((await search(client, q="agua", **{"from": "2027-01-15T08:00:00Z"}))["hits"]) == 1
    assert (await search(client, q="agua", to="2027-01-15T08:00:00Z"))["hits"] == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 51}, "limit"),
        ({"q": "x" * 10241}, "q"),
        ({"type": "nonsense"}, "type.0"),
        ({"from": "ayer"}, "from"),
        ({"from": "2027-01-15T08:00:00"}, "from"),
        ({"sort": "best"}, "sort"),
        ({"cursor": "!!"}, "cursor"),
    ],
)
async def test_wrong_parameters_are_named(
    client: httpx.AsyncClient, params: dict[str, Any], field: str
) -> None:
    answer = await client.get("/v1/search", params=params)
    assert answer.status_code in {400, 422}
    assert answer.json()["field"] == field
    assert answer.json()["remedy"]


async def test_a_protected_or_erased_message_is_no_hit_even_while_the_index_lags(
    w: World, client: httpx.AsyncClient
) -> None:
    kept = await w.keep(text("wamid.1", "secreto"))
    view = await w.record.reader.get_message(kept.item_id)
    assert view is not None
    item = view.item
    for table, pk, sk, flag in (
        ("conversations", item["pk"], "-", "protected"),
        ("contacts", item["contact_id"], "-", "protected"),
        ("messages", item["pk"], item["sk"], "erased"),
    ):
        await w.base.store.write(Update(table, pk, sk, set={flag: True}))
        assert (await search(client, q="secreto"))["hits"] == [], flag
        await w.base.store.write(Update(table, pk, sk, remove=[flag]))
        assert len((await search(client, q="secreto"))["hits"]) == 1


async def test_an_index_too_slow_is_asked_the_cheap_way(
    w: World, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await w.keep(text("wamid.1", "carretera"))
    real = w.index.search

    async def slow(
        query: Query, limit: int, after: Sequence[Any] | None = None, timeout_s: float = 1.0
    ) -> Found:
        if not query.cheap:
            raise IndexTimeoutError("late")
        assert timeout_s == CHEAP_S
        return await real(query, limit, after, timeout_s)

    monkeypatch.setattr(w.index, "search", slow)
    body = await search(client, q="carretera")
    assert body["degraded"] is True
    assert len(body["hits"]) == 1
    assert body["hits"][0]["highlights"] == []


async def test_an_index_that_is_down_is_a_problem_with_a_remedy(w: World, client: httpx.AsyncClient) -> None:
    w.index.fail = True
    answer = await client.get("/v1/search", params={"q": "x"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/search-unavailable"
    assert answer.headers["retry-after"] == "5"
    assert len(w.times.seen) == 1, "a failed search took time too"


async def test_html_of_a_stranger_comes_back_escaped(w: World, client: httpx.AsyncClient) -> None:
    await w.keep(text("wamid.1", '<script>alert(1)</script> sismo <mark onclick="x">'))
    html = (await search(client, q="sismo"))["hits"][0]["highlights"][0]["html"]
    assert html.replace("<mark>", "").replace("</mark>", "").count("<") == 0


async def test_terms_beyond_the_limit_are_told(client: httpx.AsyncClient) -> None:
    assert (await search(client, q="a " * 30))["dropped_terms"] == 6


class TestTakenBack:
    """What the desk's policy says of edited and deleted messages holds in search too, at once and to the count."""

    async def _say(self, w: World, **words: str) -> None:
        await w.base.store.write(Put("config", {"pk": "settings", "sk": "changes", "version": 1, **words}))

    async def _asked(self, w: World, role: str, q: str) -> tuple[int, list[str], str]:
        transport = httpx.ASGITransport(w.app)
        headers = w.provider.headers(role)
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
            body = await search(client, q=q)
        return body["total"]["value"], [hit["message_id"] for hit in body["hits"]], str(body["hits"])

    async def _told(self, w: World, message_id: str) -> None:
        view = await w.record.reader.get_message(message_id)
        assert view is not None
        await w.poke(changed(view.item))

    @pytest.mark.parametrize(
        ("word", "role", "sees"),
        SEES,
    )
    @pytest.mark.parametrize("indexed", [True, False])
    async def test_a_deleted_text(self, w: World, word: str, role: str, *, sees: bool, indexed: bool) -> None:
        kept = await w.keep(text("wamid.1", "fuente secreta"))
        if indexed:
            await w.keep(revoke("wamid.2", "wamid.1"))
            await self._told(w, kept.item_id)
        else:  # the index lags behind the record
            await w.record.keeper.keep(revoke("wamid.2", "wamid.1"))
        await self._say(w, revoked=word)
        expected = (1, [kept.item_id]) if sees else (0, [])
        for q in ("secreta ", "secre", '"fuente secreta"', "tipo:texto"):
            total, hits, shown = await self._asked(w, role, q)
            assert (total, hits) == expected, q
            assert sees or "secreta" not in shown

    @pytest.mark.parametrize(
        ("word", "role", "sees"),
        [
            ("keep", "agent", True),
            ("hide", "agent", False),
            ("hide", "admin", True),
            ("erase", "admin", False),
        ],
    )
    @pytest.mark.parametrize("indexed", [True, False])
    async def test_an_earlier_wording(
        self, w: World, word: str, role: str, *, sees: bool, indexed: bool
    ) -> None:
        kept = await w.keep(text("wamid.1", "fuente secreta"))
        if indexed:
            await w.keep(edit("wamid.2", "wamid.1", "fuente abierta"))
            await self._told(w, kept.item_id)
        else:
            await w.record.keeper.keep(edit("wamid.2", "wamid.1", "fuente abierta"))
        await self._say(w, edited=word)
        total, hits, shown = await self._asked(w, role, "secreta ")
        assert (total, hits) == ((1, [kept.item_id]) if sees else (0, []))
        assert sees or "secreta" not in shown
        if indexed:
            total, hits, shown = await self._asked(w, role, "fuente ")
            assert (total, hits) == (1, [kept.item_id]), "what it says now is found by everybody"
            assert sees or "secreta" not in shown
            assert (await self._asked(w, role, "secreta tipo:editado"))[1] == []

    async def test_a_change_of_the_policy_needs_no_new_index(self, w: World) -> None:
        kept = await w.keep(text("wamid.1", "fuente secreta"))
        await w.keep(revoke("wamid.2", "wamid.1"))
        await self._told(w, kept.item_id)
        for word, found in (("hide", []), ("keep", [kept.item_id]), ("hide", [])):
            await self._say(w, revoked=word)
            assert (await self._asked(w, "agent", "secreta "))[1] == found
