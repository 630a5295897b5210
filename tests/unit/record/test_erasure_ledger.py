"""Whatever is older than a person's erasure stays out; whoever writes again is kept, as somebody new."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.record.inbound import Origin
from shared.record.ledger import Ledger, PersonErasedError, Subject, older
from shared.store.port import Delete, Update
from tests.unit.record.world import NOON_MS, World, origin, person, text, world

NS = 1_000_000


async def erased(w: World, contact_id: str, at_ms: int) -> None:
    """What the keeper does first."""
    gone: dict[str, Any] = {"erased": True, "erased_at": at_ms}
    await w.store.write(Update("contacts", contact_id, "-", set=gone, add={"rev": 1}, remove=["sealed"]))
    await w.store.write(Update("contact_keys", contact_id, "-", remove=["wrapped"]))
    w.record.people._keys.forget(contact_id)


async def test_who_writes_again_is_somebody_new() -> None:
    w = world()
    first = await w.record.people.resolve(person(), origin())
    await erased(w, first.contact_id, NOON_MS + 1000)
    again = await w.record.people.resolve(person(), origin(at_ms=NOON_MS + 5000))
    assert again.contact_id != first.contact_id


async def test_what_is_older_stays_out_also_after_they_wrote_again() -> None:
    w = world()
    first = await w.record.people.resolve(person(), origin())
    await erased(w, first.contact_id, NOON_MS + 1000)
    with pytest.raises(PersonErasedError):
        await w.record.people.resolve(person(), origin(at_ms=NOON_MS))
    await w.record.people.resolve(person(), origin(at_ms=NOON_MS + 5000))
    with pytest.raises(PersonErasedError):
        await w.record.people.resolve(person(), origin(at_ms=NOON_MS))
    with pytest.raises(PersonErasedError):  # delivered again by Meta, days later
        await w.record.people.resolve(person(), origin(at_ms=NOON_MS + 9000), NOON_MS // 1000 - 1)


async def test_a_replayed_message_is_dropped_and_counted() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1"))
    assert kept.message is not None
    await erased(w, kept.message["contact_id"], NOON_MS + 1000)
    assert (await w.record.keeper.keep(text("wamid.1"))).kind == "erased"
    assert (await w.record.keeper.keep(text("wamid.0", at_ms=NOON_MS - 60_000))).kind == "erased"
    assert (await w.record.keeper.keep(text("wamid.2", at_ms=NOON_MS + 60_000))).kind == "new"
    assert len([item for item in await w.items("contacts") if item["sk"] == "-"]) == 2


async def test_a_redelivery_of_what_reached_its_end_is_dropped() -> None:
    w = world()
    kept = await w.record.keeper.keep(text("wamid.1"))
    assert kept.message is not None
    await w.store.write(Delete("messages", kept.message["pk"], kept.message["sk"]))
    assert (await w.record.keeper.keep(text("wamid.1"))).kind == "gone"


async def test_the_ledger_gives_back_what_was_written_down() -> None:
    w = world()
    ledger = Ledger(w.raw)
    subject = Subject("e_1", NOON_MS, ("p_1", "p_2"), ("c_1",), ("phone#ab",))
    await ledger.keep(subject)
    await ledger.keep(subject)
    assert [entry async for entry in ledger.entries()] == [subject]


@given(
    st.integers(1, 2**40),
    st.integers(0, 2**40),
    st.one_of(st.none(), st.integers(0, 2**31)),
    st.sampled_from(["live", "replay", "import"]),
)
def test_older_means_said_or_arrived_before(
    erased_at: int, at_ms: int, ts_s: int | None, source: Any
) -> None:
    found = older(erased_at, Origin("r", 0, at_ms * NS, source), ts_s)
    said = None if ts_s is None else ts_s * 1000 + 999
    if source == "import":
        assert found == (said is not None and said < erased_at)
    else:
        assert found == (at_ms < erased_at or (said is not None and said < erased_at))
    assert not older(0, Origin("r", 0, at_ms * NS, source), ts_s)
