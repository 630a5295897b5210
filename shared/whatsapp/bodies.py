"""Bodies of outgoing messages, limited as Meta limits them.

Source: Meta, WhatsApp Cloud API, "Messages" reference and "Interactive messages" (lengths and counts).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.whatsapp.parts import MediaId
from shared.whatsapp.wire import Id

MAX_TEXT = 4096
MAX_CAPTION = 1024

_Short = Annotated[str, Field(min_length=1, max_length=256)]


class Out(BaseModel):
    """A part of an outgoing message: nothing but what Meta documents."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ReplyTo(Out):
    """The quoted message, by wamid."""

    message_id: Id


class TextBody(Out):
    """At most 4,096 characters; longer text is split before it is recorded."""

    body: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    preview_url: bool | None = None


class File(Out):
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


class Place(Out):
    """Degrees, WGS 84."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: _Short | None = None
    address: _Short | None = None


class CardName(Out):
    """Meta asks for the formatted name and one part of it."""

    formatted_name: _Short
    first_name: _Short | None = None
    last_name: _Short | None = None

    @model_validator(mode="after")
    def _one_part(self) -> "CardName":
        if not (self.first_name or self.last_name):
            raise ValueError("first_name or last_name is needed beside formatted_name")
        return self


class CardPhone(Out):
    """A number of a card; with `wa_id` the receiver can write to it."""

    phone: _Short
    wa_id: Id | None = None
    type: _Short | None = None


class CardEmail(Out):
    """An address of a card."""

    email: _Short
    type: _Short | None = None


class Card(Out):
    """A contact card."""

    name: CardName
    phones: list[CardPhone] | None = None
    emails: list[CardEmail] | None = None


class Emoji(Out):
    """One emoji on a message; "" takes it back. Costs what a message costs."""

    message_id: Id
    emoji: Annotated[str, Field(max_length=32)]


class Language(Out):
    """Locale of a template, e.g. `es_MX`."""

    code: Annotated[str, Field(min_length=2, max_length=15)]


class Template(Out):
    """An approved template and its variables, in Meta's own component form."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Language
    components: list[dict[str, Any]] | None = None


class ReplyChoice(Out):
    """A button's identity and label."""

    id: Annotated[str, Field(min_length=1, max_length=256)]
    title: Annotated[str, Field(min_length=1, max_length=20)]


class ReplyButton(Out):
    """One of at most three buttons."""

    type: Literal["reply"] = "reply"
    reply: ReplyChoice


class Row(Out):
    """A row of a list."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=24)]
    description: Annotated[str, Field(max_length=72)] | None = None


class Section(Out):
    """Rows under a heading."""

    title: Annotated[str, Field(max_length=24)] | None = None
    rows: Annotated[list[Row], Field(min_length=1, max_length=10)]


class Words(Out):
    """Main text of an interactive message."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_CAPTION)]


class Footer(Out):
    """Small text below."""

    text: Annotated[str, Field(min_length=1, max_length=60)]


class ButtonAction(Out):
    """The buttons."""

    buttons: Annotated[list[ReplyButton], Field(min_length=1, max_length=3)]


class ListAction(Out):
    """The list behind a button; at most ten rows in all."""

    button: Annotated[str, Field(min_length=1, max_length=20)]
    sections: Annotated[list[Section], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _ten_rows(self) -> "ListAction":
        if sum(len(section.rows) for section in self.sections) > 10:  # noqa: PLR2004 - Meta: 10 rows in all
            raise ValueError("at most 10 rows in all sections together")
        return self


class Buttons(Out):
    """Up to three reply buttons."""

    type: Literal["button"] = "button"
    body: Words
    footer: Footer | None = None
    action: ButtonAction


class Listing(Out):
    """A list to choose from."""

    type: Literal["list"] = "list"
    body: Words
    footer: Footer | None = None
    action: ListAction
