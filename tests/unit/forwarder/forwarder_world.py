"""A newsroom in memory: record, queues, bus, WhatsApp and destinations, on virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry

from services.forwarder.adapters.memory import MemoryEndpoint, MemorySecrets, MemoryWhatsapp
from services.forwarder.config import Config
from services.forwarder.deliverer import Deliverer
from services.forwarder.gateway.handlers import Handlers
from services.forwarder.gateway.ledger import Ledger
from services.forwarder.gateway.letter import Letters
from services.forwarder.gateway.receipts import Receipts
from services.forwarder.gateway.sender import Gateway, Tools
from services.forwarder.gateway.standing import Standing
from services.forwarder.handlers import Handlers as ForwarderHandlers
from services.forwarder.limits import Limits
from services.forwarder.router import Router
from shared.bus.memory import MemoryBus
from shared.due import DueTimer, outbox_handler, publish_outbox
from shared.ids import Ids, desk_id
from shared.lanes.owed import LANE_KIND, RECEIPT_KIND
from shared.lanes.port import Lane
from shared.lanes.runner import Lanes
from shared.objects.memory import MemoryObjects
from shared.observability.metrics import Metrics
from shared.queue.memory import MemoryQueue
from shared.record import events
from shared.record.build import build
from shared.record.inbound import Alias, Inbound, MediaSlot, Origin, Person
from shared.record.outbound import Draft
from shared.record.shape import whatsapp_destination
from shared.store.memory import MemoryStore
from shared.store.port import Item, Put, Update
from shared.topology import RAW_BUCKET
from shared.vault.memory import MemoryKeys
from shared.vault.pepper import Pepper
from sim.clock import VirtualClock, token_bytes
from sim.loop import run

T = TypeVar("T")
PNID = "106540352242922"
WABA = "102290129340398"
NUMBER = "5215512345678"


class Newsroom:
    """Everything around the forwarder and the gateway."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.clock = VirtualClock()
        self.ids = Ids(self.clock, token_bytes("newsroom"))
        self.store = store or MemoryStore()
        self.queues = {name: MemoryQueue(name, self.clock) for name in ("forwarder", "send", "desk")}
        self.bus = MemoryBus(self.queues)
        self.metrics = Metrics(CollectorRegistry())
        self.whatsapp = MemoryWhatsapp(frozenset({PNID}))
        self.endpoint = MemoryEndpoint()
        self.secrets = MemorySecrets({"hook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
        self.reports: list[tuple[str, BaseException]] = []
        keys, raw = MemoryKeys(self.ids.bytes), MemoryObjects(RAW_BUCKET)
        pepper = Pepper(b"p" * 32)
        self.record = build(self.store, raw, keys, pepper, self.clock, self.ids, service="desk")
        self.standing = Standing(self.store, self.clock, (WABA,))
        tools = Tools(self.store, self.whatsapp, self.bus, self.clock, self.ids, self.metrics)
        letters = Letters(self.record.reader, self.whatsapp)
        sender = Gateway(tools, letters, self.standing, Ledger(self.store, self.clock))
        self.sends = Lanes(self.store, self.clock, self.ids, sender, self.report)
        self.sending = Handlers(self.store, self.sends)
        self.receipts = Receipts(
            self.store, self.record.reader, self.whatsapp, self.standing, self.clock, self.report
        )

        self.limits = Limits(8)
        self.config = Config(self.store, self.report)
        self.forwarding = self.forwarder()

    def forwarder(self, clock: VirtualClock | None = None, name: str = "forwarder") -> ForwarderHandlers:
        """The router and deliverer of one task; each has its own clock."""
        clock = clock or self.clock
        ids = Ids(clock, token_bytes(name))
        reader = self.record.reader
        router = Router(self.store, reader, self.config, clock, ids, self.metrics, 0.5)
        deliverer = Deliverer(
            self.store,
            reader,
            self.config,
            self.endpoint,
            self.secrets,
            self.bus,
            lambda medium: f"https://cdn.test/{medium['sha256']}",
            self.limits,
            clock,
            ids,
            self.metrics,
        )
        lanes = Lanes(self.store, clock, ids, deliverer, self.report)
        return ForwarderHandlers(self.store, router, lanes, clock, ids)

    async def destination(self, name: str, *, types: Sequence[str] = (), **more: Any) -> None:
        """A webhook destination and the route that feeds it."""
        place = {"kind": "webhook", "url": f"https://{name}.test/hook", "secret": "hook", **more}
        await self.store.write(Put("config", {"pk": "destination", "sk": name, "version": 1, **place}))
        match = {"by": "type", "values": list(types)} if types else {"by": "all"}
        route = {"pk": "route", "sk": name, "version": 1, "match": match, "destinations": [name]}
        await self.store.write(Put("config", route))

    def got(self, name: str) -> list[dict[str, Any]]:
        """What a destination kept, in the order of keeping."""
        url = f"https://{name}.test/hook"
        return [json.loads(call.body)["data"] for (at, _), call in self.endpoint.kept.items() if at == url]

    async def settle(self, message: Item, state: str = "ready") -> None:
        """The media service settles a message's file and says so."""
        media = [{"n": 0, "mime": "image/jpeg", "state": state, "sha256": "cd" * 32}]
        change = Update("messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1})
        after = await self.store.write(change)
        assert after is not None
        await self.bus.publish([events.media_settled(after, 0, events.Envelope(self.clock.now_ms()))])

    def report(self, what: str, error: BaseException) -> None:
        self.reports.append((what, error))

    async def receive(
        self, body: str, *, number: str = NUMBER, late_ms: int = 0, media: bool = False, **more: Any
    ) -> Item:
        """A customer's message is kept and published; answers its item."""
        serial = self.ids.token()
        message: dict[str, Any] = {"id": f"wamid.{serial}", "type": "text", "text": {"body": body}}
        if media:
            message = {
                "id": f"wamid.{serial}",
                "type": "image",
                "image": {"id": "77", "mime_type": "image/jpeg", "caption": body},
            }
        arrival = self.clock.now_ns() - late_ms * 1_000_000
        inbound = Inbound(
            origin=Origin(f"raw-{serial}", 0, arrival, more.pop("source", "live")),
            pnid=PNID,
            wamid=f"wamid.{serial}",
            person=Person((Alias("waid", number),), {"wa_id": number}),
            message=message,
            content={"value": {"messages": [message]}, "wamid": f"wamid.{serial}", "preview": body},
            preview=body,
            type=message["type"],
            media=(MediaSlot(0, "image/jpeg"),) if media else (),
            ts_s=arrival // 1_000_000_000,
            **more,
        )
        kept = await self.record.keeper.keep(inbound)
        await self.bus.publish(kept.events)
        assert kept.message is not None
        return kept.message

    async def reply(self, conversation: str, body: str, key: str = "1", **more: Any) -> Item:
        """An agent's message is recorded and published; answers its item."""
        given: dict[str, Any] = {"type": "text", "message": {"type": "text", "text": {"body": body}}, **more}
        draft = Draft(desk_id("ana", key), conversation, "ana", preview=body, **given)
        kept = await self.record.outbound.record(draft)
        await publish_outbox(self.bus, self.store, kept.events, kept.owed)
        assert kept.message is not None
        return kept.message

    def lane(self, message: Item) -> Lane:
        return Lane(whatsapp_destination(message["pnid"]), message["pk"])

    async def drain(self, name: str, handler: Callable[[Any], Awaitable[None]]) -> int:
        """Handle what is visible in a queue now; answers how much it was."""
        handled = 0
        while messages := await self.queues[name].receive(1, 0, 60):
            await handler(messages[0])
            await self.queues[name].delete(messages)
            handled += 1
        return handled

    async def pass_time(self, seconds: float, service: str = "gateway") -> None:
        """Let a service's timer run for a while."""
        stop = asyncio.Event()
        mine = self.sending if service == "gateway" else self.forwarding
        handlers = {
            LANE_KIND: mine.on_lane_due,
            RECEIPT_KIND: self.receipts.on_due,
            "event": outbox_handler(self.bus),
        }
        timer = DueTimer(self.store, self.clock, service, handlers, self.report, 0.25)
        task = asyncio.ensure_future(timer.run(stop))
        await asyncio.sleep(seconds)
        stop.set()
        await task

    async def message(self, item: Item) -> Item:
        found = await self.store.get("messages", item["pk"], item["sk"])
        assert found is not None
        return found

    async def attempt(self, item: Item, part: int = 1) -> Item:
        found = await self.store.get("deliveries", self.lane(item).pk, f"{item['message_id']}#{part}")
        assert found is not None
        return found

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"cdmx_{name}", labels) or 0.0


def play(story: Coroutine[Any, Any, T], seed: int = 1) -> T:
    """Run a story on virtual time."""
    return run(seed, story)[0]
