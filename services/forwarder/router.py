"""Routing one conversation: one transaction a message, the cursor as read, the loser reads again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.forwarder import ordering
from services.forwarder.config import Config, Destination, Rules
from services.forwarder.routing import Facts, asks_for_words, destinations
from shared.clock import Clock
from shared.events.model import Recorded
from shared.ids import Ids
from shared.lanes.owed import owe
from shared.lanes.patience import Patience
from shared.lanes.port import Lane
from shared.observability.metrics import Metrics
from shared.record.reader import Reader
from shared.record.shape import CURSOR_SK, routed_sk
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Key, Op, Put, Store, Update
from shared.whatsapp.wording import text

SERVICE = "forwarder"
MAIN_PART = "0"
RACES = 50
_SENDING_S = 0.5  # what comes behind the hold asks for the rules once more


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far a conversation is routed, as read; and whether it is a protected person's."""

    conversation_id: str
    at: str
    protected: bool = False

    def moved(self, to: str) -> Update:
        """The op that moves it from where it was read."""
        same = Attr("at").eq(self.at) if self.at else Attr("at").not_exists()
        return Update("messages", self.conversation_id, CURSOR_SK, set={"at": to}, condition=same)


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what a conversation's messages are routed now."""

    rules: Rules
    protected: bool


class Router:
    """Decides once for each message where it goes, and owes the deliveries.

    Args:
        hold_s: how long a message waits for older ones, from its event on.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        config: Config,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
        hold_s: float,
    ) -> None:
        self._store = store
        self._reader = reader
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._hold_s = hold_s
        self._patience = Patience(store, ids)

    async def route(self, event: Recorded) -> list[Lane]:
        """Route the event's message and all that must go before it; answers the lanes to run.

        The lanes of the event's own message are always among them: whoever routed it may have died before
        running them. Raises what the store raises.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._hold_s
        # While there is time: the rules, where they are soon due, and from where on to read.
        await self._config.rules(self._hold_s + _SENDING_S)
        known: _Cursor | None = await self._cursor(event.conversation_id)
        await asyncio.sleep(until - loop.time())
        lanes: dict[Lane, None] = {}
        for _ in range(RACES):
            try:
                await self._advance(event, known or await self._cursor(event.conversation_id), lanes)
            except ConditionFailedError:
                known = None  # another worker routed meanwhile
                continue
            return list(lanes)
        raise ContendedError("routing: others kept moving the cursor")

    async def lanes(self, conversation_id: str, order_key: str) -> list[Lane]:
        """The lanes a message was routed into."""
        mark = await self._store.get("messages", conversation_id, routed_sk(order_key))
        return [Lane(name, conversation_id) for name in (mark or {}).get("destinations", [])]

    async def _advance(self, event: Recorded, known: _Cursor, lanes: dict[Lane, None]) -> None:
        cursor, items = await self._behind(known)
        if event.order_key <= cursor.at:
            await self._late(event, cursor, lanes)
            lanes.update(dict.fromkeys(await self.lanes(event.conversation_id, event.order_key)))
            return
        settled = self._clock.now_ms() - int(self._hold_s * 1000)
        terms = _Terms(await self._config.rules(), cursor.protected)
        for message in ordering.plan(items, event.order_key, settled).messages:
            ops, found = await self._ops(message, terms, late=False)
            await self._patience.transact([*ops, cursor.moved(message["sk"])])
            cursor = replace(cursor, at=message["sk"])
            lanes.update(dict.fromkeys(found))

    async def _late(self, event: Recorded, cursor: _Cursor, lanes: dict[Lane, None]) -> None:
        """A message below the cursor: routed already, or it came late; the cursor stays where it is."""
        cid = event.conversation_id
        own, mark = ("messages", cid, event.order_key), ("messages", cid, routed_sk(event.order_key))
        read = await self._store.get_many([own, mark])
        message = read.get(own)
        if message is None or not ordering.routable(message):
            return
        if not ordering.late(message, cursor.at, [read[mark]] if mark in read else []):
            return
        terms = _Terms(await self._config.rules(), cursor.protected)
        ops, found = await self._ops(message, terms, late=True)
        await self._patience.transact(ops)
        self._metrics.late_messages_total.inc()
        lanes.update(dict.fromkeys(found))

    async def _cursor(self, conversation_id: str) -> _Cursor:
        at, thread = ("messages", conversation_id, CURSOR_SK), ("conversations", conversation_id, "-")
        read = await self._store.get_many([at, thread])
        protected = bool(read.get(thread, {}).get("protected"))
        return _Cursor(conversation_id, read.get(at, {}).get("at", ""), protected)

    async def _behind(self, known: _Cursor) -> tuple[_Cursor, list[Item]]:
        """The cursor as it is now and everything after it, read together from where it was.

        '~' sorts after every order_key and its children, and before the cursor itself.
        """
        items: list[Item] = []
        start: Item | None = None
        condition = Key("sk").between(_past(known.at), CURSOR_SK)
        while True:
            page = await self._store.query("messages", known.conversation_id, condition, start=start)
            items += page.items
            start = page.next
            if start is None:
                break
        at = next((item["at"] for item in items if item["sk"] == CURSOR_SK), "")
        if at < known.at:
            return await self._behind(replace(known, at=at))  # an import was taken back meanwhile
        rest = [item for item in items if _past(at) <= item["sk"] < CURSOR_SK]
        return replace(known, at=at), rest

    async def _ops(self, message: Item, terms: _Terms, *, late: bool) -> tuple[list[Op], list[Lane]]:
        """The one transaction of a message: its deliveries and the mark that it has been routed."""
        rules = terms.rules
        chosen = destinations(await self._facts(message, terms), rules)
        lanes = [Lane(each.id, message["pk"]) for each in chosen]
        ops: list[Op] = [
            Put(
                "messages", _mark(message, rules, chosen, late=late, now_ms=self._clock.now_ms()), absent=True
            )
        ]
        for destination, lane in zip(chosen, lanes, strict=True):
            ops += self._owe(message, destination, lane, late=late)
        return ops, lanes

    async def _facts(self, message: Item, terms: _Terms) -> Facts:
        words = await self._words(message) if asks_for_words(terms.rules.routes) else ""
        return Facts(message["pnid"], message["type"], words, terms.protected)

    async def _words(self, message: Item) -> str:
        content = await self._reader.open(message)
        return "" if content.erased else text(content.typed)

    def _owe(self, message: Item, destination: Destination, lane: Lane, *, late: bool) -> list[Op]:
        waits = destination.media == "wait" and any(each["state"] == "pending" for each in message["media"])
        at_ms = self._clock.now_ms() + int(destination.wait_s * 1000) if waits else 0
        ops = owe(
            lane,
            service=SERVICE,
            message_id=message["message_id"],
            part=MAIN_PART,
            order_key=message["sk"],
            at_ms=at_ms,
            late=late,
        )
        delivery = ops[0]
        if isinstance(delivery, Put):
            waited = {"awaits": "media"} if waits else {}
            delivery.item.update(contact_id=message["contact_id"], **waited)
        return ops


def _past(order_key: str) -> str:
    """The first key behind a message and its children; behind none, the first of all."""
    return f"{order_key}~" if order_key else "0"


def _mark(
    message: Item, rules: Rules, chosen: Sequence[Destination], *, late: bool, now_ms: int
) -> dict[str, Any]:
    """The item beside a message that says it was routed, by which rules, where to; never evaluated again."""
    mark = {
        "pk": message["pk"],
        "sk": routed_sk(message["sk"]),
        "kind": "routed",
        "version": rules.version,
        "destinations": [each.id for each in chosen],
        "routed_at": now_ms,
    }
    return mark | ({"late": True} if late else {})
