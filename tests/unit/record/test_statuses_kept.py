"""Two statuses of one word and other content are both kept, beside their message or waiting for it; pricing is clear."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from shared.ids import received_id
from shared.record.inbound import StatusReport
from shared.record.waits import listed
from tests.unit.record.world import NOON_MS, PNID, World, origin, status, text, world


def failed(code: int, raw: str, *, wamid: str = "wamid.1", at_ms: int = NOON_MS) -> StatusReport:
    part: dict[str, Any] = {"id": wamid, "status": "failed", "errors": [{"code": code}]}
    made = status("failed", wamid=wamid, code=code, at_ms=at_ms)
    content = {"value": {"statuses": [part]}}
    return replace(made, origin=origin(raw, at_ms=at_ms), part=part, content=content)


async def codes(w: World) -> list[int]:
    view = await w.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert view is not None
    opened = [await w.record.reader.open_child(each) for each in view.statuses]
    return sorted(each["value"]["statuses"][0]["errors"][0]["code"] for each in opened)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_both_are_kept_once_whatever_the_order_and_however_often(order: tuple[int, ...]) -> None:
    w = world()
    reports = [failed(131026, "a"), failed(131049, "b"), failed(131026, "a2"), failed(131049, "b2")]
    todo = [("status", reports[n]) for n in order]
    todo.insert(sum(order[:1]), ("message", reports[0]))
    for what, report in todo:
        if what == "message":
            await w.record.keeper.keep(text("wamid.1", direction="out", echo=True))
        else:
            await w.record.statuses.keep(report)
    assert await codes(w) == [131026, 131049]
    assert not [item for item in await w.items("ids") if item["sk"].startswith("wait#")]
    assert not [item for item in await w.items("ids") if item["pk"] == "waiting"]


async def test_what_waits_is_listed_oldest_first_until_its_message_comes() -> None:
    w = world()
    for n in range(5):
        report = failed(131026, f"raw-{n}", wamid=f"wamid.{n}", at_ms=NOON_MS - n)
        await w.record.statuses.keep(report)
        await w.record.statuses.keep(report)
    found = await listed(w.store, 3)
    assert [item["arrival_ms"] - NOON_MS for _, item in found] == [-4, -3, -2]
    rest = await listed(w.store, 3, after=found[-1][0])
    assert [item["arrival_ms"] - NOON_MS for _, item in rest] == [-1, 0]
    await w.record.keeper.keep(text("wamid.3", direction="out", echo=True))
    assert [item["raw_id"] for _, item in await listed(w.store, 9)] == ["raw-4", "raw-2", "raw-1", "raw-0"]


async def test_pricing_stands_in_clear_beside_the_message() -> None:
    w = world()
    await w.record.keeper.keep(text("wamid.1", direction="out", echo=True))
    pricing = {"category": "utility", "type": "regular", "model": "PMP", "billable": True}
    await w.record.statuses.keep(replace(status("sent", wamid="wamid.1"), pricing=pricing))
    view = await w.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert view is not None
    assert [each["pricing"] for each in view.statuses] == [pricing]
