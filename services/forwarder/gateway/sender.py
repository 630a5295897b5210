"""The lanes' sender towards WhatsApp: claimed before the call, never repeated after an unclear answer."""

import asyncio
from dataclasses import dataclass
from typing import Any

from services.forwarder.gateway.ledger import SERVICE, Ledger, Told
from services.forwarder.gateway.letter import Letter, Letters
from services.forwarder.gateway.standing import Sending, Standing
from services.forwarder.ports import NotSentError, RejectedError, Whatsapp
from shared import ids
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import publish_outbox
from shared.errors import Poison
from shared.ids import Ids
from shared.lanes.port import Beside, Finished, Later, Outcome, Ready, Unsettled
from shared.observability.metrics import Metrics
from shared.policy.guard import Refuse, Verdict, Wait
from shared.record.shape import DeliveryItem
from shared.store.port import ContendedError, Item, Store, StoreUnavailableError

CALL_S = 8.0  # CONTRACTS s.6
ADMIT_S = 3.0  # of them, at most, for the tokens
MEDIA_WAIT_MS = 30_000  # an upload that is still checked; its `media.settled` ends the wait at once
RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0
CANCELLED = frozenset({"erased"})


@dataclass(frozen=True, slots=True)
class Tools:
    """What the gateway works with."""

    store: Store
    whatsapp: Whatsapp
    bus: Bus
    clock: Clock
    ids: Ids
    metrics: Metrics


class Gateway:
    """Sends attempts to WhatsApp."""

    service = SERVICE
    timeout_s = CALL_S

    def __init__(self, tools: Tools, letters: Letters, standing: Standing, ledger: Ledger) -> None:
        self._store = tools.store
        self._whatsapp = tools.whatsapp
        self._bus = tools.bus
        self._clock = tools.clock
        self._ids = tools.ids
        self._metrics = tools.metrics
        self._letters = letters
        self._standing = standing
        self._ledger = ledger

    async def early(self, item: DeliveryItem) -> bool:
        """A message that waits for its file goes as soon as the file is there."""
        if item.get("awaits") != "media":
            return False
        message = await self._message(item)
        return message is None or not _pending(message)

    async def prepare(self, item: DeliveryItem) -> Ready[Letter] | Outcome:
        """Open, address, upload, and ask the guard last; its tokens are taken once the head is claimed."""
        message = await self._message(item)
        if message is None:
            return Finished("cancelled", {"reason": "missing"})
        if _pending(message):
            return Later(self._clock.now_ms() + MEDIA_WAIT_MS, "media", {"awaits": "media"})
        try:
            letter = await self._letters.write(item, message)
        except Poison as error:
            state = "cancelled" if error.reason in CANCELLED else "failed"
            return Finished(state, {"reason": error.reason})
        except RejectedError as error:
            return Finished("failed", {"reason": error.reason})
        except NotSentError as error:
            return self._later(error, item.get("stalls", 0) + 1)
        return self._refused(await self._standing.ask(letter.sending(item))) or Ready(letter)

    async def call(self, payload: Letter, item: DeliveryItem) -> Outcome:
        """One call; what is surely not sent waits or fails, everything else is unclear to the lane."""
        return await self._unadmitted(payload.sending(item)) or await self._sent(payload, item)

    async def _sent(self, payload: Letter, item: DeliveryItem) -> Outcome:
        try:
            remote = await self._whatsapp.send(payload.pnid, payload.blob)
        except NotSentError as error:
            return self._later(error, item["try"])
        except RejectedError as error:
            return Finished("failed", {"reason": error.reason})
        return Finished("handed_over", {"aws_message_id": remote})

    def unclear(self, item: DeliveryItem) -> Outcome:
        """WhatsApp may have it: a status settles it, or a person decides."""
        del item
        return Unsettled("unclear")

    def abandoned(self, item: DeliveryItem) -> Outcome | None:
        """A worker died with the attempt in its hands; it may have been sent."""
        del item
        return Finished("unsettled", {"reason": "abandoned"})

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        """The message's state, and the events."""
        return await self._ledger.beside(item, outcome)

    async def settled(self, item: DeliveryItem, outcome: Outcome, beside: Beside) -> None:
        """Count and publish."""
        self._count(item, outcome)
        if isinstance(beside.told, Told):
            await publish_outbox(self._bus, self._store, beside.told.events, beside.told.owed)

    async def _message(self, item: DeliveryItem) -> Item | None:
        return await self._store.get("messages", item["conversation_id"], item["order_key"])

    async def _unadmitted(self, sending: Sending) -> Outcome | None:
        """Why it may not go after all; nothing is sent yet, whatever goes wrong here."""
        try:
            async with asyncio.timeout(ADMIT_S):
                return self._refused(await self._standing.admit(sending))
        except (ContendedError, StoreUnavailableError, TimeoutError):
            return Later(self._clock.now_ms() + int(RETRY_FIRST_S * 1000), "standing")

    def _refused(self, verdict: Verdict) -> Outcome | None:
        """The outcome of a no; None for a yes."""
        if isinstance(verdict, Refuse):
            return Finished("refused", {"reason": verdict.rule})
        if isinstance(verdict, Wait):
            return Later(verdict.until_ms, verdict.rule)
        return None

    def _later(self, error: NotSentError, tried: int) -> Later:
        backoff = min(RETRY_FIRST_S * 2 ** min(tried - 1, 10), RETRY_MOST_S)
        wait = error.after_s + self._ids.uniform(backoff / 2, backoff)
        facts: dict[str, Any] = {"stalls": tried}
        return Later(self._clock.now_ms() + int(wait * 1000), error.reason, facts)

    def _count(self, item: DeliveryItem, outcome: Outcome) -> None:
        if isinstance(outcome, Later):
            return
        state = outcome.state if isinstance(outcome, Finished) else "unsettled"
        self._metrics.sends_total.labels(state).inc()
        if isinstance(outcome, Finished) and state == "refused":
            self._metrics.send_refused_total.labels(outcome.facts["reason"]).inc()
        if state == "handed_over":
            released = max(ids.arrival_ms(item["owed"]), 0)
            waited = max(0, self._clock.now_ms() - released) / 1000
            self._metrics.delivery_seconds.labels("out").observe(waited)


def _pending(message: Item) -> bool:
    return any(medium["state"] == "pending" for medium in message["media"])
