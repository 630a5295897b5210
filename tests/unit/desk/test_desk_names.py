"""Names an import could not place: listed with their messages, given to a person once, audited, taken by nobody else."""

import asyncio
from typing import Any

import pytest

from shared.record.codec import dumps
from shared.record.inbound import Alias, Person
from shared.record.runs import state_key
from shared.store.port import Update
from tests.unit.desk.test_desk_conversations import get
from tests.unit.desk.world import World, key
from tests.unit.record.world import PNID, origin, person, text

RUN = "m0123456789abcde"
ANA = "5215512345678"


def printed(name: str) -> Person:
    return Person((Alias("printed", f"{PNID}:{name}"),), {"saved_name": name})


async def imported(w: World, name: str, lines: int) -> str:
    """A contact of a printed name with messages; its id."""
    for n in range(lines):
        kept = await w.keep(text(f"h.{name}.{n}", who=printed(name), origin=origin(RUN, n, source="import")))
    return str((await w.item(kept.item_id))["contact_id"])


async def run(w: World, **named: int) -> dict[str, str]:
    found = {name: await imported(w, name, count) for name, count in named.items()}
    journal = {"run": RUN, "named": {found[name]: {"chat": count} for name, count in named.items()}}
    await w.exports.put(state_key(RUN), dumps(journal))
    return found


async def known(w: World, number: str = ANA) -> str:
    kept = await w.keep(text(f"wamid.{number}", who=person(number, name="Ana López")))
    return str((await w.item(kept.item_id))["contact_id"])


async def place(w: World, contact_id: str, to: str, code: int = 200, *, role: str = "editor") -> Any:
    async with w.client(role) as client:
        path = f"/v1/imports/{RUN}/names/{contact_id}"
        answer = await client.post(path, json={"contact_id": to}, headers=key())
    assert answer.status_code == code, answer.text
    return answer.json()


async def names(w: World, role: str = "editor", **params: Any) -> Any:
    return await get(w, f"/v1/imports/{RUN}/names", role, **params)


async def test_names_are_listed_with_most_messages_first_a_page_at_a_time() -> None:
    w = World()
    found = await run(w, Ana=1, Beto=3, Caro=2)
    page = await names(w, limit=2)
    assert [(each["name"], each["messages"]) for each in page["names"]] == [("Beto", 3), ("Caro", 2)]
    assert page["total"] == 3
    rest = await names(w, limit=2, cursor=page["cursor"])
    assert rest["names"] == [{"contact_id": found["Ana"], "name": "Ana", "messages": 1}]
    assert rest["cursor"] is None


async def test_a_name_given_to_a_person_is_that_person_with_one_thread() -> None:
    w = World()
    ana = await known(w)
    found = await run(w, Anita=2, Beto=1)
    one, again = await asyncio.gather(place(w, found["Anita"], ana), place(w, found["Anita"], ana))
    assert one == again == await place(w, found["Anita"], ana)
    roots = [await w.record.people.root(each) for each in (ana, found["Anita"])]
    assert {root["pk"] for root in roots if root} == {one["contact_id"]}
    assert [each["name"] for each in (await names(w))["names"]] == ["Beto"]
    threads = (await get(w, "/v1/conversations"))["conversations"]
    assert len(threads) == 2, "Ana's, with what was imported, and Beto's"
    entries = [each for each in await w.audited() if each["action"] == "contact.placed"]
    assert [(each["subject"], each["details"]) for each in entries] == [
        (found["Anita"], {"run": RUN, "with": ana})
    ]
    assert (await w.store.query("due", "desk")).items == [], "the merge is told"


async def test_two_names_of_one_person_are_joined_too() -> None:
    w = World()
    found = await run(w, Ana=1, Anita=1)
    await place(w, found["Anita"], found["Ana"])
    assert len((await names(w))["names"]) == 1


async def test_what_is_not_there_is_said() -> None:
    w = World()
    assert (await get(w, f"/v1/imports/{RUN}/names", "editor", status_code=404))["field"] == "run"
    found = await run(w, Ana=1)
    nobody = "p_" + "0" * 26
    assert (await place(w, nobody, found["Ana"], 404))["field"] == "contact_id"
    assert (await place(w, found["Ana"], nobody, 404))["field"] == "contact_id"
    other = await known(w)
    assert (await place(w, other, found["Ana"], 404))["field"] == "contact_id", "none of this run's names"
    await place(w, found["Ana"], "x", 422)
    assert [each for each in await w.audited() if each["action"] == "contact.placed"] == []


async def test_parted_people_stay_two() -> None:
    w = World()
    ana = await known(w)
    found = await run(w, Anita=1)
    gone = await place(w, found["Anita"], ana)
    merged = found["Anita"] if gone["contact_id"] == ana else ana
    await w.record.parting.unmerge(merged, origin("x"))
    assert (await place(w, found["Anita"], ana, 409))["type"] == "/problems/people-apart"


@pytest.mark.parametrize(("role", "code"), [("editor", 403), ("admin", 200)])
async def test_of_the_protected_only_who_may_see_them_decides(role: str, code: int) -> None:
    w = World()
    ana = await known(w)
    found = await run(w, Anita=1)
    await w.store.write(Update("contacts", ana, "-", set={"protected": True}, add={"rev": 1}))
    await place(w, found["Anita"], ana, code, role=role)
    await w.store.write(Update("contacts", found["Anita"], "-", set={"protected": True}, add={"rev": 1}))
    assert all(each["name"] is None for each in (await names(w))["names"])
