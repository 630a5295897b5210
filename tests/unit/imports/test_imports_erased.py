"""Who was erased since: nothing of theirs comes back by an import, and taking a run back keeps the ledger."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.store.port import Delete, Update
from tests.unit.imports.exports import Wrote
from tests.unit.imports.newsroom import ME, Newsroom
from tests.unit.imports.test_imports_run import JPEG, NOON, android

PHOTO = "IMG-20240313-WA0001.jpg"
GROUP = "Chat de WhatsApp con Grupo Vecinos"


def group(*more: Wrote) -> list[Wrote]:
    said = [Wrote(NOON, who, "text", f"soy {who}") for who in ("Ana", "Luis", ME)]
    return [*said, Wrote(NOON, "Grupo Vecinos", "system"), *more]


async def erase(room: Newsroom, contact_id: str) -> list[dict[str, Any]]:
    """As the keeper closes a contact; answers the aliases that are the ledger."""
    w = room.world
    await w.store.write(Update("contacts", contact_id, "-", set={"erased": True}, add={"rev": 1}))
    for alias in await w.items("aliases"):
        if alias["contact_id"] == contact_id:
            at = {"erased_at": w.clock.now_ms()}
            await w.store.write(Update("aliases", alias["pk"], "-", set=at))
    return [item for item in await w.items("aliases") if "erased_at" in item]


async def test_a_file_of_an_erased_person_does_not_stay_behind(tmp_path: Path) -> None:
    room = Newsroom()
    await room.take(android(tmp_path, group(), f"{GROUP}.txt"))
    (ana,) = [i["contact_id"] for i in await room.messages() if await said_by(room, i, "soy Ana")]
    assert await erase(room, ana)
    photo = Wrote(NOON + timedelta(hours=1), "Ana", "attached", "", PHOTO)
    done = await room.take(android(tmp_path, group(photo), f"{GROUP}.zip", {PHOTO: JPEG}))
    assert done.counts["erased"] == 1
    assert [info.key async for info in room.media.list("")] == []


async def test_an_undo_leaves_the_aliases_of_the_erased(tmp_path: Path) -> None:
    room = Newsroom()
    done = await room.take(android(tmp_path, group(), f"{GROUP}.txt"))
    (ana,) = [i["contact_id"] for i in await room.messages() if await said_by(room, i, "soy Ana")]
    ledger = await erase(room, ana)
    for item in await room.world.items("contacts"):
        if item["pk"] == ana and item["sk"] != "-":
            await room.world.store.write(Delete("contacts", ana, item["sk"]))
    await room.undo(done.run)
    assert [item for item in await room.world.items("aliases") if "erased_at" in item] == ledger


async def said_by(room: Newsroom, item: dict[str, Any], text: str) -> bool:
    opened = (await room.world.record.reader.open(item)).message
    return bool(opened.get("text", {}).get("body") == text)
