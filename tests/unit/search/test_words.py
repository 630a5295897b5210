"""Words, tags and numbers out of any message object, whole or broken."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search import words

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "body", "image", "caption", "contacts", "edit", "message"]),
            inner,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("message", "place", "text"),
    [
        ({"type": "text", "text": {"body": "hola"}}, "body", "hola"),
        ({"type": "image", "image": {"caption": "el puente"}}, "caption", "el puente"),
        ({"type": "document", "document": {"filename": "acta.pdf"}}, "filename", "acta.pdf"),
        ({"type": "location", "location": {"name": "Zócalo"}}, "place", "Zócalo"),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ana"}}]}, "cards", "Ana"),
        ({"type": "button", "button": {"text": "Sí"}}, "body", "Sí"),
        ({"type": "interactive", "interactive": {"list_reply": {"title": "Tema"}}}, "body", "Tema"),
        ({"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "nuevo"}}}}, "body", "nuevo"),
        ({"type": "interactive", "interactive": {"body": {"text": "Elige"}}}, "body", "Elige"),
    ],
)
def test_where_words_stand(message: dict[str, Any], place: str, text: str) -> None:
    found = words.words(message)
    assert getattr(found, place) == [text]
    assert found.all() == [text]


@given(JSON)
def test_no_payload_is_too_broken(message: Any) -> None:
    texts = words.words(message).all()
    assert all(isinstance(text, str) for text in texts)


@given(st.text(max_size=300))
def test_no_text_is_too_odd(text: str) -> None:
    for extract in (words.hashtags, words.mentions, words.urls, words.phones, words.emojis):
        assert len(extract([text])) == len(set(extract([text])))
    words.domains(words.urls([text]))


def test_tags_are_folded_and_kept_once() -> None:
    assert words.hashtags(["#Sismo en #CDMX, otra vez #sismo &#39; a#b"]) == ["sismo", "cdmx"]
    assert words.mentions(["@Protección_Civil. y correo a@b.mx"]) == ["proteccion_civil"]


def test_addresses_and_their_domains() -> None:
    found = words.urls(["mira https://www.Ejemplo.mx/nota?x=1. y www.otro.mx/a)"])
    assert found == ["https://www.Ejemplo.mx/nota?x=1", "www.otro.mx/a"]
    assert words.domains(found) == ["ejemplo.mx", "otro.mx"]
    assert words.domains(["https://user:pass@evil.mx:8080/x"]) == ["evil.mx"]


def test_numbers_have_their_canonical_form_and_last_ten() -> None:
    assert words.phones(["llama al +52 1 55 1234 5678"]) == ["525512345678", "5512345678"]
    assert words.phones(["55-1234-5678"]) == ["5512345678"]
    assert words.phones(["folio 123456, 2026"]) == []


def test_the_senders_own_number_is_left_out_in_every_spelling() -> None:
    texts = ["soy 55 1234 5678, antes +5215512345678; mi jefa: 5598765432"]
    assert words.phones(texts, ["5215512345678"]) == ["5598765432"]


def test_emojis_once() -> None:
    assert words.emojis(["🔥🔥 ok 🚨"]) == ["🔥", "🚨"]
