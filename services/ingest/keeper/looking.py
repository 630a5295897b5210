"""Looks at one slot of arrivals through all stages, and brings what is missing again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.ingest import understand
from services.ingest.archive import Arrived, poison_key, slot
from services.ingest.archived import Archived
from services.ingest.handlers import Ingest
from services.ingest.keeper.ports import Document, SearchPlace
from services.ingest.keeper.rows import MAIN_PART
from services.ingest.keeper.slots import Seen
from services.ingest.origin import Ours
from shared.bus.port import Bus
from shared.clock import Clock
from shared.errors import Poison
from shared.objects.port import ObjectMissingError, Objects
from shared.record import events
from shared.record.accounts import account_id
from shared.record.codec import clear
from shared.record.inbound import Origin
from shared.record.shape import lane_pk, routed_sk
from shared.record.statuses import KIND, target
from shared.record.waits import MARK_SK, Place, children_of, place_of, waits
from shared.store.port import Item, Store
from shared.whatsapp.item import (
    AnyItem,
    CallItem,
    ConnectItem,
    MessageItem,
    MetaItem,
    RejectedItem,
    StatusItem,
    UnknownItem,
)

PREFIX = "raw/eum/"
_NS = 1_000_000_000


@dataclass(slots=True)
class Look:
    """What was seen of a slot, and what would bring it again.

    Attributes:
        envelopes: key of a parsed item -> the archived envelope it lies in.
        ids: message_id of every message that lies in the envelopes, in their order.
        messages: message_id -> the message's item, of those in the table.
    """

    seen: Seen = field(default_factory=Seen)
    envelopes: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    messages: dict[str, Item] = field(default_factory=dict)


class Looker:
    """Reads slots and repairs them.

    Args:
        scope: our portfolio.
    """

    def __init__(
        self,
        store: Store,
        raw: Objects,
        ingest: Ingest,
        search: SearchPlace,
        bus: Bus,
        ours: Ours,
        scope: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._ingest = ingest
        self._search = search
        self._bus = bus
        self._ours = ours
        self._scope = scope
        self._clock = clock

    async def keys(self, start_s: int, end_s: int) -> dict[int, list[str]]:
        """Archived envelopes by slot, of the slots that hold any, in [start, end)."""
        found: dict[int, list[str]] = {}
        for at in range(start_s, end_s, 10):
            names = [info.key async for info in self._raw.list(f"{PREFIX}{slot(at * _NS)}/")]
            if names:
                found[at] = names
        return found

    async def look(self, keys: Sequence[str]) -> Look:
        """Every stage of what lies in these envelopes."""
        look = Look()
        for key in keys:
            try:
                found = await self._archived.read(key)
            except ObjectMissingError:
                continue  # rewritten or expired since it was listed
            await self._envelope(look, key, found)
        await self._messages(look)
        await self._documents(look)
        return look

    async def repair(self, look: Look) -> None:
        """Bring again what is missing: envelopes through ingest, events of messages to who acts on them."""
        gaps = look.seen.gaps()
        lost = gaps.get("ids", frozenset()) | gaps.get("messages", frozenset())
        for key in sorted({look.envelopes[name] for name in lost if name in look.envelopes}):
            await self._replay(key)
        stale = {name.partition(":")[0] for name in gaps.get("documents", ())}
        envelope = events.Envelope(self._clock.now_ms())
        unheard = sorted(stale | gaps.get("routed", frozenset()))
        told = [events.recorded(look.messages[name], envelope) for name in unheard]
        if told:
            await self._bus.publish(told)

    async def _replay(self, key: str) -> None:
        found = await self._archived.read(key)
        try:
            await self._ingest.take(found, "ingest")
        except Poison:
            return  # parked now, which the next look sees

    async def _envelope(self, look: Look, key: str, found: Arrived) -> None:
        listed = self._ingest.sorted(found)
        if found.envelope is None or (listed and all(isinstance(item, RejectedItem) for item in listed)):
            aside = await self._raw.head(poison_key(found, None))
            self._note(look, key, "envelope", known=aside is not None)
            return
        for item in listed:
            await self._item(look, key, found, item)

    async def _item(self, look: Look, key: str, found: Arrived, item: AnyItem) -> None:
        match item:
            case MessageItem() | CallItem():
                name = self._id(item, found)
                look.seen.parsed.add(name)
                look.envelopes[name] = key
                look.ids.append(name)
            case StatusItem() if item.field != "calls":
                self._note(look, key, f"status {item.position}", known=await self._told(item))
            case RejectedItem() | MetaItem() | UnknownItem():
                name = account_id(found.raw_id, item.position)
                self._note(look, key, name, known=await self._store.get("ids", name) is not None)
            case ConnectItem():
                return

    def _id(self, item: MessageItem | CallItem, found: Arrived) -> str:
        origin = Origin(found.raw_id, item.position, found.arrival_ns)
        pnid = self._ours.number(item.pnid) or ""
        if isinstance(item, CallItem):
            return understand.call(item, pnid, origin, self._scope).message_id
        return understand.inbound(item, pnid, origin, self._scope).message_id

    def _note(self, look: Look, key: str, name: str, *, known: bool) -> None:
        unique = f"{key} {name}"
        look.envelopes[unique] = key
        look.seen.parsed.add(unique)
        if known:
            look.seen.ids.add(unique)

    async def _messages(self, look: Look) -> None:
        """The messages of the slot through the tables, a stage at a time: each is read after the one before it."""
        places = await self._placed(look)
        found = await self._many({name: ("messages", each.pk, each.sk) for name, each in places.items()})
        look.messages.update(found)
        look.seen.messages |= found.keys() - await self._half_kept(found)
        await self._routed(look, {name: item for name, item in found.items() if _live(item)})

    async def _half_kept(self, found: Mapping[str, Item]) -> set[str]:
        """Those for which something still waits: who kept them died before it looked, and no queue brings them again."""
        alive = [name for name, item in found.items() if not item.get("erased")]
        marked = await self._many({name: ("ids", name, MARK_SK) for name in alive})
        return {name for name in marked if await waits(self._store, name)}

    async def _placed(self, look: Look) -> dict[str, Place]:
        """Where the messages lie; not those of our own wamids, nor those that have reached their end."""
        known = await self._many({name: ("ids", name, "-") for name in look.ids})
        look.seen.ids |= known.keys()
        found = {name: place_of(item) for name, item in known.items() if "ttl" not in item}
        places = {name: place for name, place in found.items() if place is not None}
        look.seen.placed |= places.keys()
        return places

    async def _routed(self, look: Look, live: Mapping[str, Item]) -> None:
        marks = await self._many(
            {name: ("messages", item["pk"], routed_sk(item["sk"])) for name, item in live.items()}
        )
        named = {
            f"{name} {each}": ("deliveries", lane_pk(each, live[name]["pk"]), f"{name}#{MAIN_PART}")
            for name, mark in marks.items()
            for each in mark["destinations"]
        }
        look.seen.live |= live.keys()
        look.seen.routed |= marks.keys()
        look.seen.named |= named.keys()
        look.seen.deliveries |= (await self._many(named)).keys()

    async def _many(self, wanted: Mapping[str, tuple[str, str, str]]) -> dict[str, Item]:
        """Items by the names they are wanted under; absent ones are missing."""
        found = await self._store.get_many(list(wanted.values())) if wanted else {}
        return {name: found[key] for name, key in wanted.items() if key in found}

    async def _told(self, item: StatusItem) -> bool:
        """Whether a status stands beside its message or waits for it; of a message that is gone nothing need."""
        status = item.status
        target_id = target(
            self._ours.number(item.pnid) or "", status.id or "", status.biz_opaque_callback_data
        )
        place = place_of(await self._store.get("ids", target_id))
        if place is None:
            return _word(await waits(self._store, target_id), clear(status.status))
        message = await self._store.get("messages", place.pk, place.sk)
        if message is None or message.get("erased"):
            return True
        return _word(await children_of(self._store, Place(place.pk, place.sk)), clear(status.status))

    async def _documents(self, look: Look) -> None:
        live = {name: item for name, item in look.messages.items() if not item.get("erased")}
        asked = [Document(name, item["kept_at"], item["rev"]) for name, item in sorted(live.items())]
        lacking = await self._search.missing(asked) if asked else frozenset()
        named = {name: f"{name}:{item['rev']}" for name, item in live.items()}
        look.seen.indexed |= {*named.values()}
        look.seen.documents |= {each for name, each in named.items() if name not in lacking}


def _live(item: Item) -> bool:
    """Whether a message must be routed."""
    return item["direction"] == "in" and item["source"] == "live" and not item.get("erased")


def _word(rows: Sequence[Any], word: str) -> bool:
    return any(row.get("kind") == KIND and row.get("status") == word for row in rows)
