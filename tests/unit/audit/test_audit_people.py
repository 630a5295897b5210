"""Whose thread it is, in the audit's eyes."""

import json
from typing import Any

from twin.audit.history import read
from twin.audit.observed import Observed, Seen
from twin.audit.people import people_of

BLANK = dict.fromkeys(
    ("attempt", "direction", "type", "destination", "remote_id", "code", "fault", "nonce"), ""
)
WRITTEN: dict[str, Any] = {
    **BLANK,
    "at": 1,
    "mono": 1,
    "kind": "written",
    "phase": "ok",
    "wamid": "wamid.1",
    "user_id": "MX.1",
    "wa_id": "52",
    "media_sha256": [],
    "body": "{}",
}


def _echo(to: str) -> Seen:
    return Seen("i_2", "c_2", "1.1.a", 1, "out", "text", "wamid.2", {"to": to}, echo=True)


def test_a_thread_in_which_only_our_phone_wrote_is_its_addressees() -> None:
    history = read([WRITTEN])
    people = people_of(history, Observed(raw={}, messages=[_echo("52"), _echo("53")], documents=[]))
    assert people.threads["c_2"] == {"MX.1"}


def test_a_number_is_its_holders_by_the_last_id_they_are_known_by() -> None:
    moved = {**WRITTEN, "wamid": "wamid.3", "wa_id": "", "body": json.dumps({"system": {"user_id": "MX.2"}})}
    history = read([WRITTEN, moved])
    people = people_of(history, Observed(raw={}, messages=[_echo("52")], documents=[]))
    assert people.threads["c_2"] == {"MX.2"}
