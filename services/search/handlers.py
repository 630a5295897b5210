"""One function an event: which part of the index it pokes."""

from collections.abc import Callable

from pydantic import ValidationError

from services.search.indexer import Indexer
from shared.clock import Clock
from shared.errors import Poison
from shared.events.model import (
    EVENT,
    ContactChangedEvent,
    ConversationChangedEvent,
    Event,
    MediaSettledEvent,
    MessageChanged,
    MessageRecorded,
)
from shared.ids import arrival_ms
from shared.queue.port import Message

REFRESH_S = 1.0  # mapping.py: what was written is searchable at most this much later


class Handlers:
    """Handles the queue `search`.

    Args:
        visible: told the seconds from a message's arrival until it can be found (an upper bound: the index's
            refresh interval is counted whole).
    """

    def __init__(self, indexer: Indexer, clock: Clock, visible: Callable[[float], None]) -> None:
        self._indexer = indexer
        self._clock = clock
        self._visible = visible

    async def handle(self, message: Message) -> None:
        """Index what an event speaks of. Raises Poison, RetryAfter and what the stores raise."""
        event = _parsed(message.body)
        if isinstance(event, MessageRecorded | MessageChanged):
            await self._message(event)
        elif isinstance(event, MediaSettledEvent):
            await self._indexer.owner(event.data.owner, event.data.rev)
        elif isinstance(event, ConversationChangedEvent):
            await self._indexer.conversation(event.data.conversation_id, event.data.rev)
        elif isinstance(event, ContactChangedEvent):
            await self._contact(event)

    async def _message(self, event: MessageRecorded | MessageChanged) -> None:
        data = event.data
        await self._indexer.message(data.conversation_id, data.order_key, data.message_id, data.rev)
        if isinstance(event, MessageRecorded) and data.source == "live":
            took_s = (self._clock.now_ms() - arrival_ms(data.order_key)) / 1000
            self._visible(max(0.0, took_s) + REFRESH_S)

    async def _contact(self, event: ContactChangedEvent) -> None:
        if event.type == "desk.contact.erased.v1":
            await self._indexer.erased(event.data.contact_id)
        else:
            await self._indexer.contact(event.data.contact_id)


def _parsed(body: str) -> Event:
    try:
        return EVENT.validate_json(body)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise Poison("bad_event", f"{where or 'body'}: not as shared/events declares it") from None
