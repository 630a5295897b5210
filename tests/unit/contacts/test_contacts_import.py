"""The address book in the record: names above profile names, sealed, once, and nobody comes back."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import __main__ as cdmx
from ops.contacts import command
from ops.contacts.book import Reject
from ops.contacts.run import ERASED, Contacts, Tally
from shared.store.port import Put, Update
from tests.unit.ingest.desk import ANA, ana, change, desk, envelope, said
from tests.unit.record.world import NOON_MS, World, person, text, world

CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:{}\nTEL:{}\nEND:VCARD\n"


async def take(w: World, tmp_path: Path, *cards: tuple[str, str], dry: bool = False) -> Tally:
    file = tmp_path / "libreta.vcf"
    file.write_text("".join(CARD.format(*each) for each in cards))
    return await Contacts(w.store, w.record.people, w.clock).take([file], "52", dry=dry)


async def details(w: World, number: str = ANA) -> Any:
    contact = await w.record.people.find(person(number))
    assert contact is not None
    found = await w.record.reader.contact(contact)
    assert found is not None
    return found[1]


async def everything(w: World) -> dict[str, list[Any]]:
    return {
        table: await w.items(table)
        for table in ("contacts", "aliases", "conversations", "due", "contact_keys")
    }


async def test_a_saved_name_outranks_the_profile_name_whichever_comes_last(tmp_path: Path) -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana("anita ✨"), messages=[said("wamid.1")])))
    tally = await take(d.world, tmp_path, ("Ana Pérez (Protección Civil)", "55 1234 5678"))
    assert tally.line() == "contacts: 0 new, 1 changed, 0 same, 0 without number, 0 rejected"
    later = change(contacts=ana("otra vez ella"), messages=[said("wamid.2")])
    await d.receive(envelope(later, at="2027-01-15T08:00:05Z"))
    known = await details(d.world)
    assert (known["saved_name"], known["name"]) == ("Ana Pérez (Protección Civil)", "otra vez ella")
    assert known["wa_id"] == ANA
    assert "Protección" not in repr(await everything(d.world))
    assert [each.type for each in await d.owed()] == ["desk.contact.changed.v1"]


async def test_who_never_wrote_is_known_when_they_do(tmp_path: Path) -> None:
    w = world()
    await take(w, tmp_path, ("Ana Pérez", "55 1234 5678"))
    assert await details(w) == {"saved_name": "Ana Pérez", "wa_id": "525512345678"}
    await w.record.keeper.keep(text("wamid.1", who=person(ANA, name="anita"), at_ms=NOON_MS + 1000))
    assert await details(w) == {"saved_name": "Ana Pérez", "wa_id": ANA, "name": "anita"}
    assert len([item for item in await w.items("contacts") if item["sk"] == "-"]) == 1


async def test_the_same_file_again_writes_nothing_and_a_dry_run_never_does(tmp_path: Path) -> None:
    w = world()
    cards = (("Ana Pérez", "55 1234 5678"), ("Beto", "55 1111 2222"), ("Malo", "123"))
    dry = await take(w, tmp_path, *cards, dry=True)
    assert dry.facts() == {
        "new": 2,
        "changed": 0,
        "same": 0,
        "without_number": 0,
        "rejected": [{"line": 11, "reason": dry.rejects[0].reason}],
        "dry_run": True,
    }
    assert await w.items("contacts") == []
    await take(w, tmp_path, *cards)
    before = await everything(w)
    w.clock.ms += 7 * 24 * 3600 * 1000
    again = await take(w, tmp_path, *cards)
    assert (again.counts["same"], again.counts["new"], again.counts["changed"]) == (2, 0, 0)
    assert await everything(w) == before
    renamed = await take(w, tmp_path, ("Ana P.", "55 1234 5678"))
    assert renamed.counts["changed"] == 1
    assert (await details(w))["saved_name"] == "Ana P."


async def test_an_erased_person_does_not_come_back_through_the_address_book(tmp_path: Path) -> None:
    w = world()
    await take(w, tmp_path, ("Ana Pérez", "55 1234 5678"))
    for alias in await w.items("aliases"):
        await w.store.write(Put("aliases", {"pk": alias["pk"], "sk": "-", "erased_at": NOON_MS}))
    tally = await take(w, tmp_path, ("Ana Pérez", "55 1234 5678"))
    assert [each.reason for each in tally.rejects] == [ERASED]
    assert len([item for item in await w.items("contacts") if item["sk"] == "-"]) == 1


async def test_whose_key_is_gone_is_left_alone(tmp_path: Path) -> None:
    w = world()
    await take(w, tmp_path, ("Ana Pérez", "55 1234 5678"))
    (contact,) = [item for item in await w.items("contacts") if item["sk"] == "-"]
    await w.store.write(
        Update("contact_keys", contact["pk"], "-", remove=["wrapped"], set={"destroyed_at": NOON_MS})
    )
    w.record.people._keys.forget(contact["pk"])
    tally = await take(w, tmp_path, ("Otro nombre", "55 1234 5678"))
    assert [each.reason for each in tally.rejects] == [ERASED]


def test_the_command_says_what_it_did_and_fails_where_something_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def took(files: list[Path], _country: str, *, dry: bool) -> Tally:
        tally = Tally(dry=dry)
        tally.counts["new"] = len(files)
        tally.rejects += [] if "good" in files[0].name else [Reject(7, "el número no se entiende")]
        return tally

    monkeypatch.setattr(command, "_take", took)
    good = CliRunner().invoke(cdmx.app, ["contacts", "import", "good.vcf", "--dry-run"])
    assert (good.exit_code, good.stdout.strip().splitlines()[-1]) == (
        0,
        "contacts: 1 new, 0 changed, 0 same, 0 without number, 0 rejected (dry run: nothing written)",
    )
    bad = CliRunner().invoke(cdmx.app, ["contacts", "import", "bad.vcf"])
    assert bad.exit_code == 1
    assert "línea 7: el número no se entiende" in bad.stderr
    told = CliRunner().invoke(cdmx.app, ["contacts", "import", "bad.vcf", "--json"])
    assert json.loads(told.stdout)["rejected"] == [{"line": 7, "reason": "el número no se entiende"}]


def test_a_file_that_is_not_there_or_no_address_book_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDMX_ACCOUNT", "12")
    done = CliRunner().invoke(cdmx.app, ["contacts", "import", str(tmp_path / "nada.vcf")])
    assert done.exit_code == 2
    assert "CDMX_ACCOUNT" in done.stderr
    parted = CliRunner().invoke(cdmx.app, ["contacts", "unmerge", "p_1"])
    assert parted.exit_code == 2
