"""What a world asks of the keeper: somebody is erased and comes back, a restore undoes it, a hold forbids it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.ingest.archive import Archive, arrived
from services.ingest.keeper.adapters.memory import MemoryEdges
from services.ingest.keeper.ports import Document
from services.search.adapters.memory import MemoryIndex
from services.search.document import month
from services.search.port import Write
from shared import topology
from shared.ids import conversation_id, received_id
from shared.lease import HOLD_S
from shared.queue.port import Message
from shared.record.inbound import Alias, Person
from shared.store.memory import MemoryStore
from shared.store.port import Item, Put, Update
from sim.chaos import Plan
from sim.clock import EPOCH_MS, VirtualClock
from sim.connect import INSTANCE, item
from sim.desks import Desks
from sim.filing import Filing
from sim.outside import ACCOUNT, Outside, now_ns
from sim.people import HUGE, bad, mixed
from sim.process import Process
from sim.servers import Servers
from twin.audit.observed import Erased
from twin.core.events import value, witness
from twin.core.files import make
from twin.core.mint import Mint
from twin.core.model import Customer, seeded

LOOK_S = 1.0
KNOWN_S = 20.0  # until what somebody wrote is in the record, unless much goes wrong
QUIET_S, HEARD_S = 60.0, 200.0  # before SNS is silent, and until everybody must know that it is
TOLD = 20
LATE_MS = 20_000  # before the next round
BACK_S = 4.0  # after it is said that they are erased
GIVEN_UP_S = 900.0
SHIFTS_S = (55.0, 100.0)  # when the keepers are replaced, beside the end of the faults
RECORDED = "desk.message.recorded.v1"
CHAT = "c0ffee00-0000-4000-8000-000000000009"
TABLES = ("contacts", "contact_keys", "conversations", "messages")


class PlaceWire:
    """The keeper's face of the world's index."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index

    async def forget(self, contact_ids: Sequence[str]) -> int:
        """Remove every document of these people."""
        found = [self._theirs(kind, contact_ids) for kind in ("messages", "conversations")]
        for contact_id in contact_ids:
            await self._index.forget(contact_id)
        gone = [Write("conversations", name, version, again=True) for name, version in found[1].items()]
        await self._index.apply(gone)
        return sum(map(len, found))

    async def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents at the revision after theirs."""
        gone = [Write("messages", d.message_id, d.rev + 1, None, month(d.kept_at)) for d in documents]
        await self._index.apply(gone)

    async def missing(self, documents: Sequence[Document]) -> frozenset[str]:
        """message_ids that are not held at this revision or a later one."""
        await asyncio.sleep(0)
        held = self._index.documents("messages")
        return frozenset(d.message_id for d in documents if held.get(d.message_id, (0, {}))[0] < d.rev)

    def _theirs(self, kind: Any, contact_ids: Sequence[str]) -> dict[str, int]:
        named = kind == "messages"
        return {
            name: version
            for name, (version, document) in self._index.documents(kind).items()
            if document["contact_id"] in contact_ids and (named or document.get("name"))
        }


@dataclass(slots=True)
class Keeping:
    """Who acts around the keeper, and what they know of it.

    Attributes:
        erased: whom the keeper says it has erased. edges: what the CDN holds. silent_since: when SNS fell silent, 0 = never.
    """

    outside: Outside
    servers: Servers
    desks: Desks
    rng: Random
    plan: Plan
    silent_since: float = 0.0
    edges: MemoryEdges = field(default_factory=MemoryEdges)
    erased: list[Erased] = field(default_factory=list)

    async def forget(self, processes: Sequence[Process]) -> None:
        """Somebody is everywhere, asks to be erased, writes again, and a restore brings back what was."""
        who = self.outside.forgotten()
        await self._wrote(who)
        contact = await self._contact(who)
        await self._everywhere(who, contact)
        await self._settled(contact)
        before = await self._theirs(contact)
        asked_ms = VirtualClock().now_ms()
        erasure = await self.desks.backstage(lambda stage: stage.requests.ask(contact, "caso-1", "ana"))
        found = await self._until(erasure, "erased_at")
        self.erased.append(Erased(who.wa_id, who.user_id, asked_ms, int(found["erased_at"])))
        await asyncio.sleep(BACK_S)
        self._delivered_again(who)
        self._again(who)
        await self._late(contact, erasure)
        await self._until(erasure, "done_at")
        for each in before:
            await self.servers.store.write(Put(*each))
        for process in processes:
            process.crash()
        await self._gone(contact)
        self._again(who)
        await self._late(contact, erasure)
        await self._silence(erasure)

    async def usurp(self) -> None:
        """A keeper that nobody knows any more has the lease for a while: who had it must let go."""
        while await self.servers.store.get("leases", "keeper") is None:  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(self.rng.uniform(0, LOOK_S))
        until_ms = VirtualClock().now_ms() + int(HOLD_S * 1000)
        theirs = Update("leases", "keeper", "-", set={"owner": "usurper", "until_ms": until_ms})
        await MemoryStore.write(self.servers.store, theirs)

    async def purged(self, seconds: float) -> None:
        """Somebody empties the queue just as a message lies in it: it is in the archive alone."""
        await asyncio.sleep(self.rng.uniform(seconds / 4, seconds / 2))
        archive = Archive(self.servers.buckets[topology.RAW_BUCKET])

        async def thief(body: str) -> None:
            await archive.keep(arrived(Message("", body, "", 1, VirtualClock().now_ms()), "ingest"))

        who = self.outside.driver.world.customers[self.rng.choice(self.outside.customers)]
        words = f"en la cola {self.rng.randbytes(4).hex()}"
        self.outside.topic.stolen[words] = thief
        self.outside.says(who.id, type="text", text=words)

    async def emptied(self, seconds: float) -> None:
        """Somebody empties the index's queue: only the reconciler sees that some messages are not found."""
        queue = self.servers.queues["search"]
        await asyncio.sleep(self.rng.uniform(seconds / 4, seconds))
        for message in await queue.receive(10, HEARD_S, 1):
            if RECORDED in message.body:
                await queue.delete([message])

    async def _silence(self, erasure: str) -> None:
        """SNS brings nothing any more: only EventBridge tells that somebody wrote. An operator asks for the receipt."""
        await asyncio.sleep(QUIET_S)
        self.silent_since = asyncio.get_running_loop().time()
        self.plan.again_s = (self.silent_since, self.silent_since + HEARD_S)
        mint = Mint(seeded("silence", self.rng.random()))
        for number in range(TOLD):
            told = witness(ACCOUNT, mint, "received", now_ns(), f"m-silent-{number}", [])
            self.servers.queues["connect"].put(told, {})
            await self.desks.backstage(lambda stage: stage.requests.get(erasure))
            await asyncio.sleep(2 * HEARD_S / TOLD)  # the second half undisturbed

    async def hold(self) -> None:
        """An ordinary person is held before somebody asks for their erasure; another thread only for a while."""
        await asyncio.sleep(KNOWN_S / 2)
        who, other = self.rng.sample(self.outside.customers, 2)
        for customer in (who, other):
            self.outside.says(customer, type="text", text="por favor")
        contact = await self._contact(self.outside.driver.world.customers[who])
        await self.desks.backstage(lambda stage: stage.holds.place(contact, "exp-1", "ana"))
        await self.desks.backstage(lambda stage: stage.requests.ask(contact, "caso-2", "ana"))
        thread = conversation_id(
            ACCOUNT.pnid, await self._contact(self.outside.driver.world.customers[other])
        )
        placed = await self._placed(thread)
        await asyncio.sleep(self.rng.uniform(0, 2 * KNOWN_S))
        if placed:
            await self.desks.backstage(lambda stage: stage.holds.lift(placed, "ana"))

    async def _placed(self, thread: str) -> str:
        """Hold a thread, if there is one of that name: a merged person's may have another."""
        if await self.servers.store.get("conversations", thread) is None:
            return ""
        return await self.desks.backstage(lambda stage: stage.holds.place(thread, "exp-2", "ana"))

    async def _late(self, contact: str, erasure: str) -> None:
        """A worker that still had their key in its hands writes once more, between two rounds."""
        thread = conversation_id(ACCOUNT.pnid, contact)
        while True:
            asked = await self.servers.store.get("config", "erasure", erasure)
            asked = asked or await self.servers.store.get("config", "erasure-receipt", erasure) or {}
            rounds = int(asked["rounds"])
            if rounds > 1 or (rounds and "done_at" in asked):
                break
            if rounds and asked["resume_at"] > VirtualClock().now_ms() + LATE_MS:
                break
            await asyncio.sleep(LOOK_S)
        mine = [each async for each in self.servers.store.scan("messages") if each["pk"] == thread]
        for each in [each for each in mine if rounds == 1 and "message_id" in each and "#" not in each["sk"]][
            :1
        ]:
            await self.servers.store.write(Update("messages", thread, each["sk"], set={"sealed": b"late"}))

    # --- what the person does

    async def _wrote(self, who: Customer) -> None:
        """Everything that leaves something behind, and a photo that somebody else sends too."""
        photo = make("image/jpeg", self.rng.randbytes(8).hex()).data
        says: tuple[dict[str, Any], ...] = (
            {"type": "text", "text": "olvídenme"},
            {"type": "image"},
            {"type": "image", "mime": "image/jpeg", "data": photo},
            {"type": "text", "text": HUGE},
            {"type": "voice"},
            {"type": "location"},
        )
        said = []
        for say in says:
            said.append(self.outside.says(who.id, **say))
            await asyncio.sleep(self.rng.uniform(0, 1))
        self.outside.says(who.id, type="reaction", target=said[0])
        left = f"incoming/{received_id(ACCOUNT.pnid, said[1])}/9/left"  # by a worker that died
        await self.servers.buckets[topology.MEDIA_BUCKET].put(left, self.rng.randbytes(16))
        heard = f"transcripts/{received_id(ACCOUNT.pnid, said[1])}.json"  # of a job whose end nobody told
        await self.servers.buckets[topology.MEDIA_BUCKET].put(heard, b"{}")
        other = self.rng.choice(self.outside.customers)
        self.outside.says(other, type="image", mime="image/jpeg", data=photo)

    def _delivered_again(self, who: Customer) -> None:
        """Meta delivers once more what it delivered before."""
        for row in self.outside.rows():
            if (
                row["kind"] == "published"
                and row["wa_id"] == who.wa_id
                and row["direction"] == "in"
                and row["body"]
            ):
                self.outside.inject(row["body"])

    def _again(self, who: Customer) -> None:
        self.outside.says(who.id, type="text", text="aquí estoy otra vez")
        self.outside.says(who.id, type="image")

    async def _everywhere(self, who: Customer, contact: str) -> None:
        """Where a person is beside their messages."""
        thread = conversation_id(ACCOUNT.pnid, contact)
        preference = {"wa_id": who.wa_id, "user_id": who.user_id, "category": "marketing_messages"}
        preference |= {"value": "stop", "detail": "no", "timestamp": str(VirtualClock().now_ms() // 1000)}
        named = [{"wa_id": who.wa_id, "user_id": who.user_id, "profile": {"name": who.name}}]
        said = value(ACCOUNT, contacts=named, user_preferences=[preference])
        self.outside.event("user_preferences", said)
        self.outside.event("something_else", {"any": f"habla de {who.wa_id}"})
        await self.desks.flurry_to(thread, 2)
        filing = Filing(self.desks, self.servers, self.rng)
        await filing.to(thread)
        await filing.waiting(thread, self.rng.uniform(0, 2 * KNOWN_S))
        await self._chatted(thread)
        orphan = f"sealed/messages/{thread}/0"  # of a write that was tried again: each seals its own
        await self.servers.buckets[topology.RAW_BUCKET].put(orphan, b"sealed")
        await self._parked(who, contact)
        await self._imported(contact, thread)
        known = {each["pk"] async for each in self.servers.store.scan("media") if each["sk"] == "-"}
        async for info in self.servers.buckets[topology.MEDIA_BUCKET].list("served/"):
            if info.key.split("/")[2] in known:  # what is not settled has no address
                self.edges.copies[f"/{info.key}"] = b""

    async def _chatted(self, thread: str) -> None:
        chat = {"pk": thread, "sk": "chat", "connect_contact_id": CHAT, "instance": INSTANCE}
        await self.servers.store.write(Put("chats", chat))
        for number in range(2):
            text = HUGE if number else "desde el CCP"
            self.outside.connect(item(CHAT, "message", 100 + number, text))

    async def _parked(self, who: Customer, contact: str) -> None:
        """What is parked: unreadable with them in it, them beside somebody else, and an event of theirs."""
        self.outside.inject(f"no es JSON, pero nombra a {who.wa_id}")
        self.outside.inject(mixed([bad(who.wa_id), bad("5215500000000")]))
        search = self.servers.queues["search"].dlq
        if search is not None:
            search.put(json.dumps({"subject": contact}), {"reason": "unreadable", "service": "search"})

    async def _imported(self, contact: str, thread: str) -> None:
        keys = [
            each["pk"] async for each in self.servers.store.scan("aliases") if each["contact_id"] == contact
        ]
        journal = {"met": [keys, ["alias#other"]], "conversations": [thread, "c_other"], "run": "r1"}
        bucket = self.servers.buckets[topology.EXPORTS_BUCKET]
        await bucket.put(
            "imports/r1/state.json", json.dumps(journal).encode(), content_type="application/json"
        )

    # --- what is known of them

    async def _contact(self, who: Customer) -> str:
        """Their contact, once there is one."""
        person = Person((Alias("waid", who.wa_id),)) if not who.hidden else _by_user_id(who)
        while True:
            found = await self.desks.backstage(lambda stage: stage.record.people.find(person))
            if found is not None:
                return found
            await asyncio.sleep(LOOK_S)

    async def _settled(self, contact: str) -> None:
        """Give what they did some time to arrive."""
        del contact
        await asyncio.sleep(self.rng.uniform(0, KNOWN_S / 4))

    async def _theirs(self, contact: str) -> list[tuple[str, Item]]:
        """What a backup of this moment holds of them."""
        thread = conversation_id(ACCOUNT.pnid, contact)
        return [
            (table, each)
            for table in TABLES
            async for each in self.servers.store.scan(table)
            if each["pk"] in {contact, thread}
        ]

    async def _until(self, erasure: str, name: str) -> Mapping[str, Any]:
        """The request or its receipt, once it says something."""
        for _ in range(int(GIVEN_UP_S / LOOK_S)):
            found = await self.desks.backstage(lambda stage: stage.requests.get(erasure))
            if found is not None and name in found:
                return found
            await asyncio.sleep(LOOK_S)
        return {"erased_at": 0}

    async def _gone(self, contact: str) -> None:
        """Until the keeper has seen that they are back."""
        for _ in range(int(GIVEN_UP_S / LOOK_S)):
            found = await self.servers.store.get("contacts", contact)
            if found is None or found.get("erased"):
                return
            await asyncio.sleep(LOOK_S)


def _by_user_id(who: Customer) -> Person:
    return Person((Alias("bsuid", f"{ACCOUNT.waba_id}:{who.user_id}"),))


async def shifts(processes: Sequence[Process], end_s: float) -> None:
    """Deployments replace the keepers."""
    loop = asyncio.get_running_loop()
    for at in (*SHIFTS_S, end_s + LOOK_S):
        await asyncio.sleep(max(0.0, at - loop.time()))
        for process in processes:
            process.crash()


async def yesterday(servers: Servers) -> None:
    """The keeper was there before this morning: it goes on where it was."""
    at = {"next": EPOCH_MS // 1000 // 10 * 10, "open": [], "at": EPOCH_MS}
    await servers.store.write(Put("config", {"pk": "reconcile", "sk": "fresh", **at}))
