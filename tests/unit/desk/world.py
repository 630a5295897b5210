"""The desk over a record in memory, and a client of its API."""

from typing import Any

import httpx

from services.desk.account import AccountView
from services.desk.adapters.memory import MemorySecretWriter, PlainTickets, PlainUrls
from services.desk.api.app import application
from services.desk.api.parts import Parts
from services.desk.appender import Appender
from services.desk.audit import AuditLog
from services.desk.hub import Hub
from services.desk.inbox import Inbox
from services.desk.live import Live
from services.desk.log import DeskLog
from services.desk.names import Names
from services.desk.presence import Presence
from services.desk.replies import SERVICE, Replies
from services.desk.rules import Rules
from services.desk.transcripts import Transcripts
from services.desk.uploads import Uploads
from services.desk.view import Renderer
from shared.bus.memory import MemoryBus
from shared.events.model import Event
from shared.ids import Ids
from shared.objects.memory import MemoryObjects
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message
from shared.record.build import build
from shared.record.files import Files
from shared.record.inbound import Inbound
from shared.record.kept import Kept
from shared.store.port import Item
from shared.topology import EXPORTS_BUCKET, MEDIA_BUCKET
from tests.unit.http.tokens import Provider
from tests.unit.record import world as record_world
from tests.unit.record.world import NOON_MS, PNID

WABA = "102290129340398"


class World:
    """One desk task; its clock stands at the record world's noon."""

    def __init__(self) -> None:
        self.base = record_world.world()
        base = self.base
        self.store = base.store
        self.record = build(
            base.store, base.raw, base.keys, base.pepper, base.clock, base.ids, service=SERVICE
        )
        self.sent = MemoryQueue("send", base.clock)
        self.for_media = MemoryQueue("media", base.clock)
        self.bus = MemoryBus({"send": self.sent, "media": self.for_media})
        self.log = DeskLog(base.store, base.clock, base.ids)
        self.hub = Hub(self.log, lambda _error: None)
        self.delivered: list[float] = []
        self.appender = Appender(self.log, base.clock, self.delivered.append)
        self.secrets = MemorySecretWriter()
        self.audit = AuditLog(base.store, base.clock, base.ids)
        self.clients: list[float] = []
        self.agents: list[float] = []
        self.bucket, self.exports = MemoryObjects(MEDIA_BUCKET), MemoryObjects(EXPORTS_BUCKET)
        files = Files(base.store, self.bucket, base.clock, base.ids)
        self.uploads = Uploads(base.store, self.bucket, files, PlainTickets(), self.bus, base.clock, base.ids)
        self.provider = Provider()
        self.provider.clock.now_s = NOON_MS / 1000
        self.parts = self._parts()
        self.app = application(self.parts, self.provider.verifier, Ids(base.clock))

    def _parts(self) -> Parts:
        base, reader = self.base, self.record.reader
        renderer = Renderer(base.store, reader, self.record.people, PlainUrls(), base.clock)
        presence = Presence(self.clients.append, self.agents.append)
        return Parts(
            reader=reader,
            renderer=renderer,
            inbox=Inbox(base.store, base.clock, [PNID], 400),
            replies=Replies(
                base.store, reader, self.record.outbound, self.uploads, self.bus, base.clock, base.ids
            ),
            uploads=self.uploads,
            transcripts=Transcripts(base.store, base.clock),
            names=Names(
                base.store, self.record.people, self.exports, self.audit, self.bus, base.clock, base.ids
            ),
            rules=Rules(base.store, self.audit, self.secrets, base.clock, "t-", plain_http=False),
            log=self.log,
            hub=self.hub,
            live=Live(base.store, reader, renderer),
            account=AccountView(base.store, self.record.accounts, [WABA]),
            audit=self.audit,
            raw=base.raw,
            clock=base.clock,
            connected=presence.connected,
        )

    def client(self, *roles: str, agent: str = "agent-1") -> httpx.AsyncClient:
        headers = self.provider.headers(*(roles or ("agent",)), agent=agent)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://desk", headers=headers
        )

    async def keep(self, inbound: Inbound) -> Kept:
        kept = await self.base.record.keeper.keep(inbound)
        await self.append(*kept.events)
        return kept

    async def append(self, *events: Event) -> None:
        for event in events:
            await self.appender.handle(Message("m", event.model_dump_json(), "r", 1, 0))

    async def item(self, message_id: str) -> Item:
        view = await self.record.reader.get_message(message_id)
        assert view is not None
        return view.item

    async def audited(self) -> list[dict[str, Any]]:
        return (await self.store.query("audit_log", "log")).items


def key(value: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": value}
