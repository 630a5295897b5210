"""The events that a write of the record owes: built from items as stored, so that a repeat is the same event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from shared.clock import Clock
from shared.events.model import (
    AccountChanged,
    AccountChangedEvent,
    Change,
    Changed,
    ContactChanged,
    ContactChangedEvent,
    ConversationChanged,
    ConversationChangedEvent,
    DeliveryChanged,
    DeliveryChangedEvent,
    MediaRef,
    MediaSettled,
    MediaSettledEvent,
    MessageChanged,
    MessageRecorded,
    Recorded,
    UploadCompleted,
    UploadCompletedEvent,
)
from shared.record.inbound import Origin
from shared.store.port import Item

SOURCE = "/cdmx/record"
_TOLD_AS = {"call_end": "status"}  # how a call ended is the state of its row


def rfc3339(ms: int) -> str:
    """UTC with milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all events of one write share: when, in which trace, from which raw object."""

    at_ms: int
    traceparent: str | None = None
    correlation: str | None = None

    def of(self, event_id: str, subject: str) -> dict[str, Any]:
        """The CloudEvents attributes of one event."""
        return {
            "id": event_id,
            "source": SOURCE,
            "subject": subject,
            "time": rfc3339(self.at_ms),
            "traceparent": self.traceparent,
            "correlation": self.correlation,
        }


def of(clock: Clock, origin: Origin) -> Envelope:
    """The envelope of events that an item of WhatsApp causes now."""
    return Envelope(clock.now_ms(), origin.traceparent, origin.raw_id)


def recorded(message: Item, envelope: Envelope) -> MessageRecorded:
    """`message.recorded` of a message item at its revision."""
    media = tuple(MediaRef(n=each["n"], mime=each["mime"]) for each in message["media"])
    data = Recorded(**_facts(message), media=media)
    return MessageRecorded(**envelope.of(_id(message), message["pk"]), data=data)


def changed(message: Item, what: Sequence[str], envelope: Envelope) -> MessageChanged:
    """`message.changed` of a message item at its revision; kinds that are no change are left out."""
    told = [_TOLD_AS.get(kind, kind) for kind in what]
    kinds = tuple(change for change in get_args(Change) if change in told)
    data = Changed(**_facts(message), changed=kinds)
    return MessageChanged(**envelope.of(_id(message), message["pk"]), data=data)


def media_settled(message: Item, n: int, envelope: Envelope) -> MediaSettledEvent:
    """`media.settled` of the n-th medium; its id names the medium, for several settle in one message."""
    medium = next(each for each in message["media"] if each["n"] == n)
    data = MediaSettled(
        owner=message["message_id"],
        conversation_id=message["pk"],
        direction=message["direction"],
        n=n,
        state=medium["state"],
        rev=message["rev"],
        sha256=medium.get("sha256"),
    )
    event_id = f"{message['message_id']}#media{n}:{message['rev']}"
    return MediaSettledEvent(**envelope.of(event_id, message["pk"]), data=data)


def upload_completed(upload: Item, envelope: Envelope) -> UploadCompletedEvent:
    """`upload.completed` of an upload's item (shared/media/uploads.py) at its revision."""
    data = UploadCompleted(upload_id=upload["pk"], rev=upload["rev"])
    attributes = envelope.of(f"{upload['pk']}:{upload['rev']}", upload["pk"])
    return UploadCompletedEvent(**attributes, data=data)


def upload_settled(upload: Item, envelope: Envelope) -> MediaSettledEvent:
    """`media.settled` of an upload's item once its state is ready, failed or quarantined."""
    data = MediaSettled(
        owner=upload["pk"],
        conversation_id="",
        direction="out",
        n=0,
        state=upload["state"],
        rev=upload["rev"],
        sha256=upload.get("sha256"),
    )
    attributes = envelope.of(f"{upload['pk']}#media0:{upload['rev']}", upload["pk"])
    return MediaSettledEvent(**attributes, data=data)


def conversation_changed(
    conversation: Item, what: Sequence[str], envelope: Envelope
) -> ConversationChangedEvent:
    """`conversation.changed` of a conversation item at its revision."""
    cid, rev = conversation["pk"], conversation["rev"]
    data = ConversationChanged(conversation_id=cid, rev=rev, changed=tuple(what))
    return ConversationChangedEvent(**envelope.of(f"{cid}:{rev}", cid), data=data)


def contact_changed(contact_id: str, rev: int, envelope: Envelope) -> ContactChangedEvent:
    """`contact.changed`: names or aliases of a person changed."""
    data = ContactChanged(contact_id=contact_id, rev=rev)
    attributes = envelope.of(f"{contact_id}:{rev}", contact_id)
    return ContactChangedEvent(**attributes, type="desk.contact.changed.v1", data=data)


def contact_erased(contact_id: str, rev: int, envelope: Envelope) -> ContactChangedEvent:
    """`contact.erased`: nothing is kept of a person any more."""
    data = ContactChanged(contact_id=contact_id, rev=rev)
    attributes = envelope.of(f"{contact_id}:{rev}", contact_id)
    return ContactChangedEvent(**attributes, type="desk.contact.erased.v1", data=data)


def contact_merged(contact_id: str, rev: int, into: str, envelope: Envelope) -> ContactChangedEvent:
    """`contact.merged`: two entries turned out to be one person."""
    data = ContactChanged(contact_id=contact_id, rev=rev, into=into)
    attributes = envelope.of(f"{contact_id}:{rev}", contact_id)
    return ContactChangedEvent(**attributes, type="desk.contact.merged.v1", data=data)


def contact_unmerged(contact_id: str, rev: int, into: str, envelope: Envelope) -> ContactChangedEvent:
    """`contact.unmerged`: an entry is a person of its own again; `into` names the one it was merged into."""
    data = ContactChanged(contact_id=contact_id, rev=rev, into=into)
    attributes = envelope.of(f"{contact_id}:{rev}", contact_id)
    return ContactChangedEvent(**attributes, type="desk.contact.unmerged.v1", data=data)


def delivery_changed(delivery: Item, envelope: Envelope) -> DeliveryChangedEvent:
    """`delivery.changed` of a delivery item; towards WhatsApp it carries direction out."""
    data = DeliveryChanged(
        direction="out" if delivery["destination"].startswith("whatsapp:") else None,
        conversation_id=delivery["conversation_id"],
        destination_id=delivery["destination"],
        message_id=delivery["message_id"],
        part=delivery["part"],
        state=delivery["state"],
        rev=delivery["rev"],
    )
    event_id = f"{delivery['destination']}#{delivery['sk']}:{delivery['rev']}"
    return DeliveryChangedEvent(**envelope.of(event_id, delivery["conversation_id"]), data=data)


def account_changed(
    subject: str, what: str, state: str, item_id: str, envelope: Envelope
) -> AccountChangedEvent:
    """`account.changed` of one account event; each event is its own item, so its rev is 1."""
    data = AccountChanged(subject_id=subject, what=what, state=state, rev=1)
    return AccountChangedEvent(**envelope.of(f"{item_id}:1", subject), data=data)


def _id(message: Item) -> str:
    return f"{message['message_id']}:{message['rev']}"


def _facts(message: Item) -> dict[str, Any]:
    return {
        "conversation_id": message["pk"],
        "message_id": message["message_id"],
        "order_key": message["sk"],
        "rev": message["rev"],
        "direction": message["direction"],
        "type": message["type"],
        "source": message["source"],
    }
