"""What a person sees of the types that are not just text: calls, histories, what WhatsApp withholds, second thoughts."""

from typing import Any

import httpx
import pytest

from shared.ids import received_id
from shared.store.port import Item, Put
from tests.unit.desk.world import World
from tests.unit.ingest.desk import ANA, Desk, ana, change, desk, envelope, said
from tests.unit.record.world import NOON_MS, PNID

NOW = NOON_MS // 1000


class Room:
    """Ingest and the desk's API over one record."""

    def __init__(self) -> None:
        self.world = World()
        self.ingest: Desk = desk(self.world.base)

    async def receive(self, field: str = "messages", **value: Any) -> None:
        await self.ingest.receive(envelope(change(field, contacts=ana(), **value)))

    async def get(self, path: str, role: str = "agent") -> Any:
        async with self.world.client(role) as client:
            answer = await client.get(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def thread(self, role: str = "agent") -> list[Any]:
        (conversation,) = (await self.get("/v1/conversations"))["conversations"]
        page = await self.get(f"/v1/conversations/{conversation['conversation_id']}/messages", role)
        messages: list[Any] = page["messages"]
        return messages

    async def item(self, wamid: str) -> Item:
        return await self.world.item(received_id(PNID, wamid))

    async def inbox(self) -> Any:
        (conversation,) = (await self.get("/v1/conversations"))["conversations"]
        return conversation


def rang(event: str, call_id: str = "wacid.1", **more: Any) -> dict[str, Any]:
    return {
        "id": call_id,
        "from": ANA,
        "to": "5255550107",
        "event": event,
        "timestamp": str(NOW),
        "direction": "USER_INITIATED",
        **more,
    }


def edited(wamid: str, target: str, body: str, ts: int) -> dict[str, Any]:
    inner = {"type": "text", "text": {"body": body}}
    edit = {"original_message_id": target, "message": inner}
    return {"from": ANA, "id": wamid, "timestamp": str(ts), "type": "edit", "edit": edit}


def revoked(wamid: str, target: str, ts: int) -> dict[str, Any]:
    revoke = {"original_message_id": target}
    return {"from": ANA, "id": wamid, "timestamp": str(ts), "type": "revoke", "revoke": revoke}


@pytest.mark.parametrize("order", [0, 1])
async def test_a_call_nobody_took_is_one_row_and_one_unread_whatever_comes_first(order: int) -> None:
    room = Room()
    events = [
        rang("connect", session={"sdp": "v=0", "sdp_type": "offer"}),
        rang("terminate", status="FAILED"),
    ]
    for each in events[::-1] if order else events:
        await room.receive("calls", calls=[each])
    (row,) = await room.thread()
    assert (row["type"], row["direction"]) == ("call", "in")
    assert row["call"] == {"missed": True, "ended": True, "status": "FAILED", "duration_s": None}
    assert row["preview"] == "Llamada perdida"
    inbox = await room.inbox()
    assert (inbox["unread"], inbox["preview"]["text"]) == (1, "Llamada perdida")
    assert inbox["window_ends_at"] is None


async def test_the_end_of_a_call_that_never_came_is_the_row() -> None:
    room = Room()
    await room.receive("calls", calls=[rang("terminate", status="COMPLETED", duration="35")])
    (row,) = await room.thread()
    assert (row["type"], row["preview"]) == ("call_end", "Llamada 0:35")
    assert row["call"] == {"missed": False, "ended": True, "status": "COMPLETED", "duration_s": 35}


async def test_a_call_of_ours_is_no_news() -> None:
    room = Room()
    ours = rang("connect", direction="BUSINESS_INITIATED", to=ANA) | {"from": "5255550107"}
    await room.receive("calls", calls=[ours])
    (row,) = await room.thread()
    assert (row["direction"], row["preview"], row["call"]["missed"]) == ("out", "Llamada nuestra", False)
    assert (await room.inbox())["unread"] == 0


async def test_a_history_is_in_the_thread_and_nothing_happens_because_of_it() -> None:
    room = Room()
    back = str(NOW - 3600)
    theirs = {"id": "wamid.h1", "from": ANA, "timestamp": back, "type": "text", "text": {"body": "antes"}}
    ours = {"id": "wamid.h2", "from": "5255550107", "to": ANA, "timestamp": back, "type": "text"}
    thread = {"id": ANA, "messages": [theirs, {**ours, "text": {"body": "va"}}]}
    await room.receive("history", history=[{"metadata": {"phase": 0}, "threads": [thread]}])
    first, second = await room.thread()
    assert [(each["direction"], each["source"], each["via"]) for each in (first, second)] == [
        ("in", "import", "del historial del teléfono"),
        ("out", "import", "del historial del teléfono"),
    ]
    assert first["whatsapp"] == theirs
    inbox = await room.inbox()
    assert (inbox["unread"], inbox["window_ends_at"]) == (0, None)
    recorded = [each for each in room.ingest.bus.events if each.type == "desk.message.recorded.v1"]
    assert {each.data.source for each in recorded} == {"import"}


async def test_the_phones_own_messages_say_so() -> None:
    room = Room()
    echo = said("wamid.e", "va") | {"from": "5255550107", "to": ANA}
    await room.receive("smb_message_echoes", message_echoes=[echo])
    (row,) = await room.thread()
    assert (row["direction"], row["via"], row["state"]) == ("out", "desde el teléfono", None)
    assert await room.ingest.world.items("deliveries") == []


@pytest.mark.parametrize(
    ("kind", "preview"),
    [
        ("image", "Foto para ver una sola vez: WhatsApp no lo entrega a empresas"),
        ("location", "Ubicación en tiempo real: WhatsApp no lo entrega a empresas"),
        ("poll_creation", "Encuesta: WhatsApp no lo entrega a empresas"),
        ("unheard_of", "Mensaje que WhatsApp no entrega a empresas"),
    ],
)
async def test_what_whatsapp_withholds_is_a_row_that_says_what_it_was(kind: str, preview: str) -> None:
    room = Room()
    errors = [{"code": 131051, "title": "Message type unknown"}]
    row = {"from": ANA, "id": "wamid.u", "timestamp": str(NOW), "type": "unsupported", "errors": errors}
    await room.receive(messages=[{**row, "unsupported": {"type": kind}}])
    (shown,) = await room.thread()
    assert shown["preview"] == preview
    assert shown["withheld"]["code"] == 131051
    assert shown["withheld"]["remedy"] == "Pide a la persona que lo envíe de otra forma"


async def test_a_file_too_large_for_whatsapp_is_a_row_with_its_name_and_the_reason() -> None:
    room = Room()
    errors = [{"code": 131052, "title": "Media download error"}]
    file = {"filename": "grabacion.mov", "mime_type": "video/quicktime"}
    row = {"from": ANA, "id": "wamid.l", "timestamp": str(NOW), "type": "document", "document": file}
    await room.receive(messages=[{**row, "errors": errors}])
    (shown,) = await room.thread()
    assert shown["preview"] == "Documento: grabacion.mov"
    assert shown["withheld"]["code"] == 131052
    assert [(each["mime"], each["url"]) for each in shown["media"]] == [("video/quicktime", None)]


async def told(room: Room, policy: dict[str, Any] | None) -> None:
    """A text edited twice and deleted, another one edited, under a policy."""
    if policy:
        await room.world.store.write(
            Put("config", {"pk": "settings", "sk": "changes", "version": 1, **policy})
        )
    await room.receive(messages=[said("wamid.1", "primero"), said("wamid.2", "queda")])
    await room.receive(messages=[edited("wamid.e1", "wamid.1", "segundo", NOW + 1)])
    await room.receive(messages=[edited("wamid.e2", "wamid.2", "queda bien", NOW + 2)])
    await room.receive(messages=[edited("wamid.e3", "wamid.2", "queda mejor", NOW + 3)])
    await room.receive(messages=[revoked("wamid.r", "wamid.1", NOW + 4)])


def words(shown: Any) -> tuple[str | None, list[str]]:
    first = shown["whatsapp"]["text"]["body"] if shown["whatsapp"] else None
    return first, [each["whatsapp"]["edit"]["message"]["text"]["body"] for each in shown["edits"]]


@pytest.mark.parametrize("role", ["agent", "editor", "admin"])
async def test_kept_second_thoughts_are_history_for_everybody(role: str) -> None:
    room = Room()
    await told(room, None)
    one, two = sorted(await room.thread(role), key=lambda each: str(words(each)))
    assert (words(one), one["revoked_at"] is None) == (("primero", ["segundo"]), False)
    assert words(two) == ("queda", ["queda bien", "queda mejor"])


async def test_hidden_second_thoughts_are_seen_by_admins_only() -> None:
    room = Room()
    await told(room, {"edited": "hide", "revoked": "hide"})
    for role in ("agent", "editor"):
        shown = {each["message_id"]: each for each in await room.thread(role)}
        gone, kept = shown[received_id(PNID, "wamid.1")], shown[received_id(PNID, "wamid.2")]
        assert (words(gone), gone["preview"], gone["revoked_at"] is None) == ((None, []), None, False)
        assert words(kept) == (None, ["queda mejor"])
    shown = {each["message_id"]: each for each in await room.thread("admin")}
    assert words(shown[received_id(PNID, "wamid.1")]) == ("primero", ["segundo"])
    assert (await room.item("wamid.1")).get("withdrawn") is None


@pytest.mark.parametrize("order", [0, 1])
async def test_erased_second_thoughts_are_gone_from_the_record(order: int) -> None:
    room = Room()
    await room.world.store.write(
        Put("config", {"pk": "settings", "sk": "changes", "version": 1, "revoked": "erase"})
    )
    todo = [said("wamid.1", "primero"), revoked("wamid.r", "wamid.1", NOW + 4)]
    for each in todo[::-1] if order else todo:
        await room.receive(messages=[each])
    (shown,) = await room.thread("admin")
    assert (words(shown), shown["revoked_at"] is None) == ((None, []), False)
    item = await room.item("wamid.1")
    assert item["withdrawn"] is True
    assert "sealed" not in item
    await room.receive(messages=[said("wamid.1", "primero")])
    assert await room.item("wamid.1") == item
    told_rev = max(e.data.rev for e in room.ingest.bus.events if e.type == "desk.message.recorded.v1")
    assert told_rev <= item["rev"]


async def test_erasing_edits_leaves_the_last_wording() -> None:
    room = Room()
    await told(room, {"edited": "erase", "revoked": "erase"})
    shown = {each["message_id"]: each for each in await room.thread("admin")}
    assert words(shown[received_id(PNID, "wamid.2")]) == (None, ["queda mejor"])
    assert words(shown[received_id(PNID, "wamid.1")]) == (None, [])
    sealed = [item["message_id"] for item in await room.ingest.world.items("messages") if "sealed" in item]
    assert received_id(PNID, "wamid.e2") not in sealed
    assert received_id(PNID, "wamid.e3") in sealed


async def test_the_inbox_does_not_go_on_showing_what_was_deleted() -> None:
    for word, text in (("keep", "primero"), ("hide", "Mensaje eliminado"), ("erase", "Mensaje eliminado")):
        room = Room()
        await room.world.store.write(
            Put("config", {"pk": "settings", "sk": "changes", "version": 1, "revoked": word})
        )
        await room.receive(messages=[said("wamid.1", "primero")])
        await room.receive(messages=[revoked("wamid.r", "wamid.1", NOW + 4)])
        assert (await room.inbox())["preview"]["text"] == text


async def test_admins_say_what_becomes_of_second_thoughts() -> None:
    world = World()
    async with world.client("admin") as client:
        before = await client.get("/v1/settings/changes")
        assert (before.json(), before.headers["etag"]) == (
            {"edited": "keep", "revoked": "keep", "version": 0},
            '"0"',
        )
        first = await client.put(
            "/v1/settings/changes", json={"revoked": "hide"}, headers={"If-None-Match": "*"}
        )
        assert first.json() == {"edited": "keep", "revoked": "hide", "version": 1}
        late = await client.put("/v1/settings/changes", json={}, headers={"If-None-Match": "*"})
        assert late.status_code == httpx.codes.PRECONDITION_FAILED
        wrong = await client.put(
            "/v1/settings/changes", json={"revoked": "burn"}, headers={"If-Match": '"1"'}
        )
        assert wrong.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [each["action"] for each in await world.audited()] == ["settings.changed"]
