"""How often the record asks its store: what a text costs goes by its calls (docs/decisions/0011-latency.md)."""

import pytest

from shared.ids import received_id
from shared.store.port import Update
from tests.unit.record.world import NOON_MS, PNID, World, person, reaction, text, world

_NAMES = ("get", "get_many", "query", "write", "transact")


def counted(w: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on, the names of the store's calls."""
    calls: list[str] = []
    for name in _NAMES:
        sound = getattr(w.store, name)

        def call(*args: object, _name: str = name, _sound: object = sound, **more: object) -> object:
            calls.append(_name)
            return _sound(*args, **more)  # type: ignore[operator] # the store's own method

        monkeypatch.setattr(w.store, name, call)
    return calls


async def test_who_has_written_before_is_read_in_one_call_and_written_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    w = world()
    await w.record.keeper.keep(text("wamid.1"))
    calls = counted(w, monkeypatch)
    kept = await w.record.keeper.keep(text("wamid.2", at_ms=NOON_MS + 1000))
    assert kept.kind == "new"
    assert calls == ["get_many", "transact"]


async def test_what_aliases_named_last_is_a_guess_and_no_more() -> None:
    w = world()
    first = await w.record.keeper.keep(text("wamid.1"))
    other = await w.record.keeper.keep(text("wamid.2", who=person("5215598765432"), at_ms=NOON_MS + 1))
    assert first.message is not None
    assert other.message is not None
    for alias in await w.items("aliases"):  # another process moves them while this one remembers
        if alias["contact_id"] == first.message["contact_id"]:
            moved = {"contact_id": other.message["contact_id"]}
            await w.store.write(Update("aliases", alias["pk"], "-", set=moved))
    third = await w.record.keeper.keep(text("wamid.3", at_ms=NOON_MS + 2))
    assert third.message is not None
    assert third.message["pk"] == other.message["pk"]


async def test_a_message_that_is_waited_for_looks_and_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    w = world()
    await w.record.keeper.keep(text("wamid.0"))
    await w.record.keeper.keep(reaction("wamid.r", "wamid.1", at_ms=NOON_MS + 1000))
    calls = counted(w, monkeypatch)
    await w.record.keeper.keep(text("wamid.1", at_ms=NOON_MS + 500))
    assert "query" in calls
    view = await w.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert view is not None
    assert len(view.reactions) == 1
