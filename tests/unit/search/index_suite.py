"""What every index must do; run on the fake here and on a real OpenSearch in tests/integration."""

import itertools
from dataclasses import replace
from typing import Any

from services.search.port import Found, Index, Query, Write
from services.search.query import parse

MONTHS = ("2026.10", "2026.11")
_counter = itertools.count(1)


def doc(text: str = "", **changed: Any) -> dict[str, Any]:
    """A message document with its words in `body`."""
    number = next(_counter)
    base: dict[str, Any] = {
        "message_id": f"i_{number:05d}",
        "conversation_id": "c_1",
        "contact_id": "p_1",
        "order_key": f"1800000000.{number:020d}.abcdef",
        "pnid": "111",
        "type": "text",
        "direction": "in",
        "source": "live",
        "flags": [],
        "rev": 1,
        "ts": 1_800_000_000_000 + number,
        "kept_at": 1_800_000_000_000,
        "media_types": [],
    }
    return {**base, **({"body": [text]} if text else {}), **changed}


def put(document: dict[str, Any], version: int = 1, month: str = MONTHS[1], *, again: bool = False) -> Write:
    return Write("messages", document["message_id"], version, {**document, "rev": version}, month, again)


async def ids(index: Index, query: Query) -> list[str]:
    return [hit.facts["message_id"] for hit in (await index.search(query, 50)).hits]


async def found(index: Index, text: str) -> list[str]:
    return sorted(await ids(index, parse(text).query))


class IndexSuite:
    """Each test gets `index`, empty and ensured for both MONTHS."""

    async def _fill(self, index: Index, *documents: dict[str, Any]) -> list[str]:
        outcomes = await index.apply([put(each) for each in documents])
        assert [each.status for each in outcomes] == ["done"] * len(documents)
        await index.refresh()
        return [each["message_id"] for each in documents]

    async def test_ensuring_again_is_no_error(self, index: Index) -> None:
        await index.ensure(MONTHS[1])

    async def test_what_is_written_is_read_back_whole(self, index: Index) -> None:
        document = doc("hola", hashtags=["cdmx"])
        await self._fill(index, document)
        assert await index.get("messages", document["message_id"]) == (1, document)
        assert await index.get("messages", "i_none") is None

    async def test_an_older_revision_never_wins(self, index: Index) -> None:
        new, old = doc("nuevo"), {}
        old = {**new, "body": ["viejo"]}
        await index.apply([put(new, 7)])
        assert [each.status for each in await index.apply([put(old, 6), put(old, 7)])] == ["done", "done"]
        stored = await index.get("messages", new["message_id"])
        assert stored is not None
        assert (stored[0], stored[1]["body"]) == (7, ["nuevo"])

    async def test_again_overwrites_an_equal_revision_but_not_a_newer_one(self, index: Index) -> None:
        document = doc("claro")
        await index.apply([put(document, 5)])
        await index.apply([put({**document, "body": ["oculto"]}, 5, again=True)])
        await index.apply([put({**document, "body": ["tarde"]}, 4, again=True)])
        stored = await index.get("messages", document["message_id"])
        assert stored is not None
        assert stored[1]["body"] == ["oculto"]

    async def test_a_deleted_message_stays_deleted(self, index: Index) -> None:
        document = doc("adiós")
        await index.apply([put(document, 3, MONTHS[0])])
        gone = Write("messages", document["message_id"], 4, again=True)
        assert [each.status for each in await index.apply([gone, gone])] == ["done", "done"]
        await index.apply([put(document, 3, MONTHS[0])])
        assert await index.get("messages", document["message_id"]) is None

    async def test_a_message_never_indexed_can_be_deleted(self, index: Index) -> None:
        outcomes = await index.apply([Write("messages", "i_unknown", 2, again=True)])
        assert [each.status for each in outcomes] == ["done"]

    async def test_forgetting_a_person_takes_every_message_in_every_month(self, index: Index) -> None:
        theirs, others = [doc("uno"), doc("dos")], doc("tres", contact_id="p_2")
        await index.apply([put(theirs[0], month=MONTHS[0]), put(theirs[1]), put(others)])
        await index.forget("p_1")
        await index.refresh()
        assert await ids(index, Query()) == [others["message_id"]]

    async def test_accents_and_case_do_not_matter(self, index: Index) -> None:
        (one,) = await self._fill(index, doc("La INUNDACIÓN en Álvaro Obregón"))
        for text in ("inundacion", "INUNDACIÓN", "alvaro obregon", "Álvaro "):
            assert await found(index, text) == [one], text

    async def test_every_word_must_stand_but_anywhere(self, index: Index) -> None:
        both, _ = await self._fill(index, doc("agua y luz"), doc("solo agua"))
        assert await found(index, "luz agua ") == [both]

    async def test_a_phrase_stands_as_written(self, index: Index) -> None:
        one, _ = await self._fill(index, doc("la que manda aquí"), doc("manda la que puede"))
        assert await found(index, '"la que manda"') == [one]

    async def test_an_excluded_word_keeps_out(self, index: Index) -> None:
        dry, _ = await self._fill(index, doc("calle seca"), doc("calle inundada"))
        assert await found(index, "calle -inundada ") == [dry]

    async def test_the_last_word_may_be_unfinished(self, index: Index) -> None:
        one, _ = await self._fill(index, doc("fotografías del puente"), doc("nada"))
        assert await found(index, "del foto") == [one]
        assert await found(index, "foto ") == []

    async def test_words_of_captions_files_places_and_cards_count(self, index: Index) -> None:
        for place in ("caption", "filename", "place", "cards", "transcript", "ocr"):
            (one,) = await self._fill(index, doc("", **{place: [f"zacatecas{place}"]}))
            assert await found(index, f"zacatecas{place} ") == [one]

    async def test_keywords_filters_and_bounds(self, index: Index) -> None:
        one, two = await self._fill(
            index,
            doc("a", hashtags=["sismo"], phones=["525598765432", "5598765432"], ts=1_796_083_200_000),
            doc("a", type="image", direction="out", conversation_id="c_2", ts=1_796_169_600_000),
        )
        assert await found(index, "#Sismo") == [one]
        assert await found(index, "55 9876 5432") == []
        assert await found(index, "5598765432") == [one]
        assert await ids(index, Query(phones=("5500000000",), owned=("c_2",))) == [two]
        assert await ids(index, Query(types=("image",))) == [two]
        assert await ids(index, Query(directions=("in",))) == [one]
        assert await ids(index, Query(conversation_ids=("c_2",))) == [two]
        assert await ids(index, Query(conversation_ids=())) == []
        assert await ids(index, Query(from_ms=1_796_169_600_000)) == [two]
        assert await ids(index, Query(to_ms=1_796_169_600_000)) == [one]

    async def test_reactions_edits_and_revokes_show_only_when_asked_for(self, index: Index) -> None:
        one, reaction = await self._fill(index, doc("eco"), doc("eco", type="reaction"))
        assert await found(index, "eco ") == [one]
        assert await ids(index, Query(types=("reaction",))) == [reaction]

    async def test_earlier_wordings_are_found_only_by_who_may_search_them(self, index: Index) -> None:
        said = {
            "former": ["la carta secreta"],
            "former_hashtags": ["oculto"],
            "former_phones": ["5598765432"],
        }
        (one,) = await self._fill(index, doc("la carta abierta", **said))
        questions = ("secreta ", '"carta secreta"', "secre", "#oculto", "5598765432")
        for text in questions:
            assert await found(index, text) == [one], text
            assert await ids(index, replace(parse(text).query, former=False)) == [], text
        (hit,) = (await index.search(parse("secreta ").query, 5)).hits
        assert "<mark>secreta</mark>" in "".join(hit.highlights["former"])
        blind = replace(parse("carta ").query, former=False)
        page = await index.search(blind, 5)
        assert (page.total, list(page.hits[0].highlights)) == (1, ["body"])
        for cheap in (True, False):
            query = replace(parse("secreta ").query, former=False, cheap=cheap, fuzzy=not cheap)
            assert await ids(index, query) == [], cheap
        assert await ids(index, replace(parse("abierta -secreta ").query, former=False)) == [one]

    async def test_deleted_messages_are_found_only_by_who_may_know_of_them(self, index: Index) -> None:
        gone, left = await self._fill(index, doc("agua", revoked=True), doc("agua"))
        assert await found(index, "agua ") == sorted([gone, left])
        page = await index.search(replace(parse("agua ").query, revoked=False), 5)
        assert ([hit.facts["message_id"] for hit in page.hits], page.total) == ([left], 1)
        assert await ids(index, Query(revoked=False)) == [left]

    async def test_the_protected_are_never_found(self, index: Index) -> None:
        await self._fill(index, doc(protected=True))
        assert await ids(index, Query()) == []
        assert await ids(index, Query(conversation_ids=("c_1",))) == []

    async def test_pages_neither_skip_nor_repeat(self, index: Index) -> None:
        wanted = await self._fill(index, *[doc("igual", ts=1_800_000_000_000 + n // 3) for n in range(25)])
        for sort in ("newest", "relevance"):
            seen: list[str] = []
            query, after = Query(words=("igual",), sort=sort), None
            while True:
                page: Found = await index.search(query, 7, after)
                seen += [hit.facts["message_id"] for hit in page.hits]
                assert (page.total, page.exact) == (25, True)
                if page.after is None:
                    break
                after = page.after
            assert sorted(seen) == sorted(wanted)

    async def test_newest_first(self, index: Index) -> None:
        old, new = await self._fill(index, doc("x", ts=1), doc("x", ts=2))
        assert await ids(index, Query(words=("x",), sort="newest")) == [new, old]

    async def test_highlights_are_marked_and_a_strangers_html_is_escaped(self, index: Index) -> None:
        await self._fill(index, doc('<img src=x onerror="alert(1)"> sismo </mark><script>alert(2)</script>'))
        (hit,) = (await index.search(parse("sismo ").query, 5)).hits
        (fragment,) = hit.highlights["body"]
        assert "<mark>sismo</mark>" in fragment
        plain = fragment.replace("<mark>sismo</mark>", "")
        assert "<" not in plain
        assert "&lt;script&gt;" in plain

    async def test_highlights_of_phrases_and_unfinished_words(self, index: Index) -> None:
        await self._fill(index, doc("vimos al gobernador anoche"))
        for text, marked in (('"gobernador anoche"', "anoche"), ("goberna", "gobernador")):
            (hit,) = (await index.search(parse(text).query, 5)).hits
            assert f"<mark>{marked}</mark>" in "".join(hit.highlights["body"])

    async def test_the_cheap_way_finds_the_same_words_without_highlights(self, index: Index) -> None:
        (one,) = await self._fill(index, doc("carretera cerrada"))
        page = await index.search(Query(words=("carretera",), cheap=True), 5)
        assert [hit.facts["message_id"] for hit in page.hits] == [one]
        assert page.hits[0].highlights == {}

    async def test_conversations_are_found_by_alias_name_and_tag(self, index: Index) -> None:
        threads = [
            {
                "conversation_id": "c_1",
                "pnid": "1",
                "alias": "Fuente ABCDE",
                "name": ["Ana López"],
                "tags": ["sismo"],
                "rev": 1,
            },
            {"conversation_id": "c_2", "pnid": "1", "alias": "Fuente FGHIJ", "protected": True, "rev": 1},
        ]
        await index.apply([Write("conversations", str(each["conversation_id"]), 1, each) for each in threads])
        await index.refresh()
        assert await index.resolve("ana lop") == ["c_1"]
        assert await index.resolve("lópez") == ["c_1"]
        assert await index.resolve("Sismo") == ["c_1"]
        assert await index.resolve("FGHIJ") == ["c_2"]
        assert await index.resolve("fuente") == ["c_1", "c_2"]
        assert await index.resolve("nadie") == []

    async def test_odd_questions_are_answered(self, index: Index) -> None:
        await self._fill(index, doc("nada"))
        for text in ('"', "((", "* ?", "\\", "a:b:c", "🔥", "x" * 10240, "-- - -", "{}", "\u202e", "<mark>"):
            page = await index.search(parse(text).query, 5)
            assert page.total <= 1

    async def test_a_question_for_nothing_in_an_empty_index(self, index: Index) -> None:
        page = await index.search(Query(words=("nada",)), 5)
        assert (list(page.hits), page.total, page.after) == ([], 0, None)
