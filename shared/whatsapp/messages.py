"""Every type of message that can arrive, discriminated on `type`; an unknown type is kept whole.

Members of a type are optional because Meta leaves them out (an `interactive` without its body beside
`value.errors` is real). Source: Meta, webhooks reference, "messages" pages (2026-06).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from shared.whatsapp import parts
from shared.whatsapp.wire import AliasedWire, Id, Stamp, Wire


class Message(AliasedWire):
    """What all types share; `to*` are present on echoes of what was sent from the Business app."""

    id: Id | None = None
    type: str | None = None
    timestamp: Stamp | None = None
    from_: Id | None = Field(default=None, alias="from")
    from_user_id: Id | None = None
    from_parent_user_id: Id | None = None
    to: Id | None = None
    to_user_id: Id | None = None
    to_parent_user_id: Id | None = None
    group_id: Id | None = None
    context: parts.Context | None = None
    referral: parts.Referral | None = None
    identity: parts.Identity | None = None
    errors: list[parts.MetaError] | None = None
    history_context: parts.HistoryContext | None = None
    origin: str | None = None


class TextMessage(Message):
    """Text."""

    type: Literal["text"]
    text: parts.Text | None = None


class ImageMessage(Message):
    """Photo."""

    type: Literal["image"]
    image: parts.Media | None = None


class VideoMessage(Message):
    """Video."""

    type: Literal["video"]
    video: parts.Media | None = None


class AudioMessage(Message):
    """Audio file, or a voice note with `voice`."""

    type: Literal["audio"]
    audio: parts.Media | None = None


class DocumentMessage(Message):
    """File with a name."""

    type: Literal["document"]
    document: parts.Media | None = None


class StickerMessage(Message):
    """Sticker."""

    type: Literal["sticker"]
    sticker: parts.Media | None = None


class LocationMessage(Message):
    """Place."""

    type: Literal["location"]
    location: parts.Location | None = None


class ContactsMessage(Message):
    """Contact cards."""

    type: Literal["contacts"]
    contacts: list[parts.Card] | None = None


class ReactionMessage(Message):
    """Emoji on an earlier message."""

    type: Literal["reaction"]
    reaction: parts.Reaction | None = None


class InteractiveMessage(Message):
    """Answer to a list, buttons or a form."""

    type: Literal["interactive"]
    interactive: parts.Interactive | None = None


class ButtonMessage(Message):
    """Pressed button of a template."""

    type: Literal["button"]
    button: parts.Button | None = None


class OrderMessage(Message):
    """Order from a catalogue."""

    type: Literal["order"]
    order: parts.Order | None = None


class SystemMessage(Message):
    """Change of number, BSUID or security code."""

    type: Literal["system"]
    system: parts.System | None = None


class WelcomeMessage(Message):
    """First opening of the chat, where welcome messages are enabled."""

    type: Literal["request_welcome"]


class UnsupportedMessage(Message):
    """Something Meta does not hand over; `errors` says 131051 or 131060."""

    type: Literal["unsupported"]
    unsupported: parts.UnsupportedDetail | None = None


class PlaceholderMessage(Message):
    """A medium of a synchronized history whose file follows later."""

    type: Literal["media_placeholder"]


class EditMessage(Message):
    """New content of an earlier message (coexistence numbers only, within 15 minutes)."""

    type: Literal["edit"]
    edit: "Edit | None" = None


class RevokeMessage(Message):
    """Deletion of an earlier message (coexistence numbers only, within 2 days)."""

    type: Literal["revoke"]
    revoke: parts.Revoke | None = None


class UnknownMessage(Message):
    """A type we do not know: all its own members are in the extras."""


MESSAGE_TYPES: dict[str, type[Message]] = {
    "text": TextMessage,
    "image": ImageMessage,
    "video": VideoMessage,
    "audio": AudioMessage,
    "document": DocumentMessage,
    "sticker": StickerMessage,
    "location": LocationMessage,
    "contacts": ContactsMessage,
    "reaction": ReactionMessage,
    "interactive": InteractiveMessage,
    "button": ButtonMessage,
    "order": OrderMessage,
    "system": SystemMessage,
    "request_welcome": WelcomeMessage,
    "unsupported": UnsupportedMessage,
    "media_placeholder": PlaceholderMessage,
    "edit": EditMessage,
    "revoke": RevokeMessage,
}


def model_for(value: Any) -> type[Message]:
    """The model of a message's `type`; `UnknownMessage` for any other."""
    kind = value.get("type") if isinstance(value, dict) else None
    return MESSAGE_TYPES.get(kind, UnknownMessage) if isinstance(kind, str) else UnknownMessage


def _typed(value: Any) -> Any:
    return value if isinstance(value, Message) else model_for(value).model_validate(value)


AnyMessage = Annotated[SerializeAsAny[Message], BeforeValidator(_typed)]
"""A message inside another object."""


class Edit(Wire):
    """The message an edit replaces and what replaces it."""

    original_message_id: Id | None = None
    message: AnyMessage | None = None


EditMessage.model_rebuild()
