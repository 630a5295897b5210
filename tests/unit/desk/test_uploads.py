"""Files of agents: bounded before a byte is sent, handed over once, sent with a message, gone when nobody has them."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiobotocore.session import AioSession

from services.desk.adapters.tickets import open_tickets
from services.desk.upload_texts import UPLOADS, endings
from services.desk.uploads import KIND, SERVICE
from shared.bus.memory import MemoryBus
from shared.bus.port import BusUnavailableError
from shared.due import OUTBOX_KIND, outbox_handler
from shared.events.model import EVENT, UploadCompletedEvent
from shared.ids import upload_id
from shared.media.uploads import KINDS, LIMITS, Kind, upload_key
from shared.objects.cdn import served_key
from shared.record.files import reference_sk
from shared.store.memory import MemoryStore
from shared.store.port import Item, Put, StoreUnavailableError, Update
from tests.unit.desk.test_desk_replies import opened, owed, post, say
from tests.unit.desk.world import World, key

JPEG = {"kind": "image", "mime": "image/jpeg", "size": 5}
SHA = "ab" * 32
DAY = 24 * 3600 * 1000


async def begun(w: World, asked: Any = JPEG, code: int = 201, *, k: str = "u-1") -> Any:
    return await post(w, "/v1/uploads", asked, code, k=k)


async def completed(w: World, upload: str, code: int = 202, *, agent: str = "agent-1") -> Any:
    return await post(w, f"/v1/uploads/{upload}/complete", code=code, agent=agent)


async def uploaded(w: World, asked: Any = JPEG, *, k: str = "u-1") -> str:
    upload: str = (await begun(w, asked, k=k))["upload_id"]
    await w.bucket.put(upload_key(upload), b"x" * asked["size"])
    await completed(w, upload)
    return upload


async def upload_item(w: World, upload: str) -> Item:
    item = await w.store.get("media", upload)
    assert item is not None
    return item


async def unreachable(_bus: MemoryBus, _events: Any) -> None:
    raise BusUnavailableError("no answer")


async def due(w: World, kind: str) -> list[Item]:
    return [item for item in (await w.store.query("due", SERVICE)).items if item["kind"] == kind]


def told(w: World) -> list[UploadCompletedEvent]:
    events = [EVENT.validate_json(body) for body in w.for_media.bodies()]
    return [event for event in events if isinstance(event, UploadCompletedEvent)]


async def test_a_file_is_declared_put_completed_and_handed_over_once() -> None:
    w = World()
    ticket = await begun(w)
    assert ticket["state"] == "open"
    assert ticket["headers"] == {"Content-Type": "image/jpeg", "If-None-Match": "*"}
    assert f"uploads/{ticket['upload_id']}?size=5&ttl=900" in ticket["url"]
    await w.bucket.put(upload_key(ticket["upload_id"]), b"12345")
    answers = await asyncio.gather(*(completed(w, ticket["upload_id"]) for _ in range(4)))
    assert {each["state"] for each in answers} == {"pending"}
    assert {event.id for event in told(w)} == {f"{ticket['upload_id']}:2"}
    assert await due(w, OUTBOX_KIND) == []
    again = await begun(w)
    assert (again["upload_id"], again["url"], again["state"]) == (ticket["upload_id"], None, "pending")
    assert "máquina" not in again["explained"]["text"]
    assert again["explained"]["helps"] == "machine"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_whatsapp_does_not_take_is_refused_with_field_limit_and_remedy(kind: Kind) -> None:
    w = World()
    limit = LIMITS[kind]
    mime = min(limit.mimes)
    large = await begun(w, {"kind": kind, "mime": mime, "size": limit.upload + 1}, 422)
    assert (large["field"], large["type"]) == ("size", f"/problems/upload-large-{kind}")
    assert str(limit.upload // (1_000 if kind == "sticker" else 1_000_000)) in large["detail"]
    assert large["remedy"]
    wrong = await begun(w, {"kind": kind, "mime": "application/x-dosexec", "size": 1}, 422)
    assert (wrong["field"], wrong["type"]) == ("mime", f"/problems/upload-type-{kind}")
    assert endings(kind) in wrong["remedy"]
    assert (await begun(w, {"kind": kind, "mime": mime, "size": 0}, 422))["field"] == "size"
    assert (await begun(w, {"kind": kind, "mime": mime, "size": limit.upload}))["state"] == "open"


def test_every_text_of_an_upload_is_complete_in_both_languages() -> None:
    for words in UPLOADS.values():
        for text in words.values():
            assert text.title
            assert text.detail
            assert text.remedy


async def test_a_key_used_for_another_file_is_refused() -> None:
    w = World()
    await begun(w)
    problem = await begun(w, {**JPEG, "size": 6}, 409)
    assert problem["type"] == "/problems/idempotency-key-reused"


async def test_bytes_that_are_missing_or_others_than_declared_are_not_handed_over() -> None:
    w = World()
    upload = (await begun(w))["upload_id"]
    assert (await completed(w, upload, 409))["type"] == "/problems/upload-missing"
    await w.bucket.put(upload_key(upload), b"123")
    problem = await completed(w, upload, 409)
    assert (problem["type"], problem["field"]) == ("/problems/upload-size", "size")
    assert "3" in problem["detail"]
    assert await w.bucket.head(upload_key(upload)) is None, "so that it can be put again"
    assert told(w) == []
    await w.bucket.put(upload_key(upload), b"12345")
    assert (await completed(w, upload))["state"] == "pending"


async def test_an_upload_is_its_agents_own() -> None:
    w = World()
    upload = await uploaded(w)
    await completed(w, upload, 404, agent="agent-2")
    async with w.client(agent="agent-2") as client:
        assert (await client.get(f"/v1/uploads/{upload}")).status_code == 404
    cid, _ = await opened(w)
    asked = {"type": "image", "upload_id": upload}
    assert (await say(w, cid, asked, 404, agent="agent-2"))["field"] == "upload_id"


async def test_a_crash_after_the_completion_still_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    w = World()
    upload = (await begun(w))["upload_id"]
    await w.bucket.put(upload_key(upload), b"12345")
    with monkeypatch.context() as patched:
        patched.setattr(MemoryBus, "publish", unreachable)
        assert (await completed(w, upload))["state"] == "pending"
    assert told(w) == []
    (owing,) = await due(w, OUTBOX_KIND)
    await outbox_handler(w.bus)(owing)
    assert [event.data.upload_id for event in told(w)] == [upload]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [1, 2])
async def test_a_store_that_gives_no_answer_is_asked_again_to_the_same_end(
    when: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = World()
    sound, calls = MemoryStore.transact, 0

    async def shaky(self: MemoryStore, ops: Any, token: str) -> None:
        nonlocal calls
        calls += 1
        if calls != step or when == "after":
            await sound(self, ops, token)
        if calls == step:
            raise StoreUnavailableError("no answer")

    monkeypatch.setattr(MemoryStore, "transact", shaky)
    paths = ("/v1/uploads", "/v1/uploads/{}/complete")
    upload, refused = upload_id("agent-1", "u-1"), 0
    async with w.client() as client:
        for path in paths:
            body = None if path != paths[0] else JPEG
            await w.bucket.put(upload_key(upload), b"12345")
            while (answer := await client.post(path.format(upload), json=body, headers=key("u-1"))).is_error:
                assert answer.status_code == 503
                refused += 1
    assert refused == 1
    assert (await upload_item(w, upload))["rev"] == 2
    assert {event.id for event in told(w)} | {each["id"] for each in await due(w, OUTBOX_KIND)} == {
        f"{upload}:2"
    }
    assert len(await due(w, KIND)) == 1


class TestReplies:
    @pytest.mark.parametrize(
        ("kind", "mime", "more", "form"),
        [
            ("image", "image/jpeg", {"caption": "mira"}, {"type": "image", "image": {"caption": "mira"}}),
            ("video", "video/mp4", {}, {"type": "video", "video": {}}),
            ("audio", "audio/mpeg", {}, {"type": "audio", "audio": {}}),
            ("voice", "audio/ogg", {}, {"type": "audio", "audio": {"voice": True}}),
            (
                "document",
                "application/pdf",
                {"filename": "acta.pdf"},
                {"type": "document", "document": {"filename": "acta.pdf"}},
            ),
            ("sticker", "image/webp", {}, {"type": "sticker", "sticker": {}}),
        ],
    )
    async def test_a_message_carries_the_file_and_waits_for_its_check(
        self, kind: str, mime: str, more: Any, form: Any
    ) -> None:
        w = World()
        cid, first = await opened(w)
        upload = await uploaded(w, {"kind": kind, "mime": mime, "size": 5})
        asked = {"type": kind, "upload_id": upload, "reply_to": first, **more}
        (accepted,) = (await say(w, cid, asked))["messages"]
        item = await w.item(accepted["message_id"])
        assert item["media"] == [{"n": 0, "mime": mime, "state": "pending", "upload_id": upload}]
        content = await w.record.reader.open(item)
        kind_sent = form["type"]
        expected = {
            "type": kind_sent,
            kind_sent: {"id": upload, **form[kind_sent]},
            "context": {"message_id": "wamid.1"},
        }
        assert content.message == expected
        assert content.preview
        assert ("voice" in item["flags"]) is (kind == "voice")
        (delivery,) = await owed(w, cid)
        assert delivery["state"] == "queued"
        recorded = EVENT.validate_json(w.sent.bodies()[-1])
        assert recorded.type == "desk.message.recorded.v1"
        again = await say(w, cid, asked)
        assert again["messages"][0]["message_id"] == accepted["message_id"]
        assert len(await owed(w, cid)) == 1

    async def test_a_refused_upload_is_said_at_once_with_its_reason(self) -> None:
        w = World()
        cid, _ = await opened(w)
        upload = await uploaded(w)
        verdict = {"state": "quarantined", "reason": "infected", "sha256": SHA}
        await w.store.write(Update("media", upload, "-", set=verdict, add={"rev": 1}))
        problem = await say(w, cid, {"type": "image", "upload_id": upload}, 409)
        assert problem["type"] == "/problems/upload-refused"
        async with w.client() as client:
            shown = (await client.get(f"/v1/uploads/{upload}")).json()
        assert (shown["state"], shown["explained"]["code"]) == ("quarantined", "infected")
        assert "antivirus" in shown["explained"]["text"]
        assert await owed(w, cid) == []

    async def test_open_expired_and_other_kinds_are_refused(self) -> None:
        w = World()
        cid, _ = await opened(w)
        upload = (await begun(w))["upload_id"]
        asked = {"type": "image", "upload_id": upload}
        assert (await say(w, cid, asked, 409))["type"] == "/problems/upload-open"
        await w.bucket.put(upload_key(upload), b"12345")
        await completed(w, upload)
        wrong = await say(w, cid, {**asked, "type": "video"}, 422)
        assert (wrong["type"], wrong["field"]) == ("/problems/upload-kind", "type")
        item = await upload_item(w, upload)
        late = {**item, "expires_at": w.base.clock.ms}
        await w.store.write(Put("media", late))
        assert (await say(w, cid, asked, 409))["type"] == "/problems/upload-over"

    async def test_what_was_recorded_is_answered_after_the_upload_is_gone(self) -> None:
        w = World()
        cid, _ = await opened(w)
        upload = await uploaded(w)
        asked = {"type": "image", "upload_id": upload}
        first = await say(w, cid, asked)
        (end,) = await due(w, KIND)
        await w.uploads.on_due(end)
        assert await say(w, cid, asked) == first
        assert (await say(w, cid, asked, 404, k="k-2"))["field"] == "upload_id"

    async def test_another_file_under_the_same_key_is_another_message(self) -> None:
        w = World()
        cid, _ = await opened(w)
        one, two = await uploaded(w), await uploaded(w, k="u-2")
        await say(w, cid, {"type": "image", "upload_id": one})
        problem = await say(w, cid, {"type": "image", "upload_id": two}, 409)
        assert problem["type"] == "/problems/idempotency-key-reused"


class TestEnd:
    async def _settled(self, w: World) -> str:
        upload = await uploaded(w)
        await w.store.write(Update("media", upload, "-", set={"state": "ready", "sha256": SHA}))
        await w.store.write(Put("media", {"pk": SHA, "sk": "-", "mime": "image/jpeg", "verdict": "ready"}))
        await w.store.write(Put("media", {"pk": SHA, "sk": reference_sk(upload, 0), "at": 1}))
        await w.bucket.put(served_key(SHA), b"12345")
        return upload

    async def test_it_ends_two_days_later_with_its_file(self) -> None:
        w = World()
        upload = await self._settled(w)
        (end,) = await due(w, KIND)
        assert end["due_ms"] == w.base.clock.ms + 2 * DAY
        for _ in range(2):
            await w.uploads.on_due(end)
            assert await w.store.get("media", upload) is None
            assert await w.store.get("media", SHA) is None
            assert await w.bucket.head(served_key(SHA)) is None
            assert await w.bucket.head(upload_key(upload)) is None

    async def test_a_file_that_a_message_has_stays(self) -> None:
        w = World()
        await self._settled(w)
        await w.store.write(Put("media", {"pk": SHA, "sk": reference_sk("o_x", 0), "at": 1}))
        (end,) = await due(w, KIND)
        await w.uploads.on_due(end)
        assert await w.bucket.head(served_key(SHA)) is not None


async def test_an_address_is_signed_for_these_bytes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with AsyncExitStack() as stack:
        tickets = await open_tickets(stack, AioSession(), "us-east-1", "b", "http://files.test:9000")
        url, headers = await tickets.put("uploads/u_x", "image/png", 12, 900)
    parts, said = urlsplit(url), parse_qs(urlsplit(url).query)
    assert (parts.netloc, parts.path) == ("files.test:9000", "/b/uploads/u_x")
    assert said["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert said["X-Amz-Expires"] == ["900"]
    assert said["X-Amz-SignedHeaders"] == ["content-length;content-type;host;if-none-match"]
    assert headers == {"Content-Type": "image/png", "If-None-Match": "*"}
