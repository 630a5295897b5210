"""What an envelope is taken apart into; `items.items` does it.

`kind` says what the record makes of an item: message, status, account, connect, witness, unknown or rejected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from shared.whatsapp import identity
from shared.whatsapp.calls import Call
from shared.whatsapp.connect import ChatMessage, ContactEvent
from shared.whatsapp.listed import HistoryChunk, Thread
from shared.whatsapp.messages import Message
from shared.whatsapp.parts import Contact, Head, Metadata
from shared.whatsapp.statuses import Status
from shared.whatsapp.wire import Wire, dump, untyped_leaves
from shared.whatsapp.witness import Witness

ECHOES = "message_echoes"
HISTORY = "history"
PartT_co = TypeVar("PartT_co", bound=Wire, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A part of an envelope: `position` is added to its arrival as ns, `path` says where it stood."""

    kind: ClassVar[str]
    position: int
    path: str

    def untyped(self) -> list[str]:
        """Paths of leaves that no model types."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaItem(Item, Generic[PartT_co]):
    """A part of a change. `member` names the list of the value it stood in ("" = it was the value itself).

    `contact` is the person it is about, `others` contacts of the change that belong to nobody in it (they
    ride on the change's first item, so that nothing is lost).
    """

    waba_id: str | None
    pnid: str | None
    field: str
    time: int | str | None
    head: Head
    member: str
    part: PartT_co
    contact: Contact | None = None
    others: tuple[Contact, ...] = ()

    @property
    def metadata(self) -> Metadata:
        """Which of our numbers it concerns; empty where the payload does not say."""
        return self.head.metadata or Metadata()

    def value(self) -> dict[str, Any]:
        """The change's value as Meta shapes it, with this one part in it: what the record seals."""
        people = [dump(one) for one in (self.contact, *self.others) if one is not None]
        own = {self.member: [dump(self.part)]} if self.member else dump(self.part)
        return {**dump(self.head), **({"contacts": people} if people else {}), **own}

    def untyped(self) -> list[str]:
        """Paths of leaves that no model types, from the value down."""
        people = (one for one in (self.contact, *self.others) if one is not None)
        known = [
            *untyped_leaves(self.head),
            *(f"contacts.{p}" for one in people for p in untyped_leaves(one)),
        ]
        prefix = f"{self.member}." if self.member else ""
        return [*known, *(f"{prefix}{path}" for path in untyped_leaves(self.part))]

    def person(self) -> identity.Person:
        """Keys of the person it is about, as its own members name them; empty where they name none."""
        return identity.of_part(self.part, echo=self.member == ECHOES)

    def people(self) -> tuple[identity.Person, ...]:
        """The same person as the part and as its contact name them."""
        own = self.person()
        return (own, identity.of_contact(self.contact)) if self.contact else (own,)


class MessageItem(MetaItem[Message]):
    """A message, an edit, a revoke, a reaction; with member `message_echoes` what our own phone sent."""

    kind = "message"
    __slots__ = ()

    @property
    def message(self) -> Message:
        """The typed message."""
        return self.part

    @property
    def wamid(self) -> str:
        """Meta's id of the message."""
        return self.message.id or ""

    @property
    def echo(self) -> bool:
        """Whether the newsroom's own phone sent it."""
        return self.member == ECHOES

    @property
    def past(self) -> bool:
        """Whether it comes from the Business app's synchronized history: nothing may happen because of it."""
        return self.field == HISTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryItem(MessageItem):
    """A message inside a synchronized history; `chunk` and `thread` are what it stood in, less their messages."""

    chunk: HistoryChunk
    thread: Thread

    @property
    def echo(self) -> bool:
        """Whether our side wrote it: Meta says so, or it names a recipient, or it comes from our number."""
        said, ours = self.message, self.metadata.display_phone_number
        told = said.history_context.from_me if said.history_context else None
        if told is not None:
            return told
        return said.to is not None or identity.same_number(said.from_, ours)

    def value(self) -> dict[str, Any]:
        """The change's value with this one message in this one thread."""
        thread = {**dump(self.thread), "messages": [dump(self.part)]}
        people = [dump(one) for one in (self.contact, *self.others) if one is not None]
        chunk = {**dump(self.chunk), "threads": [thread]}
        return {**dump(self.head), **({"contacts": people} if people else {}), HISTORY: [chunk]}

    def untyped(self) -> list[str]:
        """Paths of leaves that no model types, from the value down."""
        front = f"{HISTORY}.threads"
        return [
            *untyped_leaves(self.head),
            *(f"{HISTORY}.{path}" for path in untyped_leaves(self.chunk)),
            *(f"{front}.{path}" for path in untyped_leaves(self.thread)),
            *(f"{front}.messages.{path}" for path in untyped_leaves(self.part)),
        ]

    def person(self) -> identity.Person:
        """The customer of the thread, whoever wrote."""
        context = self.thread.context
        named = identity.person(context.user_id, context.wa_id) if context else identity.Person()
        return named or identity.person(None, self.thread.id) or identity.of_part(self.part, echo=self.echo)


class StatusItem(MetaItem[Status]):
    """A status of something we sent; those of field `calls` are about a call."""

    kind = "status"
    __slots__ = ()

    @property
    def status(self) -> Status:
        """The typed status."""
        return self.part


class CallItem(MetaItem[Call]):
    """A call offered or ended: a row of its thread, since nobody answers it here."""

    kind = "message"
    __slots__ = ()

    @property
    def call(self) -> Call:
        """The typed call."""
        return self.part


class AccountItem(MetaItem[Wire]):
    """A fact about our account, numbers, templates, groups, or a person's preference; see account.py."""

    kind = "account"
    __slots__ = ()

    @property
    def fact(self) -> Wire:
        """The typed fact."""
        return self.part


class ErrorsItem(MetaItem[Wire]):
    """`value.errors` with nothing else: an error of the account or application; they are in `head.errors`."""

    kind = "account"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessItem(Item):
    """EUM Social's second signal."""

    kind: ClassVar[str] = "witness"
    event: Witness

    def untyped(self) -> list[str]:
        """Paths of leaves that no model types."""
        return untyped_leaves(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectItem(Item):
    """A chat message or contact event; `raw` is the event with its keys as they came."""

    kind: ClassVar[str] = "connect"
    event: ChatMessage | ContactEvent
    attributes: Mapping[str, str]
    contact_id: str | None
    instance_id: str | None
    raw: dict[str, Any]

    def untyped(self) -> list[str]:
        """Paths of leaves that no model types."""
        return untyped_leaves(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownItem(Item):
    """Something we have no model for; `what` is its webhook field or shape."""

    kind: ClassVar[str] = "unknown"
    what: str
    raw: Any
    waba_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedItem(Item):
    """A part that cannot be read: it is parked with its reason; `path` names the field, never its content."""

    kind: ClassVar[str] = "rejected"
    reason: str


AnyItem = (
    MessageItem
    | HistoryItem
    | StatusItem
    | CallItem
    | AccountItem
    | ErrorsItem
    | WitnessItem
    | ConnectItem
    | UnknownItem
    | RejectedItem
)
