"""A parsed question as OpenSearch's query language. Terms only ever stand as values, never as syntax."""

from collections.abc import Sequence
from typing import Any

from services.search.fold import fold
from services.search.mapping import FORMER, TEXT_FIELDS
from services.search.port import Query

SILENT_TYPES = ("reaction", "edit", "revoke")  # shown on the message they speak about
COUNTED = 1000  # hits counted exactly; beyond it "more than"
_WEIGHT = {
    "body": 1.0,
    "caption": 1.0,
    "filename": 0.8,
    "place": 0.8,
    "cards": 0.8,
    "transcript": 0.7,
    "ocr": 0.4,
    FORMER: 0.5,
}
_FORM = {"": 1.0, ".exact": 3.0, ".verb": 0.5, ".raw": 0.5}
FACTS = ("message_id", "conversation_id", "contact_id", "order_key", "ts", "type", "direction", "rev")


def body(query: Query, limit: int, after: Sequence[Any] | None, timeout_s: float) -> dict[str, Any]:
    """The request body of one page."""
    request: dict[str, Any] = {
        "size": limit,
        "timeout": f"{int(timeout_s * 1000)}ms",
        "track_total_hits": COUNTED,
        "_source": list(FACTS),
        "query": {"bool": _bool(query)},
        "sort": _order(query),
    }
    if not query.cheap:
        request["highlight"] = _highlight(query)
    return request if after is None else {**request, "search_after": list(after)}


def _bool(query: Query) -> dict[str, Any]:
    must = [_word(word, query) for word in query.words]
    must += [_phrase(phrase, query) for phrase in query.phrases]
    if query.prefix is not None:
        must.append(_prefix(query.prefix, query))
    return {"must": must, "filter": _filters(query), "must_not": _excluded(query)}


def searched(query: Query) -> tuple[str, ...]:
    """The fields whose words a question is compared with."""
    return (*TEXT_FIELDS, FORMER) if query.former else TEXT_FIELDS


def _fields(query: Query, *forms: str) -> list[str]:
    return [f"{name}{form}^{_WEIGHT[name] * _FORM[form]:g}" for name in searched(query) for form in forms]


def _word(word: str, query: Query) -> dict[str, Any]:
    if query.fuzzy:
        forgiving = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 30}
        return _match(word, _fields(query, ".exact"), operator="and", **forgiving)
    fields = _fields(query, ".exact") if query.cheap else _fields(query, "", ".exact", ".verb", ".raw")
    return _match(word, fields, operator="and", type="most_fields")  # a form that also fits adds to the score


def _phrase(phrase: str, query: Query) -> dict[str, Any]:
    return _match(phrase, _fields(query, ".exact", ".raw"), type="phrase")


def _prefix(word: str, query: Query) -> dict[str, Any]:
    begun = _match(word, _fields(query, ".exact"), type="bool_prefix", operator="and")
    return {"bool": {"should": [_word(word, query), begun], "minimum_should_match": 1}}


def _match(text: str, fields: list[str], **options: Any) -> dict[str, Any]:
    return {"multi_match": {"query": text, "fields": fields, "type": "best_fields", **options}}


def _filters(query: Query) -> list[dict[str, Any]]:
    terms = [_any(_keyword("hashtags", [tag], query)) for tag in query.hashtags]
    if query.phones:
        owned = {"terms": {"conversation_id": list(query.owned)}}
        terms.append(_any([*_keyword("phones", query.phones, query), owned]))
    for field, allowed in (
        ("conversation_id", query.conversation_ids),
        ("type", query.types or None),
        ("direction", query.directions or None),
    ):
        if allowed is not None:
            terms.append({"terms": {field: list(allowed)}})
    bounds = {name: at for name, at in (("gte", query.from_ms), ("lt", query.to_ms)) if at is not None}
    return [*terms, {"range": {"ts": bounds}}] if bounds else terms


def _keyword(field: str, values: Sequence[str], query: Query) -> list[dict[str, Any]]:
    """The values in what a message says, and in what it said before where that is searched."""
    fields = (field, f"{FORMER}_{field}") if query.former else (field,)
    return [{"terms": {name: list(values)}} for name in fields]


def _any(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def _excluded(query: Query) -> list[dict[str, Any]]:
    excluded = [_match(word, _fields(query, ".exact"), type="phrase") for word in query.without]
    silent = [] if query.types else [{"terms": {"type": list(SILENT_TYPES)}}]
    deleted = [] if query.revoked else [{"term": {"revoked": True}}]
    return [*excluded, *silent, *deleted, {"term": {"protected": True}}]


def _order(query: Query) -> list[dict[str, Any]]:
    newest = [{"ts": {"order": "desc"}}, {"message_id": {"order": "asc"}}]
    scored = query.sort == "relevance" and not query.cheap
    return [{"_score": {"order": "desc"}}, *newest] if scored else newest


def _highlight(query: Query) -> dict[str, Any]:
    return {
        "type": "unified",
        "encoder": "html",  # the text is a stranger's: everything but our own marks is escaped
        "pre_tags": ["<mark>"],
        "post_tags": ["</mark>"],
        "fragment_size": 120,
        "number_of_fragments": 2,
        "fields": {f"{name}{form}": {} for name in searched(query) for form in ("", ".exact")},
    }


def resolve_body(name: str, limit: int) -> dict[str, Any]:
    """The request body that finds conversations by alias, name or tag; the last word may be unfinished."""
    typed = ["alias", "name", "alias.typed", "name.typed"]
    named = {"multi_match": {"query": name, "fields": typed, "type": "bool_prefix", "operator": "and"}}
    tagged = {"term": {"tags": fold(name)}}
    return {
        "size": limit,
        "_source": ["conversation_id"],
        "query": {"bool": {"should": [named, tagged], "minimum_should_match": 1}},
        "sort": [{"_score": {"order": "desc"}}, {"conversation_id": {"order": "asc"}}],
    }


def highlights(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Fragments by field; a field's exact form speaks where its stemmed one is silent."""
    merged = {name: found.get(name) or found.get(f"{name}.exact") or [] for name in (*TEXT_FIELDS, FORMER)}
    return {name: fragments for name, fragments in merged.items() if fragments}
