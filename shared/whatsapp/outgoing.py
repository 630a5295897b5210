"""What the gateway sends: typed, limited as Meta limits it, and written as the blob of SendWhatsAppMessage.

A message is kept in the record in this form too (`record_form`), so that what an agent wrote and what came in
are read alike. `to_blob` adds what belongs to one attempt: the address and the attempt's id.
Sources: Meta, WhatsApp Cloud API, "Messages" reference (limits); AWS End User Messaging Social API
reference, SendWhatsAppMessage (`message`: 1..2,048,000 bytes).
"""

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from shared.errors import Poison
from shared.whatsapp.identity import is_bsuid
from shared.whatsapp.parts import MediaId
from shared.whatsapp.wire import Id, fault_of, unsound

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK = 512
MAX_BLOB = 2_048_000

_Short = Annotated[str, Field(min_length=1, max_length=256)]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ReplyTo(_Out):
    """The quoted message, by wamid."""

    message_id: Id


class TextBody(_Out):
    """At most 4,096 characters; longer text is split before it is recorded."""

    body: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    preview_url: bool | None = None


class File(_Out):
    """A file already given to Meta for this number: `id` comes from PostWhatsAppMessageMedia."""

    id: MediaId


class Captioned(File):
    """A file with words under it."""

    caption: Annotated[str, Field(max_length=MAX_CAPTION)] | None = None


class Named(Captioned):
    """A document; without a name the receiver sees none."""

    filename: _Short | None = None


class Sound(File):
    """Audio; `voice` shows it as a voice note (OGG with the Opus codec)."""

    voice: bool | None = None


class Place(_Out):
    """Degrees, WGS 84."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: _Short | None = None
    address: _Short | None = None


class CardName(_Out):
    """Meta asks for the formatted name and one part of it."""

    formatted_name: _Short
    first_name: _Short | None = None
    last_name: _Short | None = None

    @model_validator(mode="after")
    def _one_part(self) -> "CardName":
        if not (self.first_name or self.last_name):
            raise ValueError("first_name or last_name is needed beside formatted_name")
        return self


class CardPhone(_Out):
    """A number of a card; with `wa_id` the receiver can write to it."""

    phone: _Short
    wa_id: Id | None = None
    type: _Short | None = None


class CardEmail(_Out):
    """An address of a card."""

    email: _Short
    type: _Short | None = None


class Card(_Out):
    """A contact card."""

    name: CardName
    phones: list[CardPhone] | None = None
    emails: list[CardEmail] | None = None


class Emoji(_Out):
    """One emoji on a message; "" takes it back. Costs what a message costs."""

    message_id: Id
    emoji: Annotated[str, Field(max_length=32)]


class Language(_Out):
    """Locale of a template, e.g. `es_MX`."""

    code: Annotated[str, Field(min_length=2, max_length=15)]


class Template(_Out):
    """An approved template and its variables, in Meta's own component form."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Language
    components: list[dict[str, Any]] | None = None


class ReplyChoice(_Out):
    """A button's identity and label."""

    id: Annotated[str, Field(min_length=1, max_length=256)]
    title: Annotated[str, Field(min_length=1, max_length=20)]


class ReplyButton(_Out):
    """One of at most three buttons."""

    type: Literal["reply"] = "reply"
    reply: ReplyChoice


class Row(_Out):
    """A row of a list."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=24)]
    description: Annotated[str, Field(max_length=72)] | None = None


class Section(_Out):
    """Rows under a heading."""

    title: Annotated[str, Field(max_length=24)] | None = None
    rows: Annotated[list[Row], Field(min_length=1, max_length=10)]


class Words(_Out):
    """Main text of an interactive message."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_CAPTION)]


class Footer(_Out):
    """Small text below."""

    text: Annotated[str, Field(min_length=1, max_length=60)]


class ButtonAction(_Out):
    """The buttons."""

    buttons: Annotated[list[ReplyButton], Field(min_length=1, max_length=3)]


class ListAction(_Out):
    """The list behind a button; at most ten rows in all."""

    button: Annotated[str, Field(min_length=1, max_length=20)]
    sections: Annotated[list[Section], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _ten_rows(self) -> "ListAction":
        if sum(len(section.rows) for section in self.sections) > 10:  # noqa: PLR2004 - Meta: 10 rows in all
            raise ValueError("at most 10 rows in all sections together")
        return self


class Buttons(_Out):
    """Up to three reply buttons."""

    type: Literal["button"] = "button"
    body: Words
    footer: Footer | None = None
    action: ButtonAction


class Listing(_Out):
    """A list to choose from."""

    type: Literal["list"] = "list"
    body: Words
    footer: Footer | None = None
    action: ListAction


class _Sendable(_Out):
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


class Reaction(_Out):
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
