"""What a write of the record answers: what it found, and the events that must be out before the item is done."""

from dataclasses import dataclass
from typing import Literal

from shared.events.model import Event
from shared.store.port import Item, Update

Outcome = Literal["new", "again", "variant", "waiting", "own", "erased", "gone"]


@dataclass(frozen=True, slots=True)
class Kept:
    """The outcome of keeping one item.

    Attributes:
        kind: new; again (there already: the same events); variant (same wamid, other content: kept beside);
            waiting (a status whose message is not known yet); own (WhatsApp's echo of what our gateway
            sent); erased (its person was erased: dropped); gone (its message has reached the end of its
            retention: dropped).
        item_id: message_id, or the id of a status or account item.
        events: to publish, whatever the kind.
        owed: outbox ops of those events that no redelivery would bring again; drop them after publishing.
    """

    kind: Outcome
    item_id: str
    events: tuple[Event, ...] = ()
    owed: tuple[Update, ...] = ()
    message: Item | None = None
