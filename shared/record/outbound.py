"""Recording what the desk sends: message, owed delivery and events in one transaction, before anything is sent."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.due import outbox
from shared.events.model import Event
from shared.ids import Ids, order_key
from shared.lanes.owed import owe
from shared.lanes.port import Lane
from shared.media.uploads import waits
from shared.record import events
from shared.record.codec import content_sha
from shared.record.commit import ATTEMPTS, commit, pause
from shared.record.compose import ids_item
from shared.record.conversation import Movement, move
from shared.record.kept import Kept
from shared.record.reader import Reader, Thread
from shared.record.relations import beside, pointer
from shared.record.sealing import Sealing
from shared.record.shape import MediaItem, whatsapp_destination
from shared.record.waits import Place, place_of
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update

DAY_MS = 24 * 3600 * 1000
GATEWAY = "gateway"  # whose timer runs the lanes towards WhatsApp
FIRST = 1  # number of a message's first attempt


class NoConversationError(Exception):
    """There is no such conversation to write into."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent sends.

    Attributes:
        message_id: `ids.desk_id(agent, Idempotency-Key)`: the same request is the same message.
        message: the outgoing message, see shared/whatsapp/outgoing.py.
        media: settled media of the message, in order.
        reply_to: message_id of what it answers.
        reacts_to: message_id of what it reacts to, for type reaction.
        hold_ms: how long it can be taken back before it is released.
    """

    message_id: str
    conversation_id: str
    author: str
    type: str
    message: Mapping[str, Any]
    preview: str = ""
    media: Sequence[MediaItem] = ()
    flags: Sequence[str] = ()
    reply_to: str | None = None
    reacts_to: str | None = None
    hold_ms: int = 0
    traceparent: str | None = None


def next_key(last_order_key: str | None, now_ns: int, message_id: str) -> str:
    """order_key of our message: now, or just behind the newest message where that one lies ahead of our clock."""
    seconds, arrival = (int(part) for part in (last_order_key or "0.0").split(".")[:2])
    at_ns = max(now_ns, arrival + 1)
    return order_key(max(at_ns // 1_000_000_000, seconds), at_ns, message_id)


class Outbound:
    """Records messages of the desk.

    Args:
        service: whose outbox publishes the events should the process die before.
        retention_days: how long a message is to live.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        sealing: Sealing,
        clock: Clock,
        ids: Ids,
        service: str,
        retention_days: int,
    ) -> None:
        self._store = store
        self._reader = reader
        self._sealing = sealing
        self._clock = clock
        self._ids = ids
        self._service = service
        self._retention_ms = retention_days * DAY_MS

    async def record(self, draft: Draft, thread: Thread | None = None) -> Kept:
        """Record a message and owe its delivery; publish the events with `due.publish_outbox`.

        Args:
            draft: what to record.
            thread: its conversation's, where the caller has just read it.

        kind: new; again (same request, same content); variant (same request id, other content: nothing is
        written). Raises NoConversationError, ContendedError, StoreUnavailableError, KeyDestroyedError.
        """
        for attempt in range(ATTEMPTS * 4):
            thread = thread or await self._reader.thread(draft.conversation_id)
            if thread is None:
                raise NoConversationError(draft.conversation_id)
            kept = await self._written(draft, thread)
            if kept is not None:
                return kept
            # Looked up only now: nearly all messages are new, and the write itself knows which are not.
            seen = await self._store.get("ids", draft.message_id)
            if seen is not None:
                return await self._again(draft, seen)
            thread = None
            await asyncio.sleep(pause(self._ids, attempt))
        raise ContendedError("record: others kept moving the same conversation")

    async def _written(self, draft: Draft, thread: Thread) -> Kept | None:
        message = await self._message(draft, thread.item)
        target = await self._target(draft)
        found: list[Event] = [events.recorded(message, self._envelope(draft))]
        if target is not None:
            after = {**target, "rev": target["rev"] + 1}
            found.append(events.changed(after, ["reaction"], self._envelope(draft)))
        owed = outbox(self._service, self._clock.now_ms(), found)
        ops: list[Op] = [
            Put("ids", ids_item(message), absent=True),
            Put("messages", message, absent=True),
            move(thread.item, Movement(message, preview=await self._preview(draft, message))),
            *self._owe(draft, message),
            *_relation(draft, message, target),
            *waits(message),
            *owed,
        ]
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return None
        return Kept("new", draft.message_id, tuple(found), tuple(owed), message)

    async def _message(self, draft: Draft, conversation: Item) -> Item:
        now, pk = self._clock.now_ms(), conversation["pk"]
        sk = next_key(conversation.get("last_order_key"), self._clock.now_ns(), draft.message_id)
        key_id = conversation["contact_id"] or conversation["preview_key_id"]
        content = {"message": dict(draft.message), "preview": draft.preview}
        item: Item = {
            "pk": pk,
            "sk": sk,
            "message_id": draft.message_id,
            "pnid": conversation["pnid"],
            "contact_id": conversation["contact_id"],
            "key_id": key_id,
            "direction": "out",
            "type": draft.type,
            "source": "live",
            "flags": list(draft.flags),
            "ts": int(sk[:10]),
            "arrival_ms": now,
            "kept_at": now,
            "expires_at": now + self._retention_ms,
            "rev": 1,
            "content_sha": content_sha(draft.message_id, draft.message),
            "media": [dict(each) for each in draft.media],
            "state": "held" if draft.hold_ms else "queued",
            "author": draft.author,
            **await self._sealing.fields(key_id, content, "messages", pk, sk),
        }
        named = {"reply_to": draft.reply_to, "target": draft.reacts_to}
        return item | {name: value for name, value in named.items() if value is not None}

    async def _preview(self, draft: Draft, message: Item) -> bytes | None:
        if draft.reacts_to is not None:
            return None
        shown = {"text": draft.preview, "type": draft.type, "direction": "out"}
        return await self._sealing.blob(message["key_id"], shown, "conversations", message["pk"])

    def _owe(self, draft: Draft, message: Item) -> list[Op]:
        lane = Lane(whatsapp_destination(message["pnid"]), message["pk"])
        return owe(
            lane,
            service=GATEWAY,
            message_id=draft.message_id,
            part=str(FIRST),
            order_key=message["sk"],
            at_ms=message["kept_at"] + draft.hold_ms if draft.hold_ms else 0,
            held=draft.hold_ms > 0,
        )

    async def _target(self, draft: Draft) -> Item | None:
        """The message a reaction is about, where we have it."""
        if draft.reacts_to is None:
            return None
        place = place_of(await self._store.get("ids", draft.reacts_to))
        return None if place is None else await self._store.get("messages", place.pk, place.sk)

    async def _again(self, draft: Draft, seen: Item) -> Kept:
        message = await self._store.get("messages", seen["conversation_id"], seen["order_key"])
        if message is None:
            return Kept("erased", draft.message_id)
        if seen["content_sha"] != content_sha(draft.message_id, draft.message):
            return Kept("variant", draft.message_id, message=message)
        found = (events.recorded(message, self._envelope(draft)),)
        return Kept("again", draft.message_id, found, message=message)

    def _envelope(self, draft: Draft) -> events.Envelope:
        return events.Envelope(self._clock.now_ms(), draft.traceparent, draft.message_id)


def _relation(draft: Draft, message: Item, target: Item | None) -> list[Op]:
    """A reaction beside its target; the target's rev is as read, for its event is named by the next one."""
    if target is None:
        return []
    place = Place(target["pk"], target["sk"])
    child, _ = beside(place, "reaction", draft.message_id, pointer(message))
    same = Attr("rev").eq(target["rev"])
    return [child, Update("messages", place.pk, place.sk, add={"rev": 1}, condition=same)]
