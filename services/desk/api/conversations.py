"""Reading conversations and messages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.desk.api.parts import ConversationId, Desk, MessageIdPath, Parts
from services.desk.drafts import MessageId
from services.desk.file_models import MediumDetail
from services.desk.inbox import Place
from services.desk.models import (
    Attempt,
    Conversation,
    ConversationPage,
    MessageDetail,
    MessagePage,
)
from services.desk.view import reason, status
from shared.http.access import Staff, StaffOrSupport
from shared.http.cursor import decode, encode
from shared.http.preconditions import IdempotencyKey
from shared.http.principal import CLEARED, SUPPORT, Principal
from shared.http.problems import Problem
from shared.objects.port import ObjectMissingError
from shared.record.events import rfc3339
from shared.record.reader import Thread, View
from shared.store.port import Item

RELATIONS = frozenset({"reaction", "edit", "revoke", "call_end"})
SPOKEN = ("audio/", "video/")
RAW_SOURCES = ("eum", "connect")

router = APIRouter(prefix="/v1", tags=["conversations"])
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query()]


class _InboxPosition(BaseModel):
    day: int
    before: str


class _ThreadPosition(BaseModel):
    side: Literal["older", "newer"]
    order_key: str


@router.get("/conversations", summary="The inbox, newest first")
async def inbox(caller: Staff, desk: Desk, cursor: Cursor = None, limit: Limit = 50) -> ConversationPage:
    """Conversations by their newest message. A page may be empty and still have a cursor: go on."""
    position = decode(cursor, _InboxPosition, "inbox")
    place = Place(position.day, position.before) if position else None
    page = await desk.inbox.page(limit, place)
    shown = await desk.renderer.conversations(page.items, caller)
    following = (
        encode(_InboxPosition(day=page.next.day, before=page.next.before), "inbox") if page.next else None
    )
    return ConversationPage(conversations=shown, cursor=following)


@router.get("/conversations/{conversation_id}", summary="One conversation")
async def conversation(caller: Staff, desk: Desk, conversation_id: ConversationId) -> Conversation:
    """A conversation; of a merged one, the thread that survived."""
    thread = await _thread(desk, conversation_id)
    union = {"window_ends_at": thread.window_ends_at, "unread": thread.unread}
    return await desk.renderer.conversation(thread.item, caller, **union)


@router.get("/conversations/{conversation_id}/messages", summary="A page of messages")
async def messages(
    caller: Staff,
    desk: Desk,
    conversation_id: ConversationId,
    around: Annotated[MessageId | None, Query()] = None,
    before: Annotated[MessageId | None, Query()] = None,
    after: Annotated[MessageId | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MessagePage:
    """The newest messages, or those around, before or after one; reactions, edits and revokes are folded in."""
    thread = await _thread(desk, conversation_id)
    scope = f"messages {conversation_id}"
    where = await _where(desk, around, before, after, decode(cursor, _ThreadPosition, scope))
    page = await desk.reader.page(conversation_id, **where, limit=limit)
    beside = await desk.renderer.beside(thread.item["pk"])
    if beside.protected and not beside.hidden_from(caller):
        await desk.audit.record(caller.agent_id, "protected.viewed", thread.item["pk"])
    views = await _unfolded(desk, page.views)
    keys = [view.item["sk"] for view in page.views]
    return MessagePage(
        messages=await desk.renderer.messages(views, caller, beside),
        older=_cursor(scope, "older", keys[:1]) if page.older else None,
        newer=_cursor(scope, "newer", keys[-1:]) if page.newer else None,
        window_ends_at=rfc3339(thread.window_ends_at) if thread.window_ends_at else None,
    )


@router.get("/messages/{message_id}", summary="One message with everything known of it")
async def message(caller: StaffOrSupport, desk: Desk, message_id: MessageIdPath) -> MessageDetail:
    """A message; the archived envelope only for roles admin and ops, and each look at it is audited."""
    view = await desk.reader.get_message(message_id)
    if view is None:
        raise Problem(404, "not-found", "message_id")
    beside = await desk.renderer.beside(view.item["pk"])
    fields = await desk.renderer.fields(view, caller, beside)
    shown = fields["whatsapp"] is not None
    if shown and beside.protected:
        await desk.audit.record(caller.agent_id, "protected.viewed", view.item["pk"])
    content = await desk.reader.open(view.item) if shown else None
    reported = [status(each, await desk.reader.open_child(each) if shown else None) for each in view.statuses]
    media = await desk.renderer.origins.details(fields["media"], cleared=caller.has(CLEARED))
    return MessageDetail(
        **{**fields, "statuses": reported, "media": media},
        value=dict(content.value) or None if content else None,
        attempts=[_attempt(each) for each in await _attempts(desk, view.item)],
        raw_id=view.item.get("raw_id"),
        raw=await _raw(desk, view.item, caller) if shown and caller.has(*SUPPORT) else None,
    )


@router.post(
    "/messages/{message_id}/media/{n}/transcript", status_code=202, summary="Have a sound transcribed"
)
async def transcribe(
    caller: Staff,
    desk: Desk,
    message_id: MessageIdPath,
    n: Annotated[int, Path(ge=0, le=99)],
    _key: IdempotencyKey,
) -> MediumDetail:
    """Ask for what is said in a voice note, an audio or a video; it comes with the live events.

    Of a protected person only who may read them, and each asking is audited: the sound goes to Amazon Transcribe.
    """
    view = await desk.reader.get_message(message_id)
    medium = next((each for each in view.item["media"] if each["n"] == n), None) if view else None
    if view is None or medium is None:
        raise Problem(404, "not-found", "message_id" if view is None else "n")
    beside = await desk.renderer.beside(view.item["pk"])
    if beside.hidden_from(caller) or await desk.renderer.takes_back(view, caller, beside):
        raise Problem(403, "forbidden")
    if medium["state"] != "ready" or not str(medium["mime"]).startswith(SPOKEN):
        raise Problem(409, "not-transcribable", "n")
    if beside.protected:
        await desk.audit.record(caller.agent_id, "protected.transcribed", view.item["pk"])
    await desk.transcripts.ask(view.item, n)
    fields = await desk.renderer.fields(view, caller, beside)
    media = await desk.renderer.origins.details(fields["media"], cleared=caller.has(CLEARED))
    return next(each for each in media if each.n == n)


async def _thread(desk: Parts, conversation_id: str) -> Thread:
    thread = await desk.reader.thread(conversation_id)
    if thread is None:
        raise Problem(404, "not-found", "conversation_id")
    return thread


async def _where(
    desk: Parts, around: str | None, before: str | None, after: str | None, position: _ThreadPosition | None
) -> dict[str, str]:
    """The reader's arguments for the one place that was asked for."""
    named = {"around": around, "before": before, "after": after}
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) + (position is not None) > 1:
        raise Problem(422, "invalid", "cursor" if position is not None else sorted(given)[1])
    if position is not None:
        return {"before" if position.side == "older" else "after": position.order_key}
    return {name: await _order_key(desk, name, value) for name, value in given.items()}


async def _order_key(desk: Parts, name: str, message_id: str) -> str:
    place = await desk.reader.find(message_id)
    if place is None:
        raise Problem(404, "not-found", name)
    return place.sk


def _cursor(scope: str, side: Literal["older", "newer"], keys: Sequence[str]) -> str | None:
    return encode(_ThreadPosition(side=side, order_key=keys[0]), scope) if keys else None


async def _unfolded(desk: Parts, views: Sequence[View]) -> list[View]:
    """Without the relations that are shown on the message they speak about; the others stand by themselves."""
    targets = [
        view.item["target"] for view in views if view.item["type"] in RELATIONS and "target" in view.item
    ]
    known = {target for target in dict.fromkeys(targets) if await desk.reader.find(target) is not None}
    return [
        view for view in views if view.item["type"] not in RELATIONS or view.item.get("target") not in known
    ]


async def _attempts(desk: Parts, item: Item) -> list[Item]:
    return await desk.replies.attempts(item) if item["direction"] == "out" and "author" in item else []


def _attempt(item: Item) -> Attempt:
    return Attempt(
        part=item["part"],
        state=item["state"],
        at=rfc3339(item["at"]) if item.get("at") else None,
        claimed_at=rfc3339(item["claimed_at"]) if item.get("claimed_at") else None,
        code=item.get("code"),
        reason=item.get("reason"),
        explained=reason(item["code"]) if item.get("code") is not None else None,
    )


async def _raw(desk: Parts, item: Item, caller: Principal) -> str | None:
    """The archived envelope; a look at it is recorded before it is shown."""
    if "raw_id" not in item:
        return None
    await desk.audit.record(caller.agent_id, "raw.viewed", item["message_id"])
    for source in RAW_SOURCES:
        try:
            body = await desk.raw.get(raw_key(source, item["arrival_ms"], item["raw_id"]))
        except ObjectMissingError:
            continue
        return body.decode("utf-8", "replace")
    return None


def raw_key(source: str, arrival_ms: int, raw_id: str) -> str:
    """Where an envelope is archived (CONTRACTS s.7): ten seconds of arrivals under one prefix."""
    at = datetime.fromtimestamp(arrival_ms // 1000, UTC)
    return f"raw/{source}/{at:%Y/%m/%d/%H%M}/{at.second // 10}0/{raw_id}.json"
