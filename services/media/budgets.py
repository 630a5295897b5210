"""A sender's budgets before the worker's costly steps: what is over waits in `due`, and a person is told.

Only what customers send us live is limited in bytes and pages: imports are an operator's doing, and our own files ours.
Transcription is paid to somebody, whoever sent it, and always counts.
"""

from services.media.ledger import SERVICE
from shared.bus.port import Bus
from shared.due import due_item, publish_outbox
from shared.policy.budget import EVERYBODY, Kind
from shared.policy.spending import Deferred, Spending
from shared.store.port import Item, Store, Update

_OF_SENDERS: frozenset[Kind] = frozenset({"media_bytes", "ocr_pages"})


def owed(message: Item, n: int, kind: str, at_ms: int, *, asked: bool = False) -> Update:
    """The op that has `kind` of work done on a message's n-th medium from `at_ms` on; `asked` = a person asked for it."""
    place = {"conversation_id": message["pk"], "order_key": message["sk"], "position": n, "asked": asked}
    about = f"{message['message_id']}#{n}"
    return due_item(SERVICE, at_ms, kind, about, message_id=message["message_id"], **place)


class Budgets:
    """Asks before a step."""

    def __init__(self, store: Store, bus: Bus, spending: Spending) -> None:
        self._store = store
        self._bus = bus
        self._spending = spending

    async def waits(
        self, kind: Kind, message: Item, n: int, amount: int, then: str, *, asked: bool = False
    ) -> bool:
        """Whether a step of a message's n-th medium has to wait; then it is owed as `then`, and goes on by itself.

        Args:
            kind: of the work.
            message: whose file it is.
            n: the medium's position.
            amount: in the kind's unit.
            then: kind of the due item, see `place`.
            asked: handed on to the due item.
        """
        if kind in _OF_SENDERS and (message["source"] != "live" or message["direction"] != "in"):
            return False
        whose = EVERYBODY if kind == "transcription_all_s" else message["contact_id"] or message["pk"]
        work = f"{message['message_id']}#{n}"
        deferred = await self._spending.take(kind, whose, amount, work, message["pk"])
        if deferred is not None:
            await self._owe(message, n, then, deferred, asked=asked)
        return deferred is not None

    async def _owe(self, message: Item, n: int, then: str, deferred: Deferred, *, asked: bool) -> None:
        await self._store.write(owed(message, n, then, deferred.until_ms, asked=asked))
        if deferred.alerts:
            await publish_outbox(self._bus, self._store, deferred.alerts, deferred.owed)
