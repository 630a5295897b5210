"""What ingest, import and replay hand to the record: facts already understood, content still whole.

The record knows no wire format. Clear members are ids and facts; `content` is what will be sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.ids import received_id
from shared.vault.pepper import AliasKind

Direction = Literal["in", "out"]
Source = Literal["live", "import", "replay"]
RelationKind = Literal["reaction", "edit", "revoke", "call_end"]


@dataclass(frozen=True, slots=True)
class Alias:
    """One way to know a person; the value never leaves memory, only its HMAC does."""

    kind: AliasKind
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: all aliases a payload names, and what is known of them (sealed in contacts)."""

    aliases: tuple[Alias, ...]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item comes from.

    Attributes:
        raw_id: hash of the archived envelope.
        position: place of the item in the envelope.
        arrival_ns: when the envelope was published, in ns, without the position.
        source: live, import or replay.
        traceparent: W3C trace context of the receive, if any.
    """

    raw_id: str
    position: int
    arrival_ns: int
    source: Source = "live"
    traceparent: str | None = None

    @property
    def at_ns(self) -> int:
        """Arrival of the item: the envelope's, plus its position as ns."""
        return self.arrival_ns + self.position

    @property
    def at_ms(self) -> int:
        """The same in ms."""
        return self.at_ns // 1_000_000


@dataclass(frozen=True, slots=True)
class MediaSlot:
    """One medium of a message; its id at Meta is part of the content. `lost` = why it will never come."""

    n: int
    mime: str
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A reaction, edit, revoke or end of a call, and the wamid it speaks about."""

    kind: RelationKind
    wamid: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a message of an import has in place of a wamid: an id of its own, and its place in its minute.

    `rev` is its first revision: the clock's, so that a line which was taken back and is imported again outranks
    what consumers remember of it.
    """

    message_id: str
    place: int
    rev: int = 1


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from WhatsApp: received, or echoed from the newsroom's own phone.

    Attributes:
        pnid: our number, as Meta's phone number id.
        wamid: Meta's id of the message.
        message: the message object as received; its hash tells a redelivery from a variant.
        content: what is sealed, `message` included (see shape.MessageItem).
        ts_s: Meta's timestamp in seconds, None where it is missing or no number.
        free_entry: the message came through an ad (referral).
        imported: set for a line of an export; `wamid` is then its message_id.
    """

    origin: Origin
    pnid: str
    wamid: str
    person: Person
    type: str
    message: Any
    content: Mapping[str, Any]
    ts_s: int | None
    preview: str = ""
    direction: Direction = "in"
    echo: bool = False
    group_id: str | None = None
    flags: tuple[str, ...] = ()
    media: tuple[MediaSlot, ...] = ()
    reply_to: str | None = None
    relation: Relation | None = None
    free_entry: bool = False
    imported: Imported | None = None

    @property
    def message_id(self) -> str:
        """The id it is kept under."""
        return self.imported.message_id if self.imported else received_id(self.pnid, self.wamid)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A status of one of our messages.

    Attributes:
        attempt: `biz_opaque_callback_data` as it came back, ours or not.
        status: Meta's word, unknown ones included.
        participant: in a group, who the status is about; part of the status's identity.
        part: the status object as received; its hash tells a redelivery from another one of the same word.
        pricing: what Meta charges, in clear for the cost meter.
    """

    origin: Origin
    pnid: str
    wamid: str
    status: str
    content: Mapping[str, Any]
    ts_s: int | None
    person: Person
    attempt: str | None = None
    participant: Alias | None = None
    code: int | None = None
    part: Any = None
    pricing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why a person must look: the alert's name (its runbook has the same) and how much it hurries."""

    name: str
    severity: Literal["page", "warn"]


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Something about our number, account, templates or a person's preferences.

    Attributes:
        key: partition of `policy` it belongs to, such as `NUMBER#<pnid>`; for a person's preference only
            the prefix (`OPTOUT`), completed with the contact_id.
        subject: pnid or WABA, for the event.
        state: Meta's word for the new state, as a fact to filter on.
        facts: clear facts for the guard; content is sealed.
        alarm: set where a person must look.
    """

    origin: Origin
    key: str
    subject: str
    what: str
    state: str
    content: Mapping[str, Any]
    ts_s: int | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    person: Person | None = None
    alarm: Alarm | None = None
