"""Desk events: what travels over SNS. CloudEvents 1.0 attribute names; ids and facts, never content.

An event is a poke: whoever receives one reads the record, consistently. `id` is `<item id>:<rev>`, so a
repeated event has the id of the first. Source: CloudEvents 1.0.2 spec (attribute names only).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Direction = Literal["in", "out"]
Source = Literal["live", "import", "replay"]
Change = Literal[
    "status", "reaction", "edit", "revoke", "media", "transcript", "ocr", "attempt", "delivery", "erased"
]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MediaRef(_Data):
    """One medium of a message: its position and type."""

    n: int
    mime: str


class Recorded(_Data):
    """A message was kept."""

    conversation_id: str
    message_id: str
    order_key: str
    rev: int
    direction: Direction
    type: str
    source: Source
    media: tuple[MediaRef, ...] = ()


class Changed(_Data):
    """A kept message changed."""

    conversation_id: str
    message_id: str
    order_key: str
    rev: int
    direction: Direction
    type: str
    source: Source
    changed: tuple[Change, ...]


class MediaSettled(_Data):
    """A medium reached its outcome; `direction` of its message is what the send queue filters on.

    Of an upload `owner` is its upload_id, `conversation_id` empty: it is in no conversation yet, or in several.
    """

    owner: str
    direction: Direction | None = None
    conversation_id: str
    n: int
    state: Literal["ready", "failed", "quarantined"]
    rev: int
    sha256: str | None = None


class UploadCompleted(_Data):
    """A file of an agent lies in the bucket whole; see shared/media/uploads.py."""

    upload_id: str
    rev: int


class ConversationChanged(_Data):
    """State of a thread changed."""

    conversation_id: str
    rev: int
    changed: tuple[str, ...]


class ContactChanged(_Data):
    """A person's entry changed; `into` names the survivor of a merge."""

    contact_id: str
    rev: int
    into: str | None = None


class DeliveryChanged(_Data):
    """A delivery to a destination (or an attempt towards WhatsApp: direction out) changed."""

    direction: Direction | None = None
    conversation_id: str
    destination_id: str
    message_id: str
    part: str
    state: str
    rev: int


class AccountChanged(_Data):
    """Something about our number, account or templates changed."""

    subject_id: str
    what: str
    state: str
    rev: int


class AlertRaised(_Data):
    """A person must look."""

    name: str
    severity: Literal["page", "warn"]
    runbook: str


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    subject: str
    time: str
    traceparent: str | None = None
    correlation: str | None = None


class MessageRecorded(_Event):
    """`desk.message.recorded.v1`."""

    type: Literal["desk.message.recorded.v1"] = "desk.message.recorded.v1"
    data: Recorded


class MessageChanged(_Event):
    """`desk.message.changed.v1`."""

    type: Literal["desk.message.changed.v1"] = "desk.message.changed.v1"
    data: Changed


class MediaSettledEvent(_Event):
    """`desk.media.settled.v1`."""

    type: Literal["desk.media.settled.v1"] = "desk.media.settled.v1"
    data: MediaSettled


class UploadCompletedEvent(_Event):
    """`desk.upload.completed.v1`."""

    type: Literal["desk.upload.completed.v1"] = "desk.upload.completed.v1"
    data: UploadCompleted


class ConversationChangedEvent(_Event):
    """`desk.conversation.changed.v1`."""

    type: Literal["desk.conversation.changed.v1"] = "desk.conversation.changed.v1"
    data: ConversationChanged


class ContactChangedEvent(_Event):
    """`desk.contact.changed.v1`, `.merged`, `.unmerged`, `.erased`."""

    type: Literal[
        "desk.contact.changed.v1",
        "desk.contact.merged.v1",
        "desk.contact.unmerged.v1",
        "desk.contact.erased.v1",
    ]
    data: ContactChanged


class DeliveryChangedEvent(_Event):
    """`desk.delivery.changed.v1`."""

    type: Literal["desk.delivery.changed.v1"] = "desk.delivery.changed.v1"
    data: DeliveryChanged


class AccountChangedEvent(_Event):
    """`desk.account.changed.v1`."""

    type: Literal["desk.account.changed.v1"] = "desk.account.changed.v1"
    data: AccountChanged


class AlertRaisedEvent(_Event):
    """`desk.alert.raised.v1`."""

    type: Literal["desk.alert.raised.v1"] = "desk.alert.raised.v1"
    data: AlertRaised


Event = (
    MessageRecorded
    | MessageChanged
    | MediaSettledEvent
    | UploadCompletedEvent
    | ConversationChangedEvent
    | ContactChangedEvent
    | DeliveryChangedEvent
    | AccountChangedEvent
    | AlertRaisedEvent
)
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
