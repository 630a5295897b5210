"""What of a message stands in the index, and what must not."""

from typing import Any

from services.search import document
from shared.store.port import Item

SENDER = "5215512345678"


def item(**changed: Any) -> Item:
    return {
        "pk": "c_1",
        "sk": "1800000000.01800000000000000000.abcdef",
        "message_id": "i_abcdef",
        "pnid": "111",
        "contact_id": "p_1",
        "key_id": "p_1",
        "direction": "in",
        "type": "text",
        "source": "live",
        "flags": [],
        "ts": 1800000000,
        "arrival_ms": 1800000000000,
        "kept_at": 1800000000123,
        "expires_at": 1900000000000,
        "rev": 3,
        "content_sha": "x",
        "media": [],
        "raw_id": "r",
        **changed,
    }


def content(text: str) -> dict[str, Any]:
    return {"type": "text", "from": SENDER, "id": "wamid.X", "text": {"body": text}}


def test_the_document_holds_facts_and_words() -> None:
    found = document.message(item(), content("Sismo #CDMX https://x.mx"))
    assert found["body"] == ["Sismo #CDMX https://x.mx"]
    assert found["hashtags"] == ["cdmx"]
    assert found["domains"] == ["x.mx"]
    assert found["ts"] == 1800000000000
    assert found["conversation_id"] == "c_1"
    assert found["rev"] == 3


def test_neither_number_nor_wamid_of_the_sender_is_indexed() -> None:
    found = document.message(item(), content("hola"))
    assert SENDER not in str(found)
    assert "wamid" not in str(found)
    assert "phones" not in document.message(item(), content(f"soy {SENDER}"), numbers=[SENDER])


def test_earlier_wordings_stay_findable() -> None:
    edit = {"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "después"}}}}
    found = document.message(item(), content("antes"), [edit])
    assert (found["body"], found["former"]) == (["después"], ["antes"])


def test_of_a_protected_person_there_are_only_facts() -> None:
    found = document.message(item(), content("secreto #clave 5598765432"), protected=True)
    assert found["protected"] is True
    assert "secreto" not in str(found)
    assert not {"body", "hashtags", "phones", "urls", "loc"} & set(found)


def test_coordinates_the_index_would_refuse_are_left_out() -> None:
    for latitude in ("norte", None, float("nan"), 91, "1e400", [19]):
        place = {"type": "location", "location": {"latitude": latitude, "longitude": -99}}
        assert "loc" not in document.message(item(type="location"), place)
    place = {"type": "location", "location": {"latitude": 19.4, "longitude": -99.1}}
    assert document.message(item(type="location"), place)["loc"] == {"lat": 19.4, "lon": -99.1}


def test_the_month_is_that_of_the_first_write() -> None:
    assert document.month(1798761599999) == "2026.12"
    assert document.month(1798761600000) == "2027.01"


def test_a_conversation_is_called_by_alias_and_names_unless_protected() -> None:
    thread: Item = {
        "pk": "c_1",
        "pnid": "111",
        "contact_id": "p_1",
        "last_order_key": "1800000000.x.y",
        "rev": 4,
        "tags": ["Sismo"],
    }
    contact: Item = {"alias": "Fuente ABCDE"}
    found = document.conversation(thread, contact, ["Ana"])
    assert (found["alias"], found["name"], found["tags"]) == ("Fuente ABCDE", ["Ana"], ["sismo"])
    hidden = document.conversation(thread, {**contact, "protected": True}, ["Ana"])
    assert "name" not in hidden
    assert hidden["protected"] is True


def test_what_was_read_out_of_files_is_found_apart_and_never_of_the_protected() -> None:
    found = document.message(item(), content("mira"), read=["CALLE CERRADA", ""])
    assert found["ocr"] == ["CALLE CERRADA"]
    assert "ocr" not in document.message(item(), content("mira"), read=[""])
    assert "ocr" not in document.message(item(), content("mira"), read=["CALLE"], protected=True)
