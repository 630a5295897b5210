"""From Connect's events to rows, and which of them go on to WhatsApp: pure.

The relay itself belongs to whoever owns the chats: it takes `relayed(item)`, compares contact, instance and
participant with the chat it opened (CONTRACTS s.6), and owes the message.
Source: Amazon Connect administrator guide, "Enable real-time chat message streaming" (roles, visibility, types).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.record.codec import clear
from shared.record.connect import NOBODY, ConnectRow, Kind
from shared.record.inbound import Origin
from shared.whatsapp.connect import Attachment, ChatMessage
from shared.whatsapp.envelope import instant_ns
from shared.whatsapp.item import ConnectItem

TO_CUSTOMER = frozenset({"CUSTOMER", "ALL"})
AGENT = "AGENT"
APPROVED = "APPROVED"
TEXT = frozenset({"text/plain", "text/markdown"})
_KINDS: Mapping[str, Kind] = {"MESSAGE": "message", "EVENT": "event", "ATTACHMENT": "attachment"}
_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Relayed:
    """What an agent wrote in the CCP for the customer to read.

    Attributes:
        item_id: Connect's id; the message's own id is made of it.
        at_ns: Connect's clock, by which agents' messages are ordered.
        text: what was written; empty for a file.
        attachments: files that Connect's scanner let through.
    """

    item_id: str
    contact: str
    instance: str
    participant: str
    at_ns: int
    text: str
    attachments: tuple[Attachment, ...]


def row(item: ConnectItem, origin: Origin) -> ConnectRow:
    """A chat item or contact event as the record keeps it; what lacks an id of its own is known by its envelope."""
    own, event = f"{origin.raw_id}.{origin.position}", item.event
    if isinstance(event, ChatMessage):
        return ConnectRow(
            origin=origin,
            item_id=event.id or own,
            contact=event.contact_id or NOBODY,
            instance=item.instance_id or "",
            kind=_KINDS.get(event.type or "", "event"),
            what=clear(event.content_type or event.type or ""),
            at_ms=_ms(event.absolute_time, origin),
            content=item.raw,
            role=clear(event.participant_role) if event.participant_role else "",
            visibility=visibility(item),
            participant=event.participant_id or "",
        )
    detail = event.detail
    return ConnectRow(
        origin=origin,
        item_id=event.id or own,
        contact=item.contact_id or NOBODY,
        instance=item.instance_id or "",
        kind="contact",
        what=clear((detail.event_type if detail else None) or ""),
        at_ms=_ms(event.time, origin),
        content=item.raw,
    )


def relayed(item: ConnectItem) -> Relayed | None:
    """What of a chat goes to the customer: an agent's words and files, never a flow's, a bot's, or a note's."""
    event = item.event
    if not isinstance(event, ChatMessage) or event.id is None or event.participant_role != AGENT:
        return None
    if visibility(item) not in TO_CUSTOMER:
        return None
    files = tuple(each for each in event.attachments or () if each.status == APPROVED)
    said = event.content or "" if event.type == "MESSAGE" and (event.content_type or "") in TEXT else ""
    if not said and not (event.type == "ATTACHMENT" and files):
        return None
    return Relayed(
        item_id=event.id,
        contact=event.contact_id or NOBODY,
        instance=item.instance_id or "",
        participant=event.participant_id or "",
        at_ns=instant_ns(event.absolute_time) or 0,
        text=said,
        attachments=files,
    )


def visibility(item: ConnectItem) -> str:
    """Who may see a chat item; it stands in the notification's attributes only."""
    return clear(item.attributes["MessageVisibility"]) if item.attributes.get("MessageVisibility") else ""


def _ms(stamp: str | None, origin: Origin) -> int:
    at = instant_ns(stamp)
    return origin.at_ms if at is None else at // _NS
