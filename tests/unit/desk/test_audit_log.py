"""The audit log: a chain nobody can cut, and changes that stand in it or do not happen."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.audit import AuditLog, first_broken
from shared.store.memory import MemoryStore
from shared.store.port import Attr, ConditionFailedError, Update
from tests.unit.record.world import world


async def entries(store: MemoryStore) -> list[dict[str, Any]]:
    return (await store.query("audit_log", "log")).items


async def written(count: int) -> list[dict[str, Any]]:
    w = world()
    log = AuditLog(w.store, w.clock, w.ids)
    for n in range(count):
        await log.record("agent-1", "raw.viewed", f"i_{n}", {"n": n})
    return await entries(w.store)


async def test_concurrent_entries_form_one_chain() -> None:
    w = world()
    logs = [AuditLog(w.store, w.clock, w.ids) for _ in range(3)]
    await asyncio.gather(*(logs[n % 3].record(f"a-{n}", "x", "s") for n in range(12)))
    found = await entries(w.store)
    assert first_broken(found) is None
    assert {each["actor"] for each in found} == {f"a-{n}" for n in range(12)}


async def test_a_refused_change_leaves_no_entry_and_an_accepted_one_exactly_one() -> None:
    w = world()
    log = AuditLog(w.store, w.clock, w.ids)
    once = Update("config", "k", "v", set={"x": 1}, condition=Attr("x").not_exists())
    await log.record("a", "changed", "v", beside=[once])
    with pytest.raises(ConditionFailedError) as caught:
        await log.record("a", "changed", "v", beside=[once])
    assert caught.value.failed == (0,)
    assert len(await entries(w.store)) == 1


@given(st.data())
async def test_any_change_loss_or_swap_is_found(data: st.DataObject) -> None:
    found = await written(5)
    at = data.draw(st.integers(0, 4))
    how = data.draw(
        st.sampled_from(["actor", "subject", "details", "at", "hash", "previous", "drop", "swap"])
    )
    if how == "drop" and at == 4:
        at = 3  # a cut tail is told by the head item, not by the chain
    if how == "drop":
        del found[at]
    elif how == "swap":
        found[at], found[(at + 1) % 5] = found[(at + 1) % 5], found[at]
    else:
        found[at] = {**found[at], how: "altered"}
    assert first_broken(found) is not None
    assert first_broken(await written(5)) is None
