import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.whatsapp.envelope import parse
from shared.whatsapp.identity import (
    Alias,
    Person,
    aliases,
    canonical_phone,
    change_of,
    change_of_user_id,
    is_bsuid,
    matching,
    person,
)
from shared.whatsapp.items import AccountItem, MessageItem, StatusItem, items
from shared.whatsapp.listed import UserIdUpdate
from shared.whatsapp.messages import SystemMessage
from shared.whatsapp.parts import Contact
from tests.conformance.fuzz import FIXTURES


def only(name: str) -> MessageItem:
    (item,) = items(parse((FIXTURES / f"{name}.json").read_text()))
    assert isinstance(item, MessageItem)
    return item


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("5215512345678", "525512345678"),
        ("525512345678", "525512345678"),
        ("+5215512345678", "525512345678"),
        ("52155123456789", "52155123456789"),
        ("5491112345678", "5491112345678"),
        ("MX.1349", None),
        ("", None),
        ("52 55 1234", None),
        ("٥٢١٥٥١٢٣٤٥٦٧٨", None),
        ("9" * 21, None),
    ],
)
def test_canonical_phone(raw: str, canonical: str | None) -> None:
    assert canonical_phone(raw) == canonical


@given(st.text(max_size=24))
def test_canonical_phone_is_stable(raw: str) -> None:
    once = canonical_phone(raw)
    assert once is None or canonical_phone(once) == once


def test_aliases_of_a_message_with_everything() -> None:
    people = [Person("MX.7001", "5215500000001"), Person(None, "525500000001")]
    assert aliases(people, "P1") == (
        Alias("bsuid", "P1:MX.7001"),
        Alias("waid", "5215500000001"),
        Alias("waid", "525500000001"),
        Alias("phone", "525500000001"),
    )


def test_a_bsuid_is_never_a_phone() -> None:
    assert is_bsuid("MX.13491208655302741918")
    assert is_bsuid("US.ENT.11815799212886844830")
    assert not is_bsuid("5215500000001")
    assert person(None, "MX.123") == Person("MX.123", None)
    assert aliases([person(None, "MX.123")], "P") == (Alias("bsuid", "P:MX.123"),)


def test_a_person_without_a_number() -> None:
    item = only("message-text-bsuid-only")
    assert item.contact is not None
    assert aliases(item.people(), "P") == (Alias("bsuid", "P:MX.7001"),)


def test_sender_from_the_contact_where_from_is_missing() -> None:
    item = only("message-text-no-from")
    assert not item.person()
    assert Alias("phone", "525500000001") in aliases(item.people(), "P")


def test_sender_from_the_message_where_contacts_are_missing() -> None:
    item = only("message-text-no-contacts")
    assert item.contact is None
    assert aliases(item.people(), "P") == (Alias("waid", "5215500000001"), Alias("phone", "525500000001"))


def test_the_mexican_prefix_does_not_part_a_message_from_its_contact() -> None:
    assert only("message-text-mexico-prefix").contact is not None


CONTACTS = [
    Contact(user_id="MX.1", wa_id="5215500000001"),
    Contact(user_id="MX.2"),
    Contact(wa_id="5215500000003"),
]


@pytest.mark.parametrize(
    ("someone", "index"),
    [
        (Person("MX.1", None), 0),
        (Person("MX.1", "5215500000003"), 0),
        (Person(None, "525500000001"), 0),
        (Person("MX.9", "5215500000001"), None),
        (Person("MX.2", "5215500000003"), 1),
        (Person("MX.9", "5215500000003"), 2),
        (Person(None, "5215500000004"), None),
        (Person(None, None), None),
    ],
)
def test_matching_never_makes_two_people_one(someone: Person, index: int | None) -> None:
    assert matching(CONTACTS, someone) == index


@pytest.mark.parametrize(
    ("contact", "someone", "index"),
    [
        (Contact(wa_id="5215500000001"), Person(None, None), 0),
        (Contact(user_id="MX.1"), Person(None, "5215500000001"), 0),
        (Contact(wa_id="5215500000001"), Person("MX.1", None), 0),
        (Contact(wa_id="5215500000001"), Person(None, "5215500000002"), None),
        (Contact(user_id="MX.1"), Person("MX.2", None), None),
    ],
)
def test_a_lone_contact_that_contradicts_nothing_is_the_sender(
    contact: Contact, someone: Person, index: int | None
) -> None:
    assert matching([contact], someone) == index


def test_system_messages_name_old_and_new() -> None:
    number, user_id = only("message-system-number"), only("message-system-user-id")
    changed = change_of(number.message)
    assert changed is not None
    assert (changed.old.waid, changed.new.waid) == ("5215500000001", "5215500000009")
    renamed = change_of(user_id.message)
    assert renamed is not None
    assert (renamed.old.user_id, renamed.new.user_id) == ("MX.7001", "MX.7002")
    assert user_id.person() == Person("MX.7002", None)
    assert change_of(only("message-system-identity").message) is None
    assert change_of(only("message-text").message) is None


def test_user_id_update() -> None:
    (item,) = items(parse((FIXTURES / "account-user_id_update.json").read_text()))
    assert isinstance(item, AccountItem)
    assert isinstance(item.fact, UserIdUpdate)
    change = change_of_user_id(item.fact)
    assert change is not None
    assert (change.old.user_id, change.new.user_id) == ("MX.1", "MX.2")
    assert change_of_user_id(UserIdUpdate()) is None


def test_a_group_status_is_about_the_participant() -> None:
    (item,) = items(parse((FIXTURES / "status-group.json").read_text()))
    assert isinstance(item, StatusItem)
    assert item.person() == Person("MX.7001", "5215500000001")


def test_our_own_call_is_about_whom_we_called() -> None:
    body = json.loads((FIXTURES / "message-call-ended.json").read_text())
    (item,) = items(parse(body["whatsAppWebhookEntry"]))
    assert not isinstance(item, MessageItem)
    assert item.kind == "message"
    assert getattr(item, "contact", None) is not None


@pytest.mark.parametrize(
    ("body", "old"),
    [
        ("User Ana changed from MX.1 to MX.2", None),
        ("User Ana changed from MX.11111 to MX.22222", "MX.11111"),
        ("User x changed from MX.99999 to MX.22222 changed from MX.11111 to MX.22222", "MX.11111"),
        ("User Ana changed from MX.11111 to MX.33333", None),
        ("User Ana changed from MX.11111 to MX.22222 and more", None),
        ("Ana cambió", None),
        (None, None),
    ],
)
def test_an_old_user_id_that_only_meta_s_sentence_names_is_read_from_its_end(
    body: str | None, old: str | None
) -> None:
    system = {"type": "user_changed_user_id", "user_id": "MX.22222", **({"body": body} if body else {})}
    message = SystemMessage.model_validate({"id": "wamid.1", "type": "system", "system": system})
    change = change_of(message)
    assert change is not None
    assert (change.old.user_id, change.new.user_id) == (old, "MX.22222")
