"""Writing into conversations."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from services.desk.api.parts import ConversationId, Desk, MessageIdPath
from services.desk.drafts import Reply
from services.desk.models import Accepted, AcceptedReply
from shared.http.access import Staff
from shared.http.preconditions import IdempotencyKey
from shared.store.port import Item

router = APIRouter(prefix="/v1", tags=["replies"])
Traceparent = Annotated[str | None, Header(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]


@router.post("/conversations/{conversation_id}/messages", status_code=202, summary="Reply")
async def reply(
    caller: Staff,
    desk: Desk,
    conversation_id: ConversationId,
    asked: Reply,
    key: IdempotencyKey,
    response: Response,
    traceparent: Traceparent = None,
) -> AcceptedReply:
    """Record a reply and owe its sending. The gateway decides; its decision comes with the live events."""
    kept = await desk.replies.reply(conversation_id, asked, caller, key, traceparent)
    response.headers["Location"] = f"/v1/messages/{kept[0]['message_id']}"
    return AcceptedReply(messages=[_accepted(item) for item in kept])


@router.post("/messages/{message_id}/retry", status_code=202, summary="Send once more")
async def retry(caller: Staff, desk: Desk, message_id: MessageIdPath, key: IdempotencyKey) -> Accepted:
    """One more attempt of a message that failed, or stayed unconfirmed for a minute: a person decides."""
    return _accepted(await desk.replies.retry(message_id, caller, key))


def _accepted(item: Item) -> Accepted:
    return Accepted(
        message_id=item["message_id"],
        conversation_id=item["pk"],
        order_key=item["sk"],
        state=item["state"],
        rev=item["rev"],
    )
