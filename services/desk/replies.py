"""Replies: recorded and owed at once, sent by the gateway; and one more try where a person decides so."""

from typing import Any

from services.desk.drafts import UNKNOWN, AnyReply, FileReply, drafts, named, part_id
from services.desk.uploads import Uploads
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import outbox, publish_outbox
from shared.events.model import Event
from shared.http.principal import Principal
from shared.http.problems import Problem
from shared.ids import Ids, desk_id
from shared.ids import order_key as place_in_lane
from shared.lanes.owed import owe
from shared.lanes.port import Lane
from shared.record import events
from shared.record.attempts import attempts_of
from shared.record.commit import ATTEMPTS, commit
from shared.record.outbound import GATEWAY, NoConversationError, Outbound
from shared.record.reader import Reader, Thread, View
from shared.record.shape import whatsapp_destination
from shared.record.states import best
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Key, Op, Put, Store, Update
from shared.vault.port import KeyDestroyedError

SERVICE = "desk"
SETTLE_MS = 60_000  # CONTRACTS s.6: only a person sends again, once the claim is older than this
RETRYABLE = frozenset({"unsettled", "failed"})


class Replies:
    """Writes into conversations."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        outbound: Outbound,
        uploads: Uploads,
        bus: Bus,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._reader = reader
        self._outbound = outbound
        self._uploads = uploads
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def reply(
        self, conversation_id: str, asked: AnyReply, caller: Principal, key: str, traceparent: str | None
    ) -> list[Item]:
        """The messages of a request, recorded; the same request answers the same messages.

        Raises Problem, ContendedError, StoreUnavailableError: the request may be made again with its key.
        """
        thread = await self._reader.thread(conversation_id)
        if thread is None:
            raise Problem(404, "not-found", "conversation_id")
        mime = UNKNOWN
        try:
            self._check_open(thread)
            if isinstance(asked, FileReply):
                mime = (await self._uploads.usable(asked.upload_id, asked.type, caller))["mime"]
        except Problem:  # what was recorded while it was open is answered as it was
            if await self._reader.find(part_id(caller.agent_id, key, 0)) is None:
                raise
        wamid = await self._wamid(named(asked), thread)
        made = drafts(asked, thread.item["pk"], caller.agent_id, key, wamid, traceparent, mime)
        # Each part moves the conversation on; as it was read it serves the first one.
        return [await self._record(draft, None if number else thread) for number, draft in enumerate(made)]

    async def retry(self, message_id: str, caller: Principal, key: str) -> Item:
        """One more attempt of a message that failed or stayed unconfirmed; the message as it is then.

        Raises Problem, ContendedError, StoreUnavailableError.
        """
        request = desk_id(caller.agent_id, key)
        for _ in range(ATTEMPTS):
            view = await self._reader.get_message(message_id)
            if view is None:
                raise Problem(404, "not-found", "message_id")
            attempts = await self.attempts(view.item)
            if any(each.get("request") == request for each in attempts):
                return view.item
            await self._check_retry(view.item, attempts)
            try:
                return await self._tried(view.item, attempts, request)
            except ConditionFailedError:
                continue  # a status or another person was faster: look again
        raise ContendedError("retry: others kept moving the same message")

    def _check_open(self, thread: Thread) -> None:
        """Early and in words; the gateway decides again when it sends."""
        if thread.item.get("group_id") or not thread.item.get("contact_id"):
            raise Problem(409, "group-read-only")
        if (thread.window_ends_at or 0) <= self._clock.now_ms():
            raise Problem(409, "window-closed")

    async def _record(self, draft: Any, thread: Thread | None) -> Item:
        try:
            kept = await self._outbound.record(draft, thread)
        except NoConversationError as error:
            raise Problem(404, "not-found", "conversation_id") from error
        except KeyDestroyedError as error:
            raise Problem(409, "erased-person") from error
        if kept.kind == "erased" or kept.message is None:
            raise Problem(409, "erased-person")
        if kept.kind == "variant":
            raise Problem(409, "idempotency-key-reused", "Idempotency-Key")
        await publish_outbox(self._bus, self._store, kept.events, kept.owed)
        return kept.message

    async def _wamid(self, message_id: str | None, thread: Thread) -> str | None:
        """Meta's id of a message of this thread. Raises Problem where it has none yet."""
        if message_id is None:
            return None
        view = await self._reader.get_message(message_id)
        found = await self._wamid_of(view) if view is not None and view.item["pk"] in thread.members else None
        if found is None:
            raise Problem(422, "quote-unknown", "reply_to")
        return found

    async def _wamid_of(self, view: View) -> str | None:
        content = await self._reader.open(view.item)
        if content.wamid is not None:
            return content.wamid
        for item in reversed(view.statuses):  # ours: Meta's id comes back with each status
            statuses = (await self._reader.open_child(item)).get("value", {}).get("statuses") or [{}]
            if isinstance(statuses[0].get("id"), str):
                return str(statuses[0]["id"])
        return None

    async def attempts(self, message: Item) -> list[Item]:
        """The tries to send a message, first to last."""
        lane, prefix = attempts_of(message)
        page = await self._store.query("deliveries", lane, Key("sk").begins_with(prefix))
        return sorted(page.items, key=lambda each: int(each["part"]))

    async def _check_retry(self, message: Item, attempts: list[Item]) -> None:
        last = attempts[-1] if attempts else {}
        if message.get("state") not in RETRYABLE or last.get("state") not in RETRYABLE:
            raise Problem(409, "not-retryable")
        age = self._clock.now_ms() - last.get("claimed_at", 0)
        if last["state"] == "unsettled" and age < SETTLE_MS:
            wait = -(-(SETTLE_MS - age) // 1000)
            raise Problem(
                409, "too-early", seconds=SETTLE_MS // 1000, wait=wait, headers={"Retry-After": str(wait)}
            )
        thread = await self._reader.thread(message["pk"])
        if thread is not None:
            self._check_open(thread)

    async def _tried(self, message: Item, attempts: list[Item], request: str) -> Item:
        """The next part, owed behind what the lane holds, in one transaction with its events."""
        part = str(int(attempts[-1]["part"]) + 1)
        owed_key = place_in_lane(None, self._clock.now_ns(), message["message_id"])
        lane = Lane(whatsapp_destination(message["pnid"]), message["pk"])
        (op,) = owe(
            lane,
            service=GATEWAY,
            message_id=message["message_id"],
            part=part,
            order_key=message["sk"],
            owed=owed_key,
        )
        if not isinstance(op, Put):
            raise TypeError("owe: a delivery without a time is one Put")
        delivery = Put(op.table, {**op.item, "request": request}, absent=True)
        state = best([*(each["state"] for each in attempts), "queued"])
        after = {**message, "rev": message["rev"] + 1, "state": state}
        envelope = events.Envelope(self._clock.now_ms(), correlation=message["message_id"])
        found: list[Event] = [
            events.delivery_changed(delivery.item, envelope),
            events.changed(after, ["attempt"], envelope),
        ]
        owed = outbox(SERVICE, self._clock.now_ms(), found)
        same = Attr("rev").eq(message["rev"])
        moved = Update(
            "messages", message["pk"], message["sk"], set={"state": state}, add={"rev": 1}, condition=same
        )
        ops: list[Op] = [moved, delivery, *owed]
        await commit(self._store, self._ids, ops)
        await publish_outbox(self._bus, self._store, found, owed)
        return after
