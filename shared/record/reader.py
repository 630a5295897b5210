"""Reading the record: one message, a page of a thread with everything beside it, content opened.

A merged person's thread is the union of its conversations, ordered by order_key; nothing was moved to make
it so. The same reader serves desk, search, forwarder and gateway.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.record.content import ERASED, Content
from shared.record.people import People
from shared.record.sealing import Sealing
from shared.record.shape import is_message_sk
from shared.record.waits import Place, children_of, place_of, waits
from shared.store.port import Item, Key, Store
from shared.vault.port import KeyDestroyedError

MAX_LIMIT = 200  # CONTRACTS s.9
_PAGE = 300  # items a query; a message has a few children


@dataclass(frozen=True, slots=True)
class View:
    """A message with what stands beside it.

    Attributes:
        item: the message's own item.
        statuses, variants, notes: child items in key order.
        readings: what was read out of its files (shared/media/reading.py); `open_child` opens them.
        reactions: the relation's own message items, the last one of each person, oldest first.
        edits, revokes, ends: the relations' own message items, oldest first; `ends` are those of a call.
        routed: the child that says where it was routed to, if it was.
    """

    item: Item
    statuses: tuple[Item, ...] = ()
    reactions: tuple[Item, ...] = ()
    edits: tuple[Item, ...] = ()
    revokes: tuple[Item, ...] = ()
    ends: tuple[Item, ...] = ()
    variants: tuple[Item, ...] = ()
    notes: tuple[Item, ...] = ()
    readings: tuple[Item, ...] = ()
    routed: Item | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as people see it: the surviving one, and all whose messages belong to it.

    Attributes:
        item: the surviving conversation's item; the newest one where the survivor has none of its own yet.
        members: conversation_ids of the union, the item's first.
        window_ends_at: the latest of the union, ms; None where nobody opened one.
    """

    item: Item
    members: tuple[str, ...]
    window_ends_at: int | None = None
    unread: int = 0


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in order_key order; `older` and `newer` say whether more follow on that side."""

    views: tuple[View, ...]
    older: bool
    newer: bool


@dataclass(slots=True)
class _Rows:
    """What a walk over partitions found: messages and the children that stand beside them."""

    messages: dict[str, Item] = field(default_factory=dict)
    children: dict[str, list[Item]] = field(default_factory=dict)

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            sk = item["sk"]
            if is_message_sk(sk):
                self.messages[sk] = item
            elif "#" in sk:
                self.children.setdefault(sk.partition("#")[0], []).append(item)


class Reader:
    """Reads messages, threads and content."""

    def __init__(self, store: Store, people: People, sealing: Sealing) -> None:
        self._store = store
        self._people = people
        self._sealing = sealing

    async def find(self, message_id: str) -> Place | None:
        """Where a message lies, by its id or by the hashed wamid of one of our attempts."""
        return place_of(await self._store.get("ids", message_id))

    async def get_message(self, message_id: str) -> View | None:
        """A message with what stands beside it; None where there is none."""
        place = await self.find(message_id)
        item = await self._store.get("messages", place.pk, place.sk) if place else None
        return None if item is None else await self.view(item)

    async def view(self, item: Item) -> View:
        """A message item with what stands beside it now."""
        children = await children_of(self._store, Place(item["pk"], item["sk"]))
        return (await self._fold([item], {item["sk"]: children}))[0]

    async def thread(self, conversation_id: str, root: Item | None = None) -> Thread | None:
        """The union a conversation belongs to; None where there is no such conversation.

        Args:
            conversation_id: any of the thread.
            root: its surviving contact, where the caller has just read it.
        """
        item = await self._store.get("conversations", conversation_id)
        if item is None:
            return None
        if item.get("group_id") or not item.get("contact_id"):
            return _thread([item], conversation_id)
        return await self._union(item, root or await self._people.root(item["contact_id"]))

    async def conversation(self, conversation_id: str) -> Item | None:
        """The item of the conversation that now speaks for this one."""
        found = await self.thread(conversation_id)
        return found.item if found else None

    async def page(
        self,
        conversation_id: str,
        *,
        around: str | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> MessagePage:
        """Up to `limit` messages of a thread: the newest, or those around, before or after an order_key.

        Args:
            conversation_id: any conversation of the thread.
            around: half of the page's messages lie up to and with this order_key, the rest after it.
            before: exclusive order_key; the newest messages before it.
            after: exclusive order_key; the oldest messages after it.
            limit: 1 to 200.
        """
        thread = await self.thread(conversation_id)
        if thread is None:
            return MessagePage((), older=False, newer=False)
        limit = max(1, min(limit, MAX_LIMIT))
        if around is not None:
            return await self._around(thread.members, around, limit)
        if after is not None:
            found = await self._walk(thread.members, limit + 1, after=after)
            return await self._page(found, limit, newest=False, beyond=True)
        found = await self._walk(thread.members, limit + 1, before=before)
        return await self._page(found, limit, newest=True, beyond=before is not None)

    async def open(self, item: Item) -> Content:
        """The content of a message or variant item; the erased marker where its key is destroyed.

        Raises KeysUnavailableError, ObjectsUnavailableError, SealBrokenError.
        """
        return await self._opened("messages", item)

    async def _opened(self, table: str, item: Item) -> Content:
        try:
            body = await self._sealing.open_item(table, item)
        except KeyDestroyedError:
            return ERASED
        return Content(body or {})

    async def open_child(self, item: Item) -> Mapping[str, Any]:
        """The content of a status item, as Meta shapes the change's value, or of a reading; empty once erased."""
        return (await self.open(item)).body

    async def waiting(self, target_id: str) -> list[tuple[Item, Content]]:
        """What waits for a message that is not known yet, statuses with their content."""
        found = [(item, await self._opened("ids", item)) for item in await waits(self._store, target_id)]
        return sorted(found, key=lambda each: str(each[0]["sk"]))

    async def preview(self, conversation: Item) -> Mapping[str, str] | None:
        """{text, type, direction} of the newest news of a conversation; None where nothing can be shown."""
        blob = conversation.get("preview")
        if blob is None:
            return None
        key_id = conversation["preview_key_id"]
        try:
            shown: Mapping[str, str] = await self._sealing.open(
                key_id, blob, "conversations", conversation["pk"]
            )
        except KeyDestroyedError:
            return None
        return shown

    async def contact(self, contact_id: str) -> tuple[Item, Mapping[str, Any]] | None:
        """The surviving contact of an id and what is known of the person (empty once erased)."""
        root = await self._people.root(contact_id)
        if root is None:
            return None
        try:
            return root, await self._people.details(root)
        except KeyDestroyedError:
            return root, {}

    async def _union(self, item: Item, root: Item | None) -> Thread:
        entries = await self._people.conversations(root["pk"]) if root else []
        ids = [each["sk"] for each in entries if each["pnid"] == item["pnid"]]
        known = {item["pk"]: item}
        keys = [("conversations", each, "-") for each in ids if each not in known]
        found = await self._store.get_many(keys) if keys else {}
        known |= {key[1]: each for key, each in found.items()}
        order = dict.fromkeys([*ids, item["pk"]])
        return _thread([known[each] for each in order if each in known], item["pk"])

    async def _around(self, members: Sequence[str], key: str, limit: int) -> MessagePage:
        half = limit // 2
        older = await self._walk(members, limit - half + 1, before=f"{key}~")
        newer = await self._walk(members, half + 1, after=key)
        rows = _Rows()
        first = sorted(older.messages)[-(limit - half) :]
        last = sorted(newer.messages)[:half]
        for source in (older, newer):
            rows.messages.update(source.messages)
            rows.children.update(source.children)
        views = await self._fold([rows.messages[sk] for sk in [*first, *last]], rows.children)
        return MessagePage(
            tuple(views), older=len(older.messages) > len(first), newer=len(newer.messages) > len(last)
        )

    async def _page(self, rows: _Rows, limit: int, *, newest: bool, beyond: bool) -> MessagePage:
        order = sorted(rows.messages)
        more = len(order) > limit
        chosen = order[-limit:] if newest else order[:limit]
        views = await self._fold([rows.messages[sk] for sk in chosen], rows.children)
        if newest:
            return MessagePage(tuple(views), older=more, newer=beyond)
        return MessagePage(tuple(views), older=beyond, newer=more)

    async def _walk(
        self, members: Sequence[str], count: int, *, before: str | None = None, after: str | None = None
    ) -> _Rows:
        """At least `count` messages of each partition on one side of a key, or all there are."""
        rows = _Rows()
        for member in members:
            await self._walk_one(rows, member, count, before=before, after=after)
        return rows

    async def _walk_one(
        self, rows: _Rows, pk: str, count: int, *, before: str | None, after: str | None
    ) -> None:
        # A message's children sort right behind it, so reading backwards meets them first. '~' sorts after
        # every order_key and every child, and leaves the cursor out.
        condition = Key("sk").lt(before or "~") if after is None else Key("sk").gt(f"{after}~")
        own = _Rows()
        start: Item | None = None
        while True:
            page = await self._store.query(
                "messages", pk, condition, forward=after is not None, limit=_PAGE, start=start
            )
            own.add(page.items)
            start = page.next
            if start is None or len(own.messages) > count:
                break
        rows.messages.update(own.messages)
        rows.children.update(own.children)

    async def _fold(self, items: Sequence[Item], children: Mapping[str, Sequence[Item]]) -> list[View]:
        mine = {item["sk"]: children.get(item["sk"], ()) for item in items}
        pointers = [each for row in mine.values() for each in row if "at_sk" in each]
        keys = [("messages", each["at_pk"], each["at_sk"]) for each in pointers]
        found = await self._store.get_many(keys) if keys else {}
        return [_view(item, mine[item["sk"]], found) for item in items]


def _view(item: Item, children: Sequence[Item], found: Mapping[tuple[str, str, str], Item]) -> View:
    def own(kind: str) -> list[Item]:
        keys = [("messages", each["at_pk"], each["at_sk"]) for each in children if each.get("kind") == kind]
        return sorted((found[key] for key in keys if key in found), key=lambda each: str(each["sk"]))

    def beside(kind: str) -> tuple[Item, ...]:
        return tuple(each for each in children if each.get("kind") == kind)

    last = {(each["direction"], each["contact_id"]): each for each in own("reaction")}
    return View(
        item,
        statuses=beside("status"),
        reactions=tuple(last.values()),
        edits=tuple(own("edit")),
        revokes=tuple(own("revoke")),
        ends=tuple(own("call_end")),
        variants=beside("variant"),
        notes=beside("note"),
        readings=beside("reading"),
        routed=next((each for each in children if each["sk"].endswith("#routed")), None),
    )


def _thread(items: Sequence[Item], asked: str) -> Thread:
    """The union of conversations; the one that is not merged away speaks for it."""
    alive = [each for each in items if "merged_into" not in each] or list(items)
    main = max(alive, key=lambda each: str(each.get("last_order_key", "")))
    others = [each["pk"] for each in items if each["pk"] != main["pk"]]
    ends = [each["window_ends_at"] for each in items if "window_ends_at" in each]
    members = (main["pk"], *others) if items else (asked,)
    return Thread(main, members, max(ends, default=None), sum(each.get("unread", 0) for each in items))
