"""Analyzers and mappings of the indices.

Accents are folded BEFORE stemming and the same chain runs over documents and questions: in the built-in
order (stem, then fold) 13 of 80 common news words typed without accents were not found on OpenSearch 3.3.2,
in this order none. Built-in pieces: OpenSearch docs, "Token filters" (asciifolding, snowball, stop, stemmer).
"""

from typing import Any

# The Spanish stop list, folded: it stands after the folding, and «tambien» is typed without its accent.
_STOP = {"type": "stop", "stopwords": "_spanish_"}
_ANALYSIS: dict[str, Any] = {
    "filter": {
        "es_stop": _STOP,
        "es_stop_folded": {
            "type": "stop",
            "stopwords": ["tambien", "mas", "esta", "estan", "si", "tu", "el"],
        },
        "es_light": {"type": "stemmer", "language": "light_spanish"},
        "es_verb": {"type": "stemmer", "language": "spanish"},
    },
    "analyzer": {
        "es": {
            "type": "custom",
            "tokenizer": "standard",
            "filter": ["lowercase", "es_stop", "asciifolding", "es_stop_folded", "es_light"],
        },
        "es_verb": {
            "type": "custom",
            "tokenizer": "standard",
            "filter": ["lowercase", "asciifolding", "es_verb"],
        },
        "exact": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase", "asciifolding"]},
        "raw": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]},
    },
}
_SETTINGS: dict[str, Any] = {
    "number_of_shards": 1,
    "refresh_interval": "1s",  # set: when it is left out, shards go idle after 30 s without a search
    "gc_deletes": "1d",  # a replayed older revision must not bring back what was deleted within a day
    "analysis": _ANALYSIS,
}


def _text(*, prefixes: bool) -> dict[str, Any]:
    exact: dict[str, Any] = {"type": "text", "analyzer": "exact"}
    if prefixes:
        exact["index_prefixes"] = {"min_chars": 2, "max_chars": 6}
    return {
        "type": "text",
        "analyzer": "es",
        "fields": {
            "exact": exact,
            "verb": {"type": "text", "analyzer": "es_verb"},
            "raw": {"type": "text", "analyzer": "raw"},
        },
    }


def _keywords(*names: str) -> dict[str, Any]:
    return {name: {"type": "keyword", "ignore_above": 1024} for name in names}


TEXT_FIELDS = ("body", "caption", "filename", "place", "cards", "transcript", "ocr")
FORMER = "former"  # every earlier wording of an edited message: not everybody may search it
_MESSAGE_PROPERTIES: dict[str, Any] = {
    **_keywords("message_id", "conversation_id", "contact_id", "order_key", "reply_to", "target", "pnid"),
    **_keywords("type", "direction", "source", "flags", "author"),
    **_keywords("hashtags", "mentions", "urls", "domains", "phones", "emojis", "media_types"),
    **_keywords("former_hashtags", "former_phones"),
    FORMER: _text(prefixes=False),
    **{name: _text(prefixes=name in {"body", "caption"}) for name in TEXT_FIELDS},
    "ts": {"type": "date", "format": "epoch_millis"},
    "kept_at": {"type": "date", "format": "epoch_millis"},
    "rev": {"type": "long"},
    "loc": {"type": "geo_point"},
    "protected": {"type": "boolean"},
    "revoked": {"type": "boolean"},
}
_NAME = {
    "type": "text",
    "analyzer": "exact",
    "fields": {"typed": {"type": "search_as_you_type", "analyzer": "exact"}},
}
_CONVERSATION_PROPERTIES: dict[str, Any] = {
    **_keywords("conversation_id", "contact_id", "tags", "state", "assignee", "pnid"),
    "alias": _NAME,
    "name": _NAME,  # short: on message bodies search_as_you_type costs 19 times the disk
    "rev": {"type": "long"},
    "protected": {"type": "boolean"},
}


def messages_template(pattern: str, alias: str) -> dict[str, Any]:
    """The index template of the monthly indices."""
    body = {"settings": _SETTINGS, "mappings": _strict(_MESSAGE_PROPERTIES), "aliases": {alias: {}}}
    return {"index_patterns": [pattern], "template": body, "priority": 100}


def messages_mapping() -> dict[str, Any]:
    """The mapping of the monthly indices that stand already: a field that is new is added, nothing else can change."""
    return _strict(_MESSAGE_PROPERTIES)


def conversations_index() -> dict[str, Any]:
    """The body of the one index of conversations."""
    return {"settings": _SETTINGS, "mappings": _strict(_CONVERSATION_PROPERTIES)}


def _strict(properties: dict[str, Any]) -> dict[str, Any]:
    return {"dynamic": "strict", "properties": properties}
