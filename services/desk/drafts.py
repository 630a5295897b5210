"""From what an agent asks to send to the drafts that are recorded; pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.desk.splitting import MAX_PARTS, split
from shared.errors import Poison
from shared.http.problems import Problem
from shared.ids import desk_id
from shared.record.outbound import Draft
from shared.whatsapp.content import of_outgoing
from shared.whatsapp.outgoing import Outgoing, parse, record_form

MAX_ASKED = 100_000  # characters of one request; what is longer is a document
MessageId = Annotated[str, Field(pattern=r"^[ioh]_[a-z2-7]{26}$")]
_Short = Annotated[str, Field(min_length=1, max_length=256)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextReply(_Asked):
    """Text; above 4,096 characters it goes out in several marked messages."""

    type: Literal["text"]
    text: Annotated[str, Field(min_length=1, max_length=MAX_ASKED)]
    preview_url: bool = Field(default=True, description="whether WhatsApp shows a preview of the first link")
    reply_to: MessageId | None = None


class ReactionReply(_Asked):
    """An emoji on a message; "" takes it back."""

    type: Literal["reaction"]
    target: MessageId
    emoji: Annotated[str, Field(max_length=32)]


class LocationReply(_Asked):
    """A place, in degrees."""

    type: Literal["location"]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: _Short | None = None
    address: _Short | None = None
    reply_to: MessageId | None = None


Reply = Annotated[TextReply | ReactionReply | LocationReply, Field(discriminator="type")]


def named(reply: TextReply | ReactionReply | LocationReply) -> str | None:
    """The message that a reply quotes or reacts to."""
    return reply.target if isinstance(reply, ReactionReply) else reply.reply_to


def part_id(agent_id: str, key: str, part: int) -> str:
    """message_id of the n-th message of one request; no Idempotency-Key can contain the separator."""
    return desk_id(agent_id, key if part == 0 else f"{key}\0{part}")


def drafts(
    reply: TextReply | ReactionReply | LocationReply,
    conversation_id: str,
    agent_id: str,
    key: str,
    wamid: str | None,
    traceparent: str | None = None,
) -> list[Draft]:
    """The drafts of one request, in order.

    Args:
        reply: what is asked.
        conversation_id: into which thread.
        agent_id: who asks.
        key: the request's Idempotency-Key.
        wamid: Meta's id of the message that is quoted or reacted to.
        traceparent: of the request.

    Raises:
        Problem: the text takes too many messages, or WhatsApp cannot take it at all.
    """
    target = named(reply)
    reaction = isinstance(reply, ReactionReply)
    made: list[Draft] = []
    for number, form in enumerate(_forms(reply, wamid)):
        message = _parsed(form)
        content = of_outgoing(message)
        made.append(
            Draft(
                message_id=part_id(agent_id, key, number),
                conversation_id=conversation_id,
                author=agent_id,
                type=reply.type,
                message=record_form(message),
                preview=content.preview,
                reply_to=target if not reaction and number == 0 else None,
                reacts_to=target if reaction else None,
                traceparent=traceparent,
            )
        )
    return made


def _parsed(form: Mapping[str, Any]) -> Outgoing:
    try:
        return parse(form)
    except Poison as error:  # what no field's own rule caught, such as half a character
        raise Problem(422, "invalid", "body") from error


def _forms(reply: TextReply | ReactionReply | LocationReply, wamid: str | None) -> list[Mapping[str, Any]]:
    quote = {"context": {"message_id": wamid}} if wamid is not None else {}
    if isinstance(reply, ReactionReply):
        return [{"type": "reaction", "reaction": {"message_id": wamid, "emoji": reply.emoji}}]
    if isinstance(reply, LocationReply):
        place = reply.model_dump(exclude={"type", "reply_to"}, exclude_none=True)
        return [{"type": "location", "location": place, **quote}]
    parts = split(reply.text)
    if len(parts) > MAX_PARTS:
        raise Problem(422, "text-too-long", "text", parts=len(parts), limit=MAX_PARTS)
    forms = [{"type": "text", "text": {"body": part, "preview_url": reply.preview_url}} for part in parts]
    return [{**forms[0], **quote}, *forms[1:]]
