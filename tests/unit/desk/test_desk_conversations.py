"""Reading: the inbox, threads, one message; what is folded, masked, signed and audited."""

from typing import Any

import pytest

from services.desk.api.conversations import raw_key
from services.desk.audit import first_broken
from shared.store.port import Update
from tests.unit.desk.world import World
from tests.unit.record.world import NOON_MS, PNID, origin, person, reaction, status, text

DAY = 24 * 3600 * 1000


async def get(w: World, path: str, *roles: str, status_code: int = 200, **params: Any) -> Any:
    async with w.client(*roles) as client:
        answer = await client.get(path, params=params)
    assert answer.status_code == status_code, answer.text
    return answer.json()


async def test_the_inbox_is_newest_first_over_days_and_pages_without_loss() -> None:
    w = World()
    wanted = []
    for n, days in enumerate((0, 0, 1, 1, 5, 40, 200)):
        at = NOON_MS - days * DAY + n * 1000
        kept = await w.keep(text(f"wamid.{n}", f"texto {n}", who=person(f"52155000000{n:02d}"), at_ms=at))
        wanted.append((await w.item(kept.item_id))["sk"])
    seen, cursor, pages = [], None, 0
    while True:
        body = await get(w, "/v1/conversations", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["last_message_id"] for each in body["conversations"]]
        pages += 1
        cursor = body["cursor"]
        if cursor is None:
            break
    keys = [(await w.item(each))["sk"] for each in seen]
    assert keys == sorted(wanted, reverse=True)
    assert pages < 30


async def test_a_conversation_shows_who_what_and_until_when() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "hay humo", who=person(name="Ana")))
    cid = (await w.item(kept.item_id))["pk"]
    (listed,) = (await get(w, "/v1/conversations"))["conversations"]
    one = await get(w, f"/v1/conversations/{cid}")
    assert listed == one
    assert one["name"] == "Ana"
    assert one["alias"].startswith("Fuente ")
    assert one["preview"] == {"text": "hay humo", "type": "text", "direction": "in"}
    assert one["unread"] == 1
    assert one["window_ends_at"] == "2027-01-16T07:59:00.000Z"


async def test_content_comes_exactly_as_sealed() -> None:
    w = World()
    message = {"id": "wamid.1", "type": "text", "text": {"body": "ñ 🔥"}, "x_new": {"deep": [1, None]}}
    inbound = text("wamid.1", "ñ 🔥")
    kept = await w.keep(
        type(inbound)(**{**{name: getattr(inbound, name) for name in inbound.__slots__}, "message": message,
                         "content": {"value": {"messages": [message], "metadata": {"a": 1}}, "wamid": "wamid.1"}})
    )  # fmt: skip
    cid = (await w.item(kept.item_id))["pk"]
    (listed,) = (await get(w, f"/v1/conversations/{cid}/messages"))["messages"]
    assert listed["whatsapp"] == message
    detail = await get(w, f"/v1/messages/{kept.item_id}")
    assert detail["whatsapp"] == message
    assert detail["value"] == {"messages": [message], "metadata": {"a": 1}}
    assert detail["raw"] is None


async def test_pages_go_older_newer_and_around() -> None:
    w = World()
    ids = [(await w.keep(text(f"wamid.{n}", f"t{n}", at_ms=NOON_MS + n * 1000))).item_id for n in range(10)]
    path = f"/v1/conversations/{(await w.item(ids[0]))['pk']}/messages"

    def names(body: Any) -> list[int]:
        return [ids.index(each["message_id"]) for each in body["messages"]]

    newest = await get(w, path, limit=4)
    assert names(newest) == [6, 7, 8, 9]
    assert newest["newer"] is None
    older = await get(w, path, limit=4, cursor=newest["older"])
    assert names(older) == [2, 3, 4, 5]
    assert names(await get(w, path, limit=4, cursor=older["newer"])) == [6, 7, 8, 9]
    first = await get(w, path, limit=4, cursor=older["older"])
    assert (names(first), first["older"]) == ([0, 1], None)
    assert names(await get(w, path, limit=4, around=ids[5])) == [4, 5, 6, 7]
    assert names(await get(w, path, limit=3, before=ids[5])) == [2, 3, 4]
    assert names(await get(w, path, limit=3, after=ids[5])) == [6, 7, 8]


async def test_wrong_places_are_named() -> None:
    w = World()
    kept = await w.keep(text("wamid.1"))
    cid = (await w.item(kept.item_id))["pk"]
    path = f"/v1/conversations/{cid}/messages"
    unknown = "i_" + "a" * 26
    assert (await get(w, path, status_code=404, around=unknown))["field"] == "around"
    assert (await get(w, path, status_code=422, around="x"))["field"] == "around"
    assert (await get(w, path, status_code=422, before=kept.item_id, after=kept.item_id))["field"] == "before"
    assert (await get(w, path, status_code=400, cursor="zzz"))["field"] == "cursor"
    assert (await get(w, path, status_code=422, limit=201))["field"] == "limit"
    assert (await get(w, "/v1/conversations/c_x/messages", status_code=422))["field"] == "conversation_id"
    assert (await get(w, f"/v1/conversations/c_{'a' * 26}", status_code=404))["field"] == "conversation_id"
    assert (await get(w, f"/v1/messages/{unknown}", status_code=404))["field"] == "message_id"
    other = await get(w, "/v1/conversations", limit=1)
    assert other["cursor"] is None or (await get(w, path, status_code=400, cursor=other["cursor"]))


async def test_reactions_are_folded_into_their_message_and_strays_stand_alone() -> None:
    w = World()
    kept = await w.keep(text("wamid.1"))
    await w.keep(reaction("wamid.2", "wamid.1", "👍", at_ms=NOON_MS + 1000))
    await w.keep(reaction("wamid.3", "wamid.1", "🔥", at_ms=NOON_MS + 2000))
    stray = await w.keep(reaction("wamid.4", "wamid.unknown", "❓", at_ms=NOON_MS + 3000))
    cid = (await w.item(kept.item_id))["pk"]
    shown = (await get(w, f"/v1/conversations/{cid}/messages"))["messages"]
    assert [each["message_id"] for each in shown] == [kept.item_id, stray.item_id]
    assert [each["emoji"] for each in shown[0]["reactions"]] == ["🔥"]
    await w.keep(reaction("wamid.5", "wamid.1", "", at_ms=NOON_MS + 4000))
    shown = (await get(w, f"/v1/conversations/{cid}/messages"))["messages"]
    assert shown[0]["reactions"] == [], "taken back"


async def test_media_have_signed_urls_only_once_they_are_ready() -> None:
    w = World()
    kept = await w.keep(text("wamid.1"))
    item = await w.item(kept.item_id)
    path = f"/v1/messages/{kept.item_id}"
    for state, url in (
        ("pending", None),
        ("quarantined", None),
        ("failed", None),
        ("ready", "https://cdn.test/"),
    ):
        medium = {"n": 0, "mime": "image/jpeg", "state": state, "sha256": "ab" * 32, "size": 5}
        await w.store.write(Update("messages", item["pk"], item["sk"], set={"media": [medium]}))
        (shown,) = (await get(w, path))["media"]
        assert shown["state"] == state
        assert (shown["url"] or "").startswith(url or "")
        assert (shown["url"] is None) is (url is None)


async def protect(w: World, message_id: str) -> str:
    item = await w.item(message_id)
    await w.store.write(Update("conversations", item["pk"], "-", set={"protected": True}, add={"rev": 1}))
    return str(item["pk"])


async def test_of_a_protected_person_agents_see_facts_and_the_alias() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto", who=person(name="Ana")))
    await w.keep(reaction("wamid.2", "wamid.1"))
    cid = await protect(w, kept.item_id)
    for role in ("agent", "editor"):
        pages = [
            await get(w, "/v1/conversations", role),
            await get(w, f"/v1/conversations/{cid}", role),
            await get(w, f"/v1/conversations/{cid}/messages", role),
            await get(w, f"/v1/messages/{kept.item_id}", role),
        ]
        everything = repr(pages)
        assert "secreto" not in everything
        assert "Ana" not in everything
        assert "Fuente " in everything
        assert pages[3]["protected"] is True
    detail = await get(w, f"/v1/messages/{kept.item_id}", "ops")
    assert (detail["whatsapp"], detail["value"], detail["raw"]) == (None, None, None)
    assert await w.audited() == []


async def test_every_look_at_a_protected_person_is_audited() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto"))
    cid = await protect(w, kept.item_id)
    assert "secreto" in repr(await get(w, f"/v1/conversations/{cid}/messages", "admin"))
    assert "secreto" in repr(await get(w, f"/v1/messages/{kept.item_id}", "admin"))
    looks = [(each["actor"], each["action"], each["subject"]) for each in await w.audited()]
    assert looks[:2] == [("agent-1", "protected.viewed", cid)] * 2
    assert first_broken(await w.audited()) is None


async def test_the_raw_envelope_is_for_support_and_each_look_is_audited() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", origin=origin("feed")))
    item = await w.item(kept.item_id)
    await w.base.raw.put(raw_key("eum", item["arrival_ms"], "feed"), b'{"as":"received"}')
    path = f"/v1/messages/{kept.item_id}"
    assert (await get(w, path, "agent"))["raw"] is None
    assert await w.audited() == []
    for role in ("ops", "admin"):
        assert (await get(w, path, role))["raw"] == '{"as":"received"}'
    assert [each["action"] for each in await w.audited()] == ["raw.viewed", "raw.viewed"]


async def test_an_erased_message_shows_that_it_was_there_and_nothing_else() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto", who=person(name="Ana")))
    item = await w.item(kept.item_id)
    await w.record.sealing._keys.destroy(item["contact_id"])
    shown = await get(w, f"/v1/messages/{kept.item_id}", "admin")
    assert (shown["erased"], shown["whatsapp"], shown["raw"]) == (True, None, None)
    assert "secreto" not in repr(await get(w, "/v1/conversations", "admin"))


async def test_what_is_marked_erased_is_hidden_before_its_key_is_gone() -> None:
    w = World()
    kept = await w.keep(text("wamid.1", "secreto", who=person(name="Ana")))
    item = await w.item(kept.item_id)
    await w.store.write(Update("messages", item["pk"], item["sk"], set={"erased": True}, add={"rev": 1}))
    await w.store.write(Update("contacts", item["contact_id"], "-", set={"erased": True}, add={"rev": 1}))
    pages = [
        await get(w, f"/v1/messages/{kept.item_id}", "admin"),
        await get(w, f"/v1/conversations/{item['pk']}/messages", "admin"),
        await get(w, "/v1/conversations", "admin"),
    ]
    assert "secreto" not in repr(pages)
    assert "Ana" not in repr(pages)


async def test_ticks_come_with_metas_own_words_in_the_detail() -> None:
    w = World()
    await w.keep(text("wamid.1"))
    cid = (await get(w, "/v1/conversations"))["conversations"][0]["conversation_id"]
    async with w.client() as client:
        sent = await client.post(
            f"/v1/conversations/{cid}/messages",
            json={"type": "text", "text": "va"},
            headers={"Idempotency-Key": "k"},
        )
    message_id = sent.json()["messages"][0]["message_id"]
    await w.base.record.statuses.keep(status("delivered", attempt=f"{message_id}.1"))
    detail = await get(w, f"/v1/messages/{message_id}")
    assert detail["state"] == "delivered"
    (one,) = detail["statuses"]
    assert (one["status"], one["attempt"]) == ("delivered", 1)
    assert one["whatsapp"]["biz_opaque_callback_data"] == f"{message_id}.1"
    assert [each["part"] for each in detail["attempts"]] == ["1"]
    listed = (await get(w, f"/v1/conversations/{cid}/messages"))["messages"][-1]
    assert listed["statuses"][0]["whatsapp"] is None


@pytest.mark.parametrize("moment", [NOON_MS, 1_800_000_009_999, 1_800_000_059_000])
def test_the_archive_is_found_where_ingest_puts_it(moment: int) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - the expectation's own arithmetic

    at = datetime.fromtimestamp(moment / 1000, UTC)
    tens = f"{at.second:02d}"[0]
    assert raw_key("eum", moment, "r") == f"raw/eum/{at.strftime('%Y/%m/%d/%H%M')}/{tens}0/r.json"
    assert PNID
