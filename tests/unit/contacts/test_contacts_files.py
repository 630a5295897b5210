"""Address books of every kind: what is read, what is left out and where."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.contacts.book import BAD_NUMBER, NO_NAME, TWICE, UNREADABLE, Reject
from ops.contacts.numbers import number
from ops.contacts.run import UnknownFormatError, read


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("+52 55 1234 5678", "525512345678"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("5215512345678", "525512345678"),
        ("525512345678", "525512345678"),
        ("(55) 1234-5678", "525512345678"),
        ("55\u00a01234\u202f5678", "525512345678"),
        ("\u202a+52 55 1234 5678\u202c", "525512345678"),
        ("044 55 1234 5678", "525512345678"),
        ("01 55 1234 5678", "525512345678"),
        ("0052 55 1234 5678", "525512345678"),
        ("tel:+52-55-1234-5678;ext=102", "525512345678"),
        ("55 1234 5678 ext. 12", "525512345678"),
        ("55 1234 5678,,12", "525512345678"),
        ("+1 (415) 555-0132", "14155550132"),
        ("+34 612 345 678", "34612345678"),
        ("1234", None),
        ("5512345", None),
        ("14155550132", None),
        ("+1234567890123456", None),
        ("*611", None),
        ("no tengo", None),
        ("", None),
    ],
)
def test_a_number_however_it_is_written(written: str, known: str | None) -> None:
    assert number(written) == known


def test_the_home_country_is_said_by_the_option() -> None:
    assert number("6123456789", "34") == "346123456789"
    assert number("044 55 1234 5678", "34") is None


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_none(text: str) -> None:
    known = number(text)
    assert known is None or (known.isdigit() and 8 <= len(known) <= 15)


V3 = """BEGIN:VCARD\r
VERSION:3.0\r
N:Pérez;Ana;;;\r
FN:Ana Pérez\r
TEL;TYPE=CELL:+52 1 55 1234 5678\r
item1.TEL:55 8765 4321\r
NOTE:una línea que se\r
  dobla\r
END:VCARD\r
"""
V4 = """BEGIN:VCARD\r
VERSION:4.0\r
FN:Beto\r
TEL;VALUE=uri;TYPE="voice,cell":tel:+52-55-1111-2222;ext=102\r
EMAIL:beto@ejemplo.test\r
END:VCARD\r
"""
V21 = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:P=C3=A9rez;Jos=C3=A9;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jos=C3=A9 P=C3=A9rez
TEL;CELL:5599990000
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ
 AAAA

END:VCARD
"""


def test_cards_of_three_versions_are_read() -> None:
    found = read((V3 + V4 + V21).encode(), "52")
    assert [(each.line, each.name, each.number) for each in found.named] == [
        (1, "Ana Pérez", "525512345678"),
        (1, "Ana Pérez", "525587654321"),
        (10, "Beto", "525511112222"),
        (16, "José Pérez", "525599990000"),
    ]
    assert found.rejects == []


def test_a_broken_card_takes_no_other_along_and_nothing_of_it_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cut = "BEGIN:VCARD\nVERSION:3.0\nFN:Cortada Secreta\nTEL:5511110000\n"
    odd = "BEGIN:VCARD\nVERSION:3.0\nFN:Rara\nbasura secreta\nTEL:5522220000\nEND:VCARD\n"
    nameless = "BEGIN:VCARD\nVERSION:3.0\nTEL:5533330000\nEND:VCARD\n"
    firm = "BEGIN:VCARD\nVERSION:3.0\nORG:Bomberos;Guardia\nTEL:5544440000\nEND:VCARD\n"
    mail = "BEGIN:VCARD\nVERSION:3.0\nFN:Sólo correo\nEMAIL:a@b.test\nEND:VCARD\n"
    with caplog.at_level(logging.DEBUG):
        found = read((cut + V4 + odd + nameless + firm + mail).encode(), "52")
    assert [each.name for each in found.named] == ["Beto", "Rara", "Bomberos Guardia"]
    assert [each.reason for each in found.rejects] == [UNREADABLE, NO_NAME]
    assert found.quiet == 1
    assert "ecreta" not in caplog.text


GOOGLE = """\ufeffFirst Name,Middle Name,Last Name,Organization Name,Notes,Phone 1 - Label,Phone 1 - Value,Phone 2 - Value
Ana,,Pérez,,"dos
líneas",Mobile,+52 55 1234 5678 ::: 55 8765 4321,
,,,Bomberos,,Work,068,55 5555 0000
Carla,,,,,,,
"""
OLD = "Name,Given Name,Phone 1 - Type,Phone 1 - Value\nBeto Ruiz,Beto,Mobile,55 1111 2222\n"
OUTLOOK = "First Name,Last Name,Mobile Phone,Home Phone 2\nDora,Luz,55 3333 4444,\n"


def test_google_of_today_and_of_before_and_outlook() -> None:
    found = read(GOOGLE.encode(), "52")
    assert [(each.line, each.name, each.number) for each in found.named] == [
        (2, "Ana Pérez", "525512345678"),
        (2, "Ana Pérez", "525587654321"),
        (4, "Bomberos", "525555550000"),
    ]
    assert found.rejects == [Reject(4, BAD_NUMBER)]
    assert found.quiet == 1
    assert [each.name for each in read(OLD.encode(), "52").named] == ["Beto Ruiz"]
    assert [each.name for each in read(OUTLOOK.encode("cp1252"), "52").named] == ["Dora Luz"]
    assert [each.name for each in read(OLD.encode("utf-16"), "52").named] == ["Beto Ruiz"]


def test_one_number_with_two_names_keeps_the_first_and_says_so() -> None:
    text = OLD + "Beto Ruiz,Beto,Mobile,+525511112222\nEl Beto,Beto,Mobile,5511112222\n"
    found = read(text.encode(), "52")
    assert [each.name for each in found.named] == ["Beto Ruiz"]
    assert found.rejects == [Reject(4, TWICE)]


@pytest.mark.parametrize("data", [b"", b"hola", b"Name,Mail\nAna,a@b.c\n", b"PK\x03\x04\xff\xfe", b"{}"])
def test_what_is_no_address_book_says_what_would_be(data: bytes) -> None:
    with pytest.raises(UnknownFormatError, match="vCard"):
        read(data, "52")


@given(st.text(max_size=200))
def test_any_card_or_table_is_read_to_its_end(text: str) -> None:
    for form in (f"BEGIN:VCARD\n{text}\nEND:VCARD\n{V4}", f"Name,Phone 1 - Value\n{text}\nBeto,5511112222\n"):
        found = read(form.encode("utf-8", "replace"), "52")
        assert len(found.named) + len(found.rejects) + found.quiet >= 0
