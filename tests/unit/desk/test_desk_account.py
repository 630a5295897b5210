"""What operators see of our account: Meta's last words, alerts, breakers, and statuses that wait for a message."""

from typing import Any

import httpx

from tests.unit.desk.world import WABA, World
from tests.unit.ingest.desk import Desk, ana, change, desk, envelope, went
from tests.unit.record.world import PNID


async def told(d: Desk, field: str, value: dict[str, Any], at: str) -> None:
    await d.receive(envelope({"field": field, "value": value}, at=f"2027-01-15T{at}Z"))


async def get(w: World, path: str = "", role: str = "ops") -> httpx.Response:
    async with w.client(role) as client:
        return await client.get(f"/v1/account{path}")


async def test_what_needs_a_look_stands_first_with_its_runbook_and_its_content() -> None:
    w = World()
    d = desk(w.base)
    template = {"message_template_name": "aviso", "message_template_language": "es_MX"}
    await told(d, "message_template_status_update", {**template, "event": "PAUSED"}, "08:00:01")
    await told(d, "phone_number_quality_update", {"event": "FLAGGED"}, "08:00:02")
    await told(d, "message_template_status_update", {**template, "event": "APPROVED"}, "08:00:03")
    await told(d, "account_review_update", {"decision": "APPROVED"}, "08:00:04")
    await d.receive(envelope(change(contacts=ana(), statuses=[went("failed", errors=[{"code": 368}])])))
    shown = (await get(w)).json()
    assert [(each["thing"], each["state"]) for each in shown["facts"]] == [
        (f"NUMBER#{PNID}", "FLAGGED"),
        (f"ACCOUNT#{WABA}", "APPROVED"),
        (f"TEMPLATE#{WABA}#aviso#es_MX", "APPROVED"),
    ]
    assert shown["facts"][0]["alert"] == {
        "name": "number_quality_low",
        "severity": "page",
        "runbook": "docs/runbooks/number_quality_low.md",
    }
    assert [each["alert"] for each in shown["facts"][1:]] == [None, None]
    (breaker,) = shown["breakers"]
    assert (breaker["waba"], breaker["open"], breaker["reason"]["code"]) == (WABA, True, 368)
    event = await get(w, f"/events/{shown['facts'][0]['event_id']}", "admin")
    assert event.json()["value"] == {"event": "FLAGGED"}
    assert [each["action"] for each in await w.audited()] == ["account_event.viewed"]
    assert (await get(w, f"/events/a_{'0' * 32}.9")).status_code == httpx.codes.NOT_FOUND


async def test_statuses_that_wait_are_shown_page_by_page_and_name_nobody() -> None:
    w = World()
    d = desk(w.base)
    for n in range(3):
        failed = went("failed", f"wamid.{n}", errors=[{"code": 131026}])
        body = change(contacts=ana("Ana Secreta"), statuses=[failed])
        await d.receive(envelope(body, at=f"2027-01-15T08:00:0{n}Z"))
    first = (await get(w, "?limit=2")).json()
    second = (await get(w, f"?limit=2&cursor={first['cursor']}")).json()
    assert (len(first["waiting"]), len(second["waiting"]), second["cursor"]) == (2, 1, None)
    times = [each["arrived_at"] for each in [*first["waiting"], *second["waiting"]]]
    assert times == sorted(times)
    assert first["waiting"][0]["reason"]["reason"].startswith("No se puede entregar")
    assert "Secreta" not in repr(first)
    assert (await get(w, "?cursor=nonsense")).status_code == httpx.codes.BAD_REQUEST


async def test_an_account_nobody_has_spoken_of_is_quiet() -> None:
    shown = (await get(World())).json()
    assert shown == {
        "facts": [],
        "breakers": [{"waba": WABA, "open": False, "reason": None, "opened_at": None, "closed_at": None}],
        "waiting": [],
        "cursor": None,
    }
