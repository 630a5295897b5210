"""One person stays one thread through changed numbers and user ids, in whatever order Meta's notices come."""

from itertools import permutations
from typing import Any

import pytest

from tests.unit.ingest.desk import Desk, change, desk, envelope
from tests.unit.record.world import NOON_MS

NOW = NOON_MS // 1000
Row = dict[str, Any]


def said(wamid: str, ts: int, **who: str) -> Row:
    return {**who, "id": wamid, "timestamp": str(ts), "type": "text", "text": {"body": wamid}}


def notice(wamid: str, ts: int, system: Row, **who: str) -> Row:
    return {**who, "id": wamid, "timestamp": str(ts), "type": "system", "system": system}


def by_previous(old: str, new: str, n: int) -> Row:
    system = {"type": "user_changed_user_id", "user_id": new, "previous_user_id": old}
    return notice(f"wamid.s{n}", NOW + n, system)


def by_sender(old: str, new: str, n: int) -> Row:
    return notice(f"wamid.s{n}", NOW + n, {"type": "user_changed_user_id", "user_id": new}, from_user_id=old)


def by_sentence(old: str, new: str, n: int) -> Row:
    body = f"User Ana changed from {old} to {new}"
    return notice(f"wamid.s{n}", NOW + n, {"type": "user_changed_user_id", "user_id": new, "body": body})


def by_update(old: str, new: str, n: int) -> Row:
    return {"user_id": {"previous": old, "current": new}, "timestamp": str(NOW + n)}


async def receive(d: Desk, row: Row) -> None:
    if "id" not in row:
        await d.receive(envelope(change("user_id_update", user_id_update=[row])))
    else:
        await d.receive(envelope(change(messages=[row])))


async def threads(d: Desk) -> list[int]:
    """How many messages each thread of the inbox shows."""
    shown = [item for item in await d.world.items("conversations") if "inbox" in item]
    return [len((await d.world.record.reader.page(item["pk"], limit=200)).views) for item in shown]


@pytest.mark.parametrize("form", [by_previous, by_sender, by_sentence, by_update])
@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_a_user_id_that_changes_twice_leaves_one_thread(form: Any, order: tuple[int, ...]) -> None:
    d = desk()
    one, two, three = "MX.1000000001", "MX.2000000002", "MX.3000000003"
    rows = [
        said("wamid.1", NOW, from_user_id=one),
        form(one, two, 10),
        form(two, three, 20),
        said("wamid.2", NOW + 30, from_user_id=three),
    ]
    for n in order:
        await receive(d, rows[n])
    assert await threads(d) == [2 + sum("id" in row for row in rows[1:3])]


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_a_number_that_changes_twice_leaves_one_thread_and_replies_go_to_the_last(
    order: tuple[int, ...],
) -> None:
    d = desk()
    first, second, third = "5215511111111", "525522222222", "5215533333333"
    rows = [
        said("wamid.1", NOW, **{"from": first}),
        notice(
            "wamid.s1",
            NOW + 10,
            {"type": "user_changed_number", "wa_id": second, "user_id": "MX.2000000002"},
            **{"from": first},
        ),
        notice(
            "wamid.s2",
            NOW + 20,
            {"type": "customer_changed_number", "new_wa_id": third, "customer": second},
        ),
        said("wamid.2", NOW + 30, **{"from": third}),
    ]
    for n in order:
        await d.receive(envelope(change(messages=[rows[n]]), at=f"2027-01-15T08:00:{n * 10:02d}Z"))
    assert await threads(d) == [4]
    (contact,) = [
        item for item in await d.world.items("contacts") if item["sk"] == "-" and "merged_into" not in item
    ]
    found = await d.world.record.reader.contact(contact["pk"])
    assert found is not None
    assert found[1]["wa_id"] == third


async def test_both_forms_of_a_mexican_number_and_a_user_id_alone_are_one_person() -> None:
    d = desk()
    contacts = [{"wa_id": "5215511111111", "user_id": "MX.1000000001", "profile": {"name": "Ana"}}]
    await d.receive(envelope(change(messages=[said("wamid.1", NOW, **{"from": "525511111111"})])))
    row = said("wamid.2", NOW + 1, **{"from": "5215511111111", "from_user_id": "MX.1000000001"})
    await d.receive(envelope(change(contacts=contacts, messages=[row])))
    await d.receive(envelope(change(messages=[said("wamid.3", NOW + 2, from_user_id="MX.1000000001")])))
    assert await threads(d) == [3]


async def test_a_user_id_that_looks_like_a_mexican_number_is_left_as_it_is() -> None:
    d = desk()
    await d.receive(envelope(change(messages=[said("wamid.1", NOW, from_user_id="MX.5215511111111")])))
    await d.receive(envelope(change(messages=[said("wamid.2", NOW, **{"from": "5215511111111"})])))
    assert sorted(await threads(d)) == [1, 1]
