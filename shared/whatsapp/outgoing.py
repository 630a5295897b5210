"""What the gateway sends: typed, limited as Meta limits it, and written as the blob of SendWhatsAppMessage.

A message is kept in the record in this form too (`record_form`), so that what an agent wrote and what came in
are read alike. `to_blob` adds what belongs to one attempt: the address and the attempt's id.
Sources: Meta, WhatsApp Cloud API, "Messages" reference (limits); AWS End User Messaging Social API
reference, SendWhatsAppMessage (`message`: 1..2,048,000 bytes).
"""

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from shared.errors import Poison
from shared.whatsapp.bodies import (
    Buttons,
    Captioned,
    Card,
    Emoji,
    File,
    Listing,
    Named,
    Out,
    Place,
    ReplyTo,
    Sound,
    Template,
    TextBody,
)
from shared.whatsapp.identity import is_bsuid
from shared.whatsapp.wire import fault_of, unsound

MAX_CALLBACK = 512
MAX_BLOB = 2_048_000


class _Sendable(Out):
    context: ReplyTo | None = None


class Text(_Sendable):
    """Text."""

    type: Literal["text"] = "text"
    text: TextBody


class Image(_Sendable):
    """Photo."""

    type: Literal["image"] = "image"
    image: Captioned


class Video(_Sendable):
    """Video."""

    type: Literal["video"] = "video"
    video: Captioned


class Audio(_Sendable):
    """Audio or voice note."""

    type: Literal["audio"] = "audio"
    audio: Sound


class Document(_Sendable):
    """Document."""

    type: Literal["document"] = "document"
    document: Named


class Sticker(_Sendable):
    """Sticker."""

    type: Literal["sticker"] = "sticker"
    sticker: File


class Location(_Sendable):
    """Place."""

    type: Literal["location"] = "location"
    location: Place


class Contacts(_Sendable):
    """Contact cards."""

    type: Literal["contacts"] = "contacts"
    contacts: Annotated[list[Card], Field(min_length=1, max_length=257)]


class Reaction(Out):
    """Emoji on a message; it quotes nothing."""

    type: Literal["reaction"] = "reaction"
    reaction: Emoji


class TemplateMessage(_Sendable):
    """Template: the only message outside the service window."""

    type: Literal["template"] = "template"
    template: Template


class Interactive(_Sendable):
    """Buttons or a list."""

    type: Literal["interactive"] = "interactive"
    interactive: Annotated[Buttons | Listing, Field(discriminator="type")]


Outgoing = (
    Text
    | Image
    | Video
    | Audio
    | Document
    | Sticker
    | Location
    | Contacts
    | Reaction
    | TemplateMessage
    | Interactive
)
OUTGOING: TypeAdapter[Outgoing] = TypeAdapter(Annotated[Outgoing, Field(discriminator="type")])


def parse(value: Any) -> Outgoing:
    """An outgoing message from its record form. Raises Poison naming the field."""
    if fault := unsound(value):
        raise Poison(*fault)
    try:
        return OUTGOING.validate_python(value)
    except ValidationError as error:
        raise Poison(*fault_of(error)) from None


def record_form(message: Outgoing) -> dict[str, Any]:
    """The JSON object the record seals: Meta's shape without address and attempt."""
    return message.model_dump(exclude_none=True, mode="json")


def to_blob(message: Outgoing, attempt: str, *, to: str | None = None, recipient: str | None = None) -> bytes:
    """`message` of SendWhatsAppMessage.

    Args:
        message: what to send.
        attempt: id of the attempt; statuses bring it back as `biz_opaque_callback_data`.
        to: the person's number exactly as it was received.
        recipient: the person's BSUID, where there is no number (with both Meta takes `to`).

    Raises:
        Poison: neither address, a BSUID in `to`, an attempt too long, or more bytes than the API takes.
    """
    address = _address(to, recipient)
    if not 0 < len(attempt) <= MAX_CALLBACK:
        raise Poison("bad_field", f"attempt: 1 to {MAX_CALLBACK} characters")
    head = {"messaging_product": "whatsapp", "recipient_type": "individual", **address}
    blob = orjson.dumps({**head, **record_form(message), "biz_opaque_callback_data": attempt})
    if len(blob) > MAX_BLOB:
        raise Poison("too_long", f"message: at most {MAX_BLOB} bytes")
    return blob


def _address(to: str | None, recipient: str | None) -> dict[str, str]:
    if to and is_bsuid(to):
        raise Poison("bad_field", "to: a BSUID goes into recipient")
    if to:
        return {"to": to}
    if recipient:
        return {"recipient": recipient}
    raise Poison("missing_field", "to: a number or a BSUID is needed")


def read_receipt(wamid: str, *, typing: bool = False) -> bytes:
    """Blob that marks a message read; `typing` also shows "typing" for 25 s or until the reply."""
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    return orjson.dumps({**receipt, **({"typing_indicator": {"type": "text"}} if typing else {})})
