"""Whom an envelope is about: by its parts, and by the keys it mentions where it cannot be taken apart."""

import json
from typing import Any

import pytest

from services.ingest.archive import arrived
from services.ingest.keeper.mentions import Mentions
from shared.queue.port import Message
from shared.record.ledger import Subject
from tests.unit.ingest.desk import ANA, change, envelope, said, went
from tests.unit.keeper.keeper_world import LUIS, NOON_MS, keep
from tests.unit.record.world import person

AT = "2027-01-15T07:00:00Z"


def subject() -> Subject:
    k = keep()
    named = person(ANA, "MX.1234")
    return Subject("e_1", NOON_MS, ("p_1",), (), tuple(k.world.record.people.alias_keys(named)))


def mentions() -> Mentions:
    return Mentions(keep().world.record.people.alias_keys, "portfolio")


def gone(body: str, queue: str = "ingest") -> frozenset[int] | None:
    return mentions().gone(arrived(Message("", body, "", 1, NOON_MS), queue), subject())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"tel {ANA}.", True),
        (f"tel +52{ANA[-10:]}", True),
        (f"tel {ANA[-10:]}", True),
        ("id MX.1234", True),
        (f"tel {LUIS}", False),
        (f"9{ANA}", False),
        ("MX.12345", False),
        ("", False),
    ],
)
def test_a_person_is_found_by_any_form_of_their_keys(text: str, expected: bool) -> None:  # noqa: FBT001 - the expectation
    assert mentions().mentioned(text, subject()) == expected


def test_statuses_calls_and_other_parts_are_found_too() -> None:
    mine, theirs = went("read", "wamid.1"), {**went("read", "wamid.2"), "recipient_id": LUIS}
    call = {
        "id": "wacid.1",
        "from": ANA,
        "to": "5255550107",
        "event": "connect",
        "timestamp": str(NOON_MS // 1000 - 9),
    }
    parts = [
        change(statuses=[{**mine, "timestamp": str(NOON_MS // 1000 - 9)}, theirs]),
        change("calls", calls=[call]),
        {"field": "history_of_tomorrow", "value": {"who": ANA}},
        {"field": "account_alerts", "value": {"entity_type": "WABA"}},
    ]
    assert gone(envelope(*parts, at=AT)) == frozenset({0, 2, 3})


def test_a_part_that_cannot_be_kept_is_looked_at_by_itself() -> None:
    bad: list[dict[str, Any]] = [{**said("wamid.1"), "text": 7}, {**said("wamid.2"), "from": LUIS, "text": 7}]
    assert gone(envelope(change(messages=bad), at=AT)) == frozenset({0})


def test_what_is_younger_than_the_erasure_stays() -> None:
    young = said("wamid.1", ts=NOON_MS // 1000 + 5)
    assert gone(envelope(change(messages=[young]), at="2027-01-15T08:00:05Z")) == frozenset()
    assert gone(envelope(change(messages=[said("wamid.0", ts=NOON_MS // 1000 - 5)]), at=AT)) == frozenset({0})


def test_who_is_named_nowhere_is_nobody() -> None:
    unnamed = {"id": "wamid.1", "type": "text", "timestamp": "1", "text": {"body": "x"}}
    assert (
        gone(
            envelope(
                change(messages=[unnamed]), change(statuses=[{"id": "wamid.2", "status": "read"}]), at=AT
            )
        )
        == frozenset()
    )


def test_what_is_no_envelope_goes_whole_or_not_at_all() -> None:
    assert gone('{"cut') == frozenset()
    assert gone('{"cut ' + ANA) is None
    chat = {
        "ContactId": "c",
        "ParticipantRole": "CUSTOMER",
        "Id": "1",
        "AbsoluteTime": AT,
        "Content": f"soy {ANA}",
    }
    assert gone(json.dumps(chat), "connect") == frozenset({0})
    witness = {
        "detail-type": "WhatsApp Message Received",
        "source": "aws.social-messaging",
        "time": AT,
        "n": ANA,
    }
    assert gone(json.dumps(witness)) == frozenset()
