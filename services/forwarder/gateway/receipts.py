"""Read receipts and typing indicators: through the same guard, fired once, never kept."""

import asyncio

from services.forwarder.gateway.sender import CALL_S
from services.forwarder.gateway.standing import Sending, Standing
from services.forwarder.ports import NotSentError, RejectedError, UnclearError, Whatsapp
from shared.clock import Clock
from shared.due import Report
from shared.lanes.owed import RECEIPT_KIND
from shared.policy.guard import Allow
from shared.record.reader import Reader
from shared.store.port import Item, Store
from shared.whatsapp.outgoing import read_receipt

STALE_MS = 25_000  # Meta, "Typing indicators": it goes off after 25 s


class Receipts:
    """Sends signals about messages we received."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        whatsapp: Whatsapp,
        standing: Standing,
        clock: Clock,
        report: Report,
    ) -> None:
        self._store = store
        self._reader = reader
        self._whatsapp = whatsapp
        self._standing = standing
        self._clock = clock
        self._report = report

    async def on_due(self, item: Item) -> None:
        """A due item of kind `receipt`."""
        message = await self._store.get("messages", item["conversation_id"], item["order_key"])
        if message is None or message["direction"] != "in":
            return
        wamid = (await self._reader.open(message)).wamid
        sending = Sending("signal", message["pnid"], message["pk"], message["contact_id"])
        if wamid is None or not isinstance(await self._standing.admit(sending), Allow):
            return
        fresh = self._clock.now_ms() - item["asked_at"] < STALE_MS
        await self._fire(message["pnid"], read_receipt(wamid, typing=bool(item["typing"]) and fresh))

    async def _fire(self, pnid: str, blob: bytes) -> None:
        try:
            async with asyncio.timeout(CALL_S):
                await self._whatsapp.send(pnid, blob)
        except (NotSentError, RejectedError, UnclearError, TimeoutError) as error:
            self._report(RECEIPT_KIND, error)
