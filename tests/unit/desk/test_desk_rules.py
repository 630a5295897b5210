"""Routes and destinations: versions, secrets that never come back, and an audit entry for each change."""

import base64
from typing import Any

import httpx
import pytest

from services.desk.audit import first_broken
from tests.unit.desk.world import World

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
HOOK = {"kind": "webhook", "url": "https://hook.test/in", "secret_value": SECRET}
ROUTE = {"match": {"by": "all"}, "destinations": ["cms"]}
NEW = {"If-None-Match": "*"}


async def put(
    w: World, path: str, body: Any, headers: dict[str, str], role: str = "editor"
) -> httpx.Response:
    async with w.client(role) as client:
        return await client.put(path, json=body, headers=headers)


async def get(w: World, path: str) -> httpx.Response:
    async with w.client() as client:
        return await client.get(path)


async def test_a_destination_is_made_read_changed_and_its_secret_never_shown() -> None:
    w = World()
    made = await put(w, "/v1/destinations/cms", HOOK, NEW)
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    assert made.json()["secret_set"] is True
    changed = await put(
        w, "/v1/destinations/cms", {**HOOK, "secret_value": None, "paused": True}, {"If-Match": '"1"'}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    one = await get(w, "/v1/destinations/cms")
    assert (one.json()["paused"], one.json()["secret_set"]) == (True, True)
    assert [each["id"] for each in (await get(w, "/v1/destinations")).json()] == ["cms"]
    stored = [item async for item in w.store.scan("config")] + [
        item async for item in w.store.scan("audit_log")
    ]
    for place in (made.text, changed.text, one.text, repr(stored)):
        assert SECRET not in place
        assert SECRET.removeprefix("whsec_") not in place
    assert list(w.secrets.values.values()) == [SECRET]


async def test_a_new_secret_takes_effect_only_with_its_version() -> None:
    w = World()
    await put(w, "/v1/destinations/cms", HOOK, NEW)
    before = (await w.store.get("config", "destination", "cms") or {})["secret"]
    other = {**HOOK, "secret_value": "whsec_" + base64.b64encode(b"t" * 32).decode()}
    refused = await put(w, "/v1/destinations/cms", other, {"If-Match": '"7"'})
    assert refused.status_code == 412
    assert (await w.store.get("config", "destination", "cms") or {})["secret"] == before
    assert w.secrets.values[before] == SECRET
    await put(w, "/v1/destinations/cms", other, {"If-Match": '"1"'})
    after = (await w.store.get("config", "destination", "cms") or {})["secret"]
    assert w.secrets.values[after] == other["secret_value"]


async def test_two_editors_do_not_overwrite_each_other() -> None:
    w = World()
    await put(w, "/v1/destinations/cms", HOOK, NEW)
    assert (await put(w, "/v1/routes/all", ROUTE, NEW)).status_code == 200
    assert (await put(w, "/v1/routes/all", ROUTE, NEW)).json()["type"] == "/problems/changed"
    assert (
        await put(w, "/v1/routes/all", {**ROUTE, "enabled": False}, {"If-Match": '"1"'})
    ).status_code == 200
    late = await put(w, "/v1/routes/all", ROUTE, {"If-Match": '"1"'})
    assert (late.status_code, late.json()["field"]) == (412, "If-Match")
    assert (await put(w, "/v1/routes/all", ROUTE, {})).status_code == 428
    shown = await get(w, "/v1/routes/all")
    assert (shown.json()["enabled"], shown.headers["etag"]) == (False, '"2"')


async def test_every_version_is_kept_and_every_change_audited() -> None:
    w = World()
    await put(w, "/v1/destinations/cms", HOOK, NEW)
    await put(w, "/v1/routes/all", ROUTE, NEW)
    await put(w, "/v1/routes/all", {**ROUTE, "enabled": False}, {"If-Match": '"1"'})
    await put(w, "/v1/routes/all", ROUTE, {"If-Match": '"1"'})
    kept = (await w.store.query("config", "route-history#all")).items
    assert [(item["version"], item["enabled"]) for item in kept] == [(1, True), (2, False)]
    told = [(each["action"], each["subject"], each["details"]["version"]) for each in await w.audited()]
    assert told == [
        ("destination.changed", "cms", 1),
        ("route.changed", "all", 1),
        ("route.changed", "all", 2),
    ]
    assert first_broken(await w.audited()) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**HOOK, "url": "http://hook.test/in"}, "url"),
        ({**HOOK, "url": "ftp://hook.test"}, "url"),
        ({**HOOK, "url": "https://user:pass@hook.test"}, "url"),
        ({**HOOK, "url": "https:///x"}, "url"),
        ({**HOOK, "secret_value": None}, "secret_value"),
        ({**HOOK, "secret_value": "short"}, "secret_value"),
        ({**HOOK, "secret_value": "whsec_AAAA"}, "secret_value"),
        ({**HOOK, "wait_s": -1}, "wait_s"),
        ({**HOOK, "kind": "smoke"}, "kind"),
        ({**HOOK, "secret": "mine"}, "secret"),
    ],
)
async def test_a_wrong_destination_names_its_field_and_writes_nothing(body: Any, field: str) -> None:
    w = World()
    answer = await put(w, "/v1/destinations/cms", body, NEW)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "short" not in answer.text
    assert [item async for item in w.store.scan("config")] == []
    assert w.secrets.values == {}


async def test_a_route_to_nowhere_is_refused() -> None:
    w = World()
    answer = await put(w, "/v1/routes/all", ROUTE, NEW)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/destination-unknown")
    assert answer.json()["field"] == "destinations.0"


async def test_a_secret_store_that_is_down_is_said_and_nothing_is_half_written() -> None:
    w = World()
    w.secrets.fail = True
    answer = await put(w, "/v1/destinations/cms", HOOK, NEW)
    assert answer.status_code == 503
    assert [item async for item in w.store.scan("config")] == []


async def test_what_does_not_exist() -> None:
    w = World()
    assert (await get(w, "/v1/routes/none")).status_code == 404
    assert (await get(w, "/v1/destinations/none")).status_code == 404
    assert (await get(w, "/v1/routes/a%20b")).status_code == 422
