"""What was parked in dead-letter queues."""

from collections.abc import Collection, Mapping

from services.ingest.archive import arrived
from services.ingest.keeper.mentions import Mentions
from services.ingest.redact import without
from shared.queue.port import LeaseLostError, Message, Queue
from shared.record.erasure import Outcome
from shared.record.ledger import Subject

BATCH = 10
HOLD_S = 60  # less than the pause between two rounds: what a dead keeper holds is visible by the next one


class ParkedEraser:
    """Dead-letter queues: envelopes lose what is the person's, events of theirs go.

    Args:
        dlqs: by the queue's name.
        envelopes: names of those whose bodies are envelopes; the others hold our events.
    """

    place = "dlq"

    def __init__(self, dlqs: Mapping[str, Queue], envelopes: Collection[str], mentions: Mentions) -> None:
        self._dlqs = dlqs
        self._envelopes = envelopes
        self._mentions = mentions

    async def erase(self, subject: Subject) -> Outcome:
        """Look at every message once."""
        return Outcome(sum([await self._queue(name, subject) for name in sorted(self._dlqs)]))

    async def _queue(self, name: str, subject: Subject) -> int:
        queue, others, count = self._dlqs[name], {}, 0
        while found := await queue.receive(BATCH, 0, HOLD_S):
            fresh = [message for message in found if message.id not in others]
            for message in fresh:
                if await self._cleaned(queue, name, message, subject):
                    count += 1
                else:
                    others[message.id] = message
            if not fresh:
                break
        for message in others.values():
            await _shown(queue, message)
        return count

    async def _cleaned(self, queue: Queue, name: str, message: Message, subject: Subject) -> bool:
        if name not in self._envelopes:
            return await self._event(queue, message, subject)
        found = arrived(message, name)
        gone = self._mentions.gone(found, subject)
        if gone == frozenset():
            return False
        rest = without(message.body, found.envelope, gone) if gone is not None else None
        if rest is not None:
            await queue.send(rest, message.attributes)
        await queue.delete([message])
        return True

    async def _event(self, queue: Queue, message: Message, subject: Subject) -> bool:
        """An event holds ids and hashes of files; nothing is to be done for who is erased."""
        theirs = (*subject.contact_ids, *subject.conversation_ids)
        mine = any(f'"{each}"' in message.body for each in theirs)
        if mine:
            await queue.delete([message])
        return mine


async def _shown(queue: Queue, message: Message) -> None:
    try:
        await queue.hide(message, 0)
    except LeaseLostError:
        return  # visible again already
