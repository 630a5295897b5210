"""From what an agent asks to send to the drafts that are recorded; pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.desk.splitting import MAX_PARTS, split
from shared.errors import Poison
from shared.http.problems import Problem
from shared.ids import desk_id
from shared.record.outbound import Draft
from shared.record.shape import MediaItem
from shared.whatsapp.bodies import MAX_CAPTION
from shared.whatsapp.content import of_outgoing
from shared.whatsapp.outgoing import Outgoing, parse, record_form

UNKNOWN = "application/octet-stream"
MAX_ASKED = 100_000  # characters of one request; what is longer is a document
MessageId = Annotated[str, Field(pattern=r"^[ioh]_[a-z2-7]{26}$")]
_Short = Annotated[str, Field(min_length=1, max_length=256)]
_Caption = Annotated[str, Field(min_length=1, max_length=MAX_CAPTION)]


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


class _FileReply(_Asked):
    upload_id: Annotated[str, Field(pattern=r"^u_[a-z2-7]{26}$", description="completed, of the same kind")]
    reply_to: MessageId | None = None


class PictureReply(_FileReply):
    """A photo or a video, with words under it."""

    type: Literal["image", "video"]
    caption: _Caption | None = None


class SoundReply(_FileReply):
    """An audio file, a voice note or a sticker: they carry no words."""

    type: Literal["audio", "voice", "sticker"]


class DocumentReply(_FileReply):
    """A document; the receiver sees it under `filename`."""

    type: Literal["document"]
    filename: _Short
    caption: _Caption | None = None


FileReply = PictureReply | SoundReply | DocumentReply
AnyReply = TextReply | ReactionReply | LocationReply | FileReply
Reply = Annotated[AnyReply, Field(discriminator="type")]


def named(reply: AnyReply) -> str | None:
    """The message that a reply quotes or reacts to."""
    return reply.target if isinstance(reply, ReactionReply) else reply.reply_to


def part_id(agent_id: str, key: str, part: int) -> str:
    """message_id of the n-th message of one request; no Idempotency-Key can contain the separator."""
    return desk_id(agent_id, key if part == 0 else f"{key}\0{part}")


def drafts(
    reply: AnyReply,
    conversation_id: str,
    agent_id: str,
    key: str,
    wamid: str | None,
    traceparent: str | None = None,
    mime: str = UNKNOWN,
) -> list[Draft]:
    """The drafts of one request, in order.

    Args:
        reply: what is asked.
        conversation_id: into which thread.
        agent_id: who asks.
        key: the request's Idempotency-Key.
        wamid: Meta's id of the message that is quoted or reacted to.
        traceparent: of the request.
        mime: of the file, where it has one.

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
                type=content.kind,
                message=record_form(message),
                preview=content.preview,
                media=_files(reply, mime),
                flags=content.flags,
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


def _files(reply: AnyReply, mime: str) -> list[MediaItem]:
    """The one file of a message, to be settled by services/media whatever its upload's state (shared/media/uploads.py)."""
    if not isinstance(reply, FileReply):
        return []
    return [MediaItem(n=0, mime=mime, state="pending", upload_id=reply.upload_id)]


def _file(reply: FileReply) -> Mapping[str, Any]:
    """The message of a file; its id is ours until the gateway has given the file to Meta."""
    kind = "audio" if reply.type == "voice" else reply.type
    words = reply.model_dump(include={"caption", "filename"}, exclude_none=True)
    voice = {"voice": True} if reply.type == "voice" else {}
    return {"type": kind, kind: {"id": reply.upload_id, **words, **voice}}


def _forms(reply: AnyReply, wamid: str | None) -> list[Mapping[str, Any]]:
    quote = {"context": {"message_id": wamid}} if wamid is not None else {}
    if isinstance(reply, ReactionReply):
        return [{"type": "reaction", "reaction": {"message_id": wamid, "emoji": reply.emoji}}]
    if isinstance(reply, LocationReply):
        place = reply.model_dump(exclude={"type", "reply_to"}, exclude_none=True)
        return [{"type": "location", "location": place, **quote}]
    if isinstance(reply, FileReply):
        return [{**_file(reply), **quote}]
    parts = split(reply.text)
    if len(parts) > MAX_PARTS:
        raise Problem(422, "text-too-long", "text", parts=len(parts), limit=MAX_PARTS)
    forms = [{"type": "text", "text": {"body": part, "preview_url": reply.preview_url}} for part in parts]
    return [{**forms[0], **quote}, *forms[1:]]
