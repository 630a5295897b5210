"""The people at the desks of a world: they answer, insist, repeat what is unconfirmed, and watch live."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeVar

from services.desk.api.parts import Parts
from services.desk.drafts import LocationReply, ReactionReply, TextReply
from services.desk.models import Message
from services.desk.rules import ChangesIn, DestinationIn, RouteIn
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import publish_outbox
from shared.events.model import ContactChanged, ContactChangedEvent
from shared.http.principal import Principal
from shared.http.problems import Problem
from shared.ids import desk_id
from shared.lanes.owed import owe_receipt
from shared.media.origin import origin
from shared.record import events
from shared.record.build import Record
from shared.record.erasure import Requests
from shared.record.holds import Holds
from shared.record.inbound import Alias, Person
from shared.record.outbound import Draft
from shared.record.shape import MediaItem
from shared.store.port import ContendedError, Item, Store, StoreUnavailableError, Update
from shared.vault.keys import ContactKeys
from shared.vault.port import KeyDestroyedError
from sim.connect import OURS as CONNECT_CONTACT
from sim.wires import SECRET
from twin.audit.observed import Acknowledged

T = TypeVar("T")
ANA = Principal("ana", frozenset({"agent"}), 10**11)
ADELA = Principal("adela", frozenset({"admin"}), 10**11)
STREAM_S = 60.0
CALL_S = 20.0  # what the console waits for an answer
TRIES = 60
SETTLED_S = 70.0  # an unconfirmed message may be repeated after a minute
LONG = "párrafo " * 700  # above 4,096 characters: two messages
CLIENT_FAULT = 500
ERASED: Literal["desk.contact.erased.v1"] = "desk.contact.erased.v1"


class NeverAnsweredError(Exception):
    """The desk acknowledged nothing, however often it was asked."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """What a desk's process could do besides its API."""

    store: Store
    record: Record
    keys: ContactKeys
    bus: Bus
    clock: Clock
    requests: Requests
    holds: Holds


@dataclass(slots=True)
class Desks:
    """What the desk's living processes offer, and what its people did and saw.

    Attributes:
        up: name of a process -> what stands behind its API.
        acknowledged: what was answered with 2xx. ticks: message -> states as watched live.
        read: messages whose sounds somebody wants to read.
        twice: they react often and press each button twice. lost: share of answers lost on the way to them.
    """

    rng: Random
    up: dict[str, Parts] = field(default_factory=dict)
    records: dict[str, Backstage] = field(default_factory=dict)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    ticks: dict[str, list[str]] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    keys: int = 0
    read: list[str] = field(default_factory=list)
    twice: bool = False
    lost: float = 0.0

    async def insist(self, call: Callable[[Parts], Awaitable[T]]) -> T | None:
        """Ask any desk until it answers; None where it says no (4xx)."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(CALL_S):
                    return self._arrived(await call(self._any()))
            except Problem as problem:
                if problem.status < CLIENT_FAULT:
                    return None
            except Exception:  # noqa: BLE001 - whatever goes wrong, the console asks again with its key
                await asyncio.sleep(self.rng.uniform(0.5, 2))
        raise NeverAnsweredError

    def _arrived(self, answer: T) -> T:
        if self.lost and self.rng.random() < self.lost:
            raise ConnectionError
        return answer

    def _any(self) -> Parts:
        if not self.up:
            raise ConnectionError
        return self.up[self.rng.choice(sorted(self.up))]

    async def answer(self, count: int, seconds: float) -> None:
        """Replies to random threads of the inbox, at random moments."""
        for _ in range(count):
            await asyncio.sleep(self.rng.expovariate(count / seconds))
            page = await self.insist(lambda parts: parts.inbox.page(50))
            if page and page.items:
                await self.insist(lambda parts, p=page: parts.renderer.conversations(p.items, ANA))  # type: ignore[misc] # the default binds the page
                await self._reply(self.rng.choice(page.items)["pk"])

    async def _reply(self, conversation: str) -> None:
        self.keys += 1
        key = f"key-{self.keys}"
        target = await self._target(conversation)
        await self._send(conversation, self._asked(key, target), key)

    async def flurry(self, count: int) -> None:
        """Many texts to one person, one right after the other."""
        page = await self.insist(lambda parts: parts.inbox.page(50))
        if page and page.items:
            await self.flurry_to(self.rng.choice(page.items)["pk"], count)

    async def flurry_to(self, conversation: str, count: int) -> None:
        """The same into one thread."""
        for _ in range(count):
            self.keys += 1
            key = f"key-{self.keys}"
            await self._send(conversation, TextReply(type="text", text=f"pronto {key}"), key)

    async def _send(
        self, conversation: str, asked: TextReply | ReactionReply | LocationReply, key: str
    ) -> None:
        found = await self.insist(lambda parts: parts.replies.reply(conversation, asked, ANA, key, None))
        if self.twice:
            again = await self.insist(lambda parts: parts.replies.reply(conversation, asked, ANA, key, None))
            found = again or found  # the first press may have come before the window was open
        for item in found or ():
            text = asked.text if isinstance(asked, TextReply) and len(asked.text) < len(LONG) else ""
            self.acknowledged.append(Acknowledged(item["message_id"], text))

    async def _target(self, conversation: str) -> str | None:
        page = await self.insist(lambda parts: parts.reader.page(conversation, limit=5))
        found = (
            [view.item["message_id"] for view in page.views if view.item["direction"] == "in"] if page else []
        )
        return self.rng.choice(found) if found else None

    def _asked(self, key: str, target: str | None) -> TextReply | ReactionReply | LocationReply:
        luck = self.rng.random()
        if luck < (0.6 if self.twice else 0.15) and target:
            return ReactionReply(type="reaction", target=target, emoji="👍")
        if luck < 0.25:  # noqa: PLR2004 - a share of the draws
            return LocationReply(type="location", latitude=19.4, longitude=-99.1)
        text = LONG if luck < 0.35 else f"respuesta {key}"  # noqa: PLR2004 - a share of the draws
        return TextReply(type="text", text=text, reply_to=target if luck > 0.8 else None)  # noqa: PLR2004 - a share of the draws

    async def read_receipt(self) -> None:
        """A read receipt for the newest message of a thread: fired once, kept nowhere."""
        page = await self.insist(lambda parts: parts.inbox.page(50))
        if not page or not page.items:
            return
        conversation = self.rng.choice(page.items)["pk"]
        found = await self.insist(lambda parts: parts.reader.page(conversation, limit=5))
        received = [view.item for view in found.views if view.item["direction"] == "in"] if found else []
        if received:
            await self._receipt(received[-1])

    async def repeat(self, unsettled: list[str]) -> None:
        """A person sends again what stayed unconfirmed."""
        for message_id in unsettled:
            self.keys += 1
            key = f"key-{self.keys}"
            await self.insist(lambda parts, one=message_id, k=key: parts.replies.retry(one, ANA, k))  # type: ignore[misc] # defaults bind the loop's values

    async def configure(self) -> None:
        """An admin adds a destination and a route that is not in force yet."""
        spare = DestinationIn(kind="webhook", url="https://h.invalid/spare", secret_value=SECRET)
        await self.insist(lambda parts: parts.rules.put_destination("spare", spare, ADELA, "absent"))
        route = RouteIn.model_validate({"match": {"by": "all"}, "destinations": ["spare"], "enabled": False})
        await self.insist(lambda parts: parts.rules.put_route("spare", route, ADELA, "absent"))
        await self.insist(lambda parts: parts.rules.all("route"))
        await self.insist(lambda parts: parts.rules.one("route", "spare"))

    async def latecomers(self, count: int, seconds: float) -> None:
        """Consoles that begin with the log's first entry, on whichever desk is up."""
        for _ in range(count):
            await asyncio.sleep(seconds / count)
            with suppress(Exception):  # a desk that dies meanwhile is asked by the next one
                async with asyncio.timeout(CALL_S):
                    await self._any().hub.after(0, 1)

    async def watch(self) -> None:
        """A console that follows the log on whichever desk is up, and goes on where it was."""
        seq: int | None = None
        while True:
            try:
                async with asyncio.timeout(STREAM_S):
                    seq = await self._follow(self._any(), seq)
            except Exception:  # noqa: BLE001 - a stream that breaks, or a desk that died, is opened again
                await asyncio.sleep(1)

    async def _follow(self, parts: Parts, seq: int | None) -> int | None:
        at = await parts.hub.head() if seq is None else seq
        until = asyncio.get_running_loop().time() + STREAM_S / 2
        async for entries in parts.hub.follow(at, until, 5):
            if entries is None:
                return None
            for event in await parts.live.render(entries, ANA):
                at = event.seq
                self._saw(event.message)
        return at

    def _saw(self, message: Message | None) -> None:
        """A console keeps the message of the highest rev, as LiveEvent says."""
        if message is None or message.state is None or message.rev < self.revs.get(message.message_id, 0):
            return
        self.revs[message.message_id] = message.rev
        self.ticks.setdefault(message.message_id, []).append(message.state)

    async def _receipt(self, item: Item) -> None:
        """A receipt that is lost is lost."""
        stage = self._stage()
        with suppress(ContendedError, StoreUnavailableError, TimeoutError):
            async with asyncio.timeout(CALL_S):
                await stage.store.write(owe_receipt(item, stage.clock.now_ms()))

    def _stage(self) -> Backstage:
        return self.records[self.rng.choice(sorted(self.records))]

    async def backstage(self, act: Callable[[Backstage], Awaitable[T]]) -> T:
        """Like `insist`, for what has no endpoint yet."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(CALL_S):
                    return await act(self._stage())
            except Exception:  # noqa: BLE001 - asked again until it answers
                await asyncio.sleep(self.rng.uniform(0.5, 2))
        raise NeverAnsweredError

    async def send_photo(self, sha256: str) -> None:
        """A photo to a customer, recorded before its file is settled; then the file is settled."""
        page = await self.insist(lambda parts: parts.inbox.page(50))
        if not page or not page.items:
            return
        self.keys += 1
        message_id = desk_id("ana", f"key-{self.keys}")
        body = {"type": "image", "image": {"caption": "foto"}}
        pending: list[MediaItem] = [{"n": 0, "mime": "image/jpeg", "state": "pending"}]
        conversation = self.rng.choice(page.items)["pk"]
        draft = Draft(message_id, conversation, "ana", "image", body, "foto", pending)

        async def record(stage: Backstage) -> Item | None:
            try:
                kept = await stage.record.outbound.record(draft)
            except KeyDestroyedError:
                return None  # erased meanwhile
            await publish_outbox(stage.bus, stage.store, kept.events, kept.owed)
            return kept.message

        message = await self.backstage(record)
        if message is not None:
            self.acknowledged.append(Acknowledged(message_id, "foto"))
            await self.backstage(lambda stage: _settle(stage, message, sha256))

    async def housekeeping(self, ids: Sequence[str], sha256: str, run: str) -> None:
        """An operator looks at account events and at an import's names, and a stranger's key is destroyed."""
        for item_id in ids:
            await self.backstage(lambda stage, one=item_id: stage.record.accounts.get(one))  # type: ignore[misc] # the default binds the loop's value
        await self.backstage(lambda stage: stage.keys.destroy("p_stranger"))
        await self.backstage(lambda stage: stage.record.connect.of(CONNECT_CONTACT))
        await self.backstage(lambda stage: origin(stage.store, sha256))
        await self.insist(lambda parts: parts.account.facts())
        await self.insist(lambda parts: parts.account.breakers())
        await self.insist(lambda parts: parts.account.waiting(None, 50))
        await self.insist(lambda parts: parts.rules.changes())
        await self.insist(lambda parts: parts.names.unplaced(run, ADELA))

    async def cover(self) -> None:
        """An admin has deleted and edited messages hidden from now on."""
        said = ChangesIn(edited="hide", revoked="hide")
        await self.insist(lambda parts: parts.rules.put_changes(said, ADELA, "absent"))

    async def erase(self, number: str) -> bool:
        """Whatever is known of a number is erased, once something is."""

        async def act(stage: Backstage) -> bool:
            found = await stage.record.people.find(Person((Alias("waid", number),)))
            if found is None:
                return False
            await stage.keys.destroy(found)
            attributes = events.Envelope(stage.clock.now_ms()).of(f"{found}:erased", found)
            gone = ContactChanged(contact_id=found, rev=1)
            await stage.bus.publish([ContactChangedEvent(**attributes, type=ERASED, data=gone)])
            return True

        return await self.backstage(act)


async def _settle(stage: Backstage, message: Item, sha256: str) -> None:
    """What services/media does for a file of ours, once uploads have their road."""
    ready = {"n": 0, "mime": "image/jpeg", "state": "ready", "sha256": sha256}
    found = await stage.store.get("messages", message["pk"], message["sk"])
    if found is None:
        return
    if found["media"][0]["state"] == "pending":
        op = Update("messages", message["pk"], message["sk"], set={"media": [ready]}, add={"rev": 1})
        found = await stage.store.write(op)
    if found is not None:
        await stage.bus.publish([events.media_settled(found, 0, events.Envelope(stage.clock.now_ms()))])
