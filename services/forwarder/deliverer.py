"""The lanes' sender towards destinations: repeated until taken, for a receiver knows what it has by its id."""

from dataclasses import dataclass
from typing import Any

from services.forwarder import answers, rendering, signing
from services.forwarder.config import Config, Destination
from services.forwarder.limits import Limits
from services.forwarder.ports import (
    Answer,
    Call,
    Endpoint,
    NotSentError,
    RejectedError,
    SecretMissingError,
    Secrets,
)
from services.forwarder.router import MAIN_PART, SERVICE
from shared import ids
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import outbox, publish_outbox
from shared.events.model import Event
from shared.ids import Ids
from shared.lanes.owed import lane_of, owe
from shared.lanes.port import Beside, Finished, Later, Outcome, Ready
from shared.observability.metrics import Metrics
from shared.record import events
from shared.record.reader import Reader
from shared.record.shape import DeliveryItem
from shared.store.port import Attr, Check, Item, Store

CALL_S = 8.0
FILE_PART = "file"
PAUSED_S = 30.0
SECRET_S = 60.0
QUIET_AFTER = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Parcel:
    """A call ready to be made. `placeholder`: its file is still being checked and follows."""

    call: Call
    placeholder: bool = False


class Deliverer:
    """Sends deliveries to webhook destinations."""

    service = SERVICE
    timeout_s = CALL_S + 1.0  # the adapter bounds the call itself

    def __init__(
        self,
        store: Store,
        reader: Reader,
        config: Config,
        endpoint: Endpoint,
        secrets: Secrets,
        bus: Bus,
        links: rendering.Links,
        limits: Limits,
        clock: Clock,
        ids_: Ids,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._reader = reader
        self._config = config
        self._endpoint = endpoint
        self._secrets = secrets
        self._bus = bus
        self._links = links
        self._limits = limits
        self._clock = clock
        self._ids = ids_
        self._metrics = metrics

    async def early(self, item: DeliveryItem) -> bool:
        """A message that waits for its file goes as soon as all its files are settled."""
        if item.get("awaits") != "media":
            return False
        message = await self._message(item)
        return message is None or not _pending(message)

    async def prepare(self, item: DeliveryItem) -> Ready[Parcel] | Outcome:
        """Find the destination, see whether it may be called, render and sign."""
        destination = (await self._config.rules()).destinations.get(item["destination"])
        if destination is None:
            return Finished("cancelled", {"reason": "destination_removed"})
        if destination.paused:
            return self._later(PAUSED_S, "paused")
        if wait := self._limits.wait_s(destination.id):
            return self._later(wait + self._ids.uniform(0, wait / 4), "busy")
        message, contact = await self._read(item)
        if message is None:
            return Finished("cancelled", {"reason": "missing"})
        return await self._letter(item, message, contact, destination)

    async def call(self, payload: Parcel, item: DeliveryItem) -> Outcome:
        """Post; what it means is in answers.py."""
        with self._limits.calling(item["destination"]):
            try:
                answer = await self._endpoint.deliver(payload.call)
            except NotSentError as error:
                return self._again(item, error.reason, error.after_s)
            except RejectedError as error:
                return Finished("failed", {"reason": error.reason})
        return self._judged(item, answer, payload)

    def unclear(self, item: DeliveryItem) -> Outcome:
        """It may have it; the same id makes the repetition harmless."""
        return self._again(item, "unclear", 0.0, repeat=True)

    def abandoned(self, item: DeliveryItem) -> Outcome | None:
        """Claimed again, under the same id."""
        del item
        return None

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        """A file that comes later is owed as a follow-up; a failure is told."""
        if not isinstance(outcome, Finished):
            return Beside()
        if outcome.facts.get("placeholder"):
            return await self._follow_up(item)
        if outcome.state == "failed":
            found = [self._changed(item, outcome)]
            owed = outbox(SERVICE, self._clock.now_ms(), found)
            return Beside(owed, (found, owed))
        return Beside()

    async def settled(self, item: DeliveryItem, outcome: Outcome, beside: Beside) -> None:
        """Measure and publish."""
        if isinstance(outcome, Finished) and outcome.state == "delivered" and item["part"] == MAIN_PART:
            seconds = (self._clock.now_ms() - ids.arrival_ms(item["order_key"])) / 1000
            self._metrics.forward_seconds.labels(item["destination"]).observe(max(0.0, seconds))
        if beside.told:
            found, owed = beside.told
            await publish_outbox(self._bus, self._store, found, owed)

    async def _message(self, item: DeliveryItem) -> Item | None:
        return await self._store.get("messages", item["conversation_id"], item["order_key"])

    async def _letter(
        self, item: DeliveryItem, message: Item, contact: Item | None, destination: Destination
    ) -> Ready[Parcel] | Outcome:
        content = await self._reader.open(message)
        if content.erased:
            return Finished("cancelled", {"reason": "erased"})
        alias = await self._alias(message, contact)
        media = rendering.media_of(message, self._links) if destination.media != "none" else []
        typed = content.typed if item["part"] == MAIN_PART else None
        body = rendering.render(item, message, typed, alias, media)
        try:
            secret = await self._secrets.read(destination.secret)
            signed = signing.headers(secret, rendering.delivery_id(item), self._clock.now_ms(), body)
        except (SecretMissingError, signing.BadSecretError):
            return self._later(SECRET_S, "secret")  # a person repairs it; nothing is lost meanwhile
        head = {"content-type": "application/json", "user-agent": "whatsapp-cdmx", **signed}
        follows = typed is not None and destination.media != "none" and _pending(message)
        return Ready(Parcel(Call(destination.url, body, head), placeholder=follows))

    async def _read(self, item: DeliveryItem) -> tuple[Item | None, Item | None]:
        """The message, and its contact in the same call where the delivery names it."""
        own = ("messages", item["conversation_id"], item["order_key"])
        person = ("contacts", item.get("contact_id", ""), "-")
        found = await self._store.get_many([own, person] if person[1] else [own])
        return found.get(own), found.get(person)

    async def _alias(self, message: Item, contact: Item | None) -> str:
        """How the newsroom calls the person; a merged one goes by the survivor's name."""
        if contact is not None and "merged_into" not in contact:
            return str(contact["alias"])
        known = await self._reader.contact(message["contact_id"]) if message["contact_id"] else None
        return str(known[0]["alias"]) if known else ""

    def _judged(self, item: DeliveryItem, answer: Answer, parcel: Parcel) -> Outcome:
        if answers.taken(answer):
            facts = {"code": answer.status, "remote_id": rendering.delivery_id(item)}
            return Finished("delivered", {**facts, **({"placeholder": True} if parcel.placeholder else {})})
        if not answers.temporary(answer):
            return Finished("failed", {"code": answer.status, "reason": f"http_{answer.status}"})
        asked = answers.retry_after_s(answer.retry_after, self._clock.now_ms())
        if asked and answer.status in QUIET_AFTER:
            self._limits.rest(item["destination"], asked)
        return self._again(
            item, f"http_{answer.status}", asked or 0.0, repeat=answer.status not in QUIET_AFTER
        )

    def _again(self, item: DeliveryItem, reason: str, asked_s: float, *, repeat: bool = False) -> Later:
        backoff = answers.backoff_s(item["try"])
        wait = max(asked_s, self._ids.uniform(backoff / 2, backoff))
        return self._later(wait, reason, **({"repeat": True} if repeat else {}))

    def _later(self, seconds: float, reason: str, **facts: Any) -> Later:
        return Later(self._clock.now_ms() + int(seconds * 1000), reason, {"awaits": "", **facts})

    def _changed(self, item: DeliveryItem, outcome: Finished) -> Event:
        after = {**item, "state": outcome.state, "rev": item["rev"] + 1}
        return events.delivery_changed(after, events.Envelope(self._clock.now_ms()))

    async def _follow_up(self, item: DeliveryItem) -> Beside:
        """The file is owed once it is settled: now, or by whoever learns of it after this was written."""
        message = await self._message(item)
        if message is None:
            return Beside()
        if not _pending(message):
            return Beside(file_part(item, self._clock.now_ns()))
        return Beside([Check("messages", message["pk"], message["sk"], Attr("rev").eq(message["rev"]))])


def file_part(item: DeliveryItem, now_ns: int) -> list[Any]:
    """The ops that owe the file of a delivery that went without it: behind what is in the lane now."""
    return list(
        owe(
            lane_of(item),
            service=SERVICE,
            message_id=item["message_id"],
            part=FILE_PART,
            order_key=item["order_key"],
            owed=ids.order_key(None, now_ns, item["message_id"]),
            late=item.get("late", False),
        )
    )


def _pending(message: Item) -> bool:
    return any(medium["state"] == "pending" for medium in message["media"])
