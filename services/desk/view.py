"""Rendering: from items of the record to what one caller may see. The one place where things are masked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.desk.beside import Beside
from services.desk.media import MediaView, Urls
from services.desk.models import Call, Conversation, Edit, Message, Reaction, Reason, Status
from services.desk.origins import Origins
from services.desk.previews import Previews
from shared.clock import Clock
from shared.http.principal import Principal
from shared.record.changes import SETTING, Policy, policy_of
from shared.record.content import Content
from shared.record.events import rfc3339
from shared.record.people import People
from shared.record.reader import Reader, View
from shared.store.port import Item, Store
from shared.vault.port import KeyDestroyedError
from shared.whatsapp import errors

CALLS = frozenset({"call", "call_end"})
_VIA = {"history": "del historial del teléfono", "echo": "desde el teléfono"}


class Renderer:
    """Renders messages and conversations."""

    def __init__(self, store: Store, reader: Reader, people: People, urls: Urls, clock: Clock) -> None:
        self._store = store
        self._reader = reader
        self._people = people
        self._previews = Previews(store, reader)
        self.origins = Origins(store)
        self._media = MediaView(store, reader, urls, clock)

    async def beside(self, conversation_id: str) -> Beside:
        """What of a message's conversation and contact decides how it is shown."""
        found = await self._store.get_many([("conversations", conversation_id, "-"), SETTING])
        item = found.get(("conversations", conversation_id, "-"), {})
        contact = await self._people.root(item["contact_id"]) if item.get("contact_id") else None
        protected = bool(item.get("protected") or (contact and contact.get("protected")))
        return Beside(protected, policy_of(found.get(SETTING)))

    async def messages(self, views: Sequence[View], caller: Principal, beside: Beside) -> list[Message]:
        """Several messages of one thread."""
        return list(await asyncio.gather(*(self.message(view, caller, beside) for view in views)))

    async def message(self, view: View, caller: Principal, beside: Beside) -> Message:
        """A message as the caller may see it."""
        return Message(**await self.fields(view, caller, beside))

    async def fields(self, view: View, caller: Principal, beside: Beside) -> dict[str, Any]:
        """The members of a Message."""
        item, hidden = view.item, beside.hidden_from(caller)
        content = Content({}) if hidden else await self._reader.open(item)
        erased = bool(item.get("erased")) or content.erased
        known = not hidden and not erased
        shown = known and not await self.takes_back(view, caller, beside)
        ends = [await self._reader.open(each) for each in view.ends] if shown else []
        return {
            **_facts(item),
            "erased": erased,
            "protected": beside.protected,
            "late": bool(view.routed and view.routed.get("late")),
            "preview": (content.preview or None) if shown else None,
            "whatsapp": dict(content.message) if shown else None,
            "media": await self._media.all(view, shown=shown, protected=beside.protected),
            "withheld": withheld(content) if shown else None,
            "call": call(item, [content, *ends]) if shown and item["type"] in CALLS else None,
            "reactions": await self._reactions(view.reactions) if known else [],
            "edits": await self._edits(beside.edits(view, caller)) if known else [],
            "revoked_at": _at(view.revokes[0]) if view.revokes else None,
            "statuses": [status(each) for each in view.statuses],
        }

    async def takes_back(self, view: View, caller: Principal, beside: Beside) -> bool:
        """Whether what a message says is not for the caller; an edit's words share the fate of what they edited."""
        if beside.takes_back(view, caller):
            return True
        if view.item["type"] != "edit" or "target" not in view.item or beside.changes.keeps_all:
            return False
        edited = await self._reader.get_message(view.item["target"])
        left = beside.edits(edited, caller) if edited is not None else [view.item]
        return view.item["message_id"] not in {each["message_id"] for each in left}

    async def conversations(
        self, items: Sequence[Item], caller: Principal, **union: Any
    ) -> list[Conversation]:
        """Several conversations, their contacts read in one call.

        `union` overrides what a merged thread has in common.
        """
        keys = [("contacts", item["contact_id"], "-") for item in items if item.get("contact_id")]
        found = await self._store.get_many([SETTING, *dict.fromkeys(keys)])
        policy = policy_of(found.get(SETTING))
        contacts = [found.get(("contacts", item.get("contact_id", ""), "-")) for item in items]
        calls = (
            self._conversation(item, each, caller, policy, union)
            for item, each in zip(items, contacts, strict=True)
        )
        return list(await asyncio.gather(*calls))

    async def conversation(self, item: Item, caller: Principal, **union: Any) -> Conversation:
        """A conversation as the caller may see it."""
        (shown,) = await self.conversations([item], caller, **union)
        return shown

    async def _conversation(
        self,
        item: Item,
        contact: Item | None,
        caller: Principal,
        policy: Policy,
        union: Mapping[str, Any],
    ) -> Conversation:
        if contact is not None and "merged_into" in contact:
            contact = await self._people.root(contact["pk"])
        known = contact or {}
        protected = bool(item.get("protected") or known.get("protected"))
        hidden = Beside(protected).hidden_from(caller)
        ends = union.get("window_ends_at", item.get("window_ends_at"))
        return Conversation(
            conversation_id=item["pk"],
            pnid=item["pnid"],
            contact_id=item.get("contact_id") or None,
            group="group_id" in item,
            alias=known.get("alias"),
            name=None if hidden else await self._name(contact),
            window_ends_at=rfc3339(ends) if ends else None,
            unread=union.get("unread", item.get("unread", 0)),
            tags=list(item.get("tags", ())),
            state=item.get("state"),
            assignee=item.get("assignee"),
            protected=protected,
            last_at=key_time(item["last_order_key"]),
            last_message_id=item["last_message_id"],
            preview=None if hidden or known.get("erased") else await self._previews.of(item, caller, policy),
            rev=item["rev"],
        )

    async def _name(self, contact: Item | None) -> str | None:
        """What a person is called; nothing once erased."""
        if contact is None or contact.get("erased"):
            return None
        try:
            details = await self._people.details(contact)
        except KeyDestroyedError:
            return None
        return details.get("saved_name") or details.get("name")

    async def _reactions(self, items: Sequence[Item]) -> list[Reaction]:
        found = [(item, await self._reader.open(item)) for item in items]
        shown = [(item, _emoji(content)) for item, content in found]
        return [
            Reaction(
                message_id=item["message_id"],
                direction=item["direction"],
                author=item.get("author"),
                emoji=emoji,
                at=_at(item),
            )
            for item, emoji in shown
            if emoji
        ]

    async def _edits(self, items: Sequence[Item]) -> list[Edit]:
        found = [(item, await self._reader.open(item)) for item in items]
        return [
            Edit(message_id=item["message_id"], at=_at(item), whatsapp=dict(content.message))
            for item, content in found
            if not content.erased
        ]


def _facts(item: Item) -> dict[str, Any]:
    """What is clear in a message's item."""
    return {
        "message_id": item["message_id"],
        "conversation_id": item["pk"],
        "order_key": item["sk"],
        "rev": item["rev"],
        "direction": item["direction"],
        "type": item["type"],
        "source": item["source"],
        "at": _at(item),
        "arrived_at": rfc3339(item["arrival_ms"]),
        "flags": list(item["flags"]),
        "author": item.get("author"),
        "state": item.get("state"),
        "via": next((said for flag, said in _VIA.items() if flag in item["flags"]), None),
        "reply_to": item.get("reply_to"),
        "target": item.get("target"),
    }


def withheld(content: Content) -> Reason | None:
    """Why a received message or its file did not come whole, in words; None where it did."""
    told = content.message.get("errors") or content.value.get("errors")
    first = told[0] if isinstance(told, list) and told else None
    return reason(first.get("code")) if isinstance(first, Mapping) else None


def call(item: Item, parts: Sequence[Content]) -> Call:
    """A call as far as its events tell: nobody answers here, so one that lasted was taken on the phone."""
    said: dict[str, Any] = {}
    for part in parts:
        said |= {name: value for name, value in part.message.items() if value is not None}
    seconds = str(said.get("duration", ""))
    lasted = int(seconds) if seconds.isascii() and seconds.isdigit() else None
    status = said.get("status")
    return Call(
        missed=item["direction"] == "in" and not lasted,
        ended="end_time" in said or said.get("event") == "terminate",
        status=status if isinstance(status, str) else None,
        duration_s=lasted,
    )


def status(item: Item, content: Mapping[str, Any] | None = None) -> Status:
    """A status item; `content` is what was sealed of it, where it is to be shown."""
    value = (content or {}).get("value", {})
    listed = value.get("statuses") or [None]
    return Status(
        status=item["status"],
        attempt=item.get("attempt"),
        code=item.get("code"),
        reason=reason(item["code"]) if "code" in item else None,
        pricing=item.get("pricing"),
        at=rfc3339(item["ts"] * 1000 if isinstance(item.get("ts"), int) else item["arrival_ms"]),
        whatsapp=listed[0],
        contacts=value.get("contacts"),
    )


def reason(code: int | str | None) -> Reason:
    """Meta's code in words, and what helps."""
    known = errors.rule(code)
    return Reason(code=known.code, reason=known.reason_es, remedy=known.remedy_es)


def _emoji(content: Content) -> str:
    emoji = content.message.get("reaction", {}).get("emoji")
    return emoji if isinstance(emoji, str) else ""


def _at(item: Item) -> str:
    return key_time(item["sk"])


def key_time(order_key: str) -> str:
    """When a message was written, to the second, from its order_key."""
    return rfc3339(int(order_key[:10]) * 1000)
