"""From a typed item to what the record keeps: pure, nothing is decided twice.

The record's words for a person are aliases (HMACed later) and details (sealed); everything else of the item
goes whole into the sealed content.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from shared.record.codec import clear
from shared.record.inbound import (
    AccountChange,
    Alias,
    Inbound,
    MediaSlot,
    Origin,
    Person,
    Relation,
    RelationKind,
    StatusReport,
)
from shared.whatsapp import content, errors, identity, wording
from shared.whatsapp.item import CallItem, MessageItem, MetaItem, StatusItem
from shared.whatsapp.parts import Contact
from shared.whatsapp.statuses import Pricing
from shared.whatsapp.wire import dump

_RELATIONS = ("reaction", "edit", "revoke")
ENDED = "terminate"  # Meta, Calling API: the event that closes a call; `connect` opens it
END = "#end"  # behind a wacid: the id of a call's end, which has none of its own


def inbound(item: MessageItem, pnid: str, origin: Origin, scope: str) -> Inbound:
    """A message as the record keeps it. `scope` is our portfolio, in which BSUIDs are unique."""
    message, facts = item.message, content.of(item.message)
    kind = clear(facts.kind)
    return Inbound(
        origin=replace(origin, source="import") if item.past else origin,
        pnid=pnid,
        wamid=item.wamid,
        person=person(item, scope, fallback=item.wamid),
        type=kind,
        message=dump(item.part),
        content={
            **envelope(item),
            "wamid": item.wamid,
            "media_ids": [{"n": file.n, "id": file.id} for file in facts.media if file.id],
            "preview": facts.preview,
        },
        ts_s=seconds(message.timestamp),
        preview=facts.preview,
        direction="out" if item.echo else "in",
        echo=item.echo,
        group_id=message.group_id,
        flags=(*facts.flags, *(("history",) if item.past else ())),
        media=tuple(MediaSlot(file.n, file.mime) for file in facts.media),
        reply_to=facts.reply_to,
        relation=_relation(kind, facts.target),
        free_entry=message.referral is not None,
    )


def call(item: CallItem, pnid: str, origin: Origin, scope: str) -> Inbound:
    """A call as a row of its thread. How it ended is told of the row, or is the row where the call never came."""
    said, ended = item.call, item.call.event == ENDED
    shown = wording.call(said)
    return Inbound(
        origin=origin,
        pnid=pnid,
        wamid=f"{said.id}{END}" if ended else said.id or "",
        person=person(item, scope, fallback=said.id or ""),
        type="call_end" if ended else "call",
        message=dump(said),
        content={**envelope(item), "wamid": said.id, "preview": shown},
        ts_s=seconds(said.timestamp),
        preview=shown,
        direction="out" if said.direction == identity.BUSINESS_INITIATED else "in",
        relation=Relation("call_end", said.id or "") if ended else None,
    )


def report(item: StatusItem, pnid: str, origin: Origin, scope: str) -> StatusReport:
    """A status as the record keeps it."""
    status = item.status
    worst = errors.worst(status.errors or ())
    group = status.recipient_type == "group"
    aliases = aliases_of([item.person()], scope) if group else ()
    return StatusReport(
        origin=origin,
        pnid=pnid,
        wamid=status.id or "",
        status=status.status,
        content=envelope(item),
        ts_s=seconds(status.timestamp),
        person=person(item, scope, fallback=status.id or status.biz_opaque_callback_data or ""),
        attempt=status.biz_opaque_callback_data,
        participant=aliases[0] if aliases else None,
        code=worst.code if worst else None,
        part=dump(status),
        pricing=_pricing(status.pricing),
    )


def envelope(item: MetaItem[Any]) -> dict[str, Any]:
    """What is sealed of an item that is no message: the change's value with this one part in it."""
    return {"value": item.value(), "field": item.field, "waba_id": item.waba_id}


def person(item: MetaItem[Any], scope: str, fallback: str) -> Person:
    """Everybody's keys an item names as one person, with what it says of them.

    Who is not named at all gets a key of its own, made of `fallback`: the message is kept, joined to nobody.
    """
    people = list(item.people())
    change = identity.change_of(item.message) if isinstance(item, MessageItem) else None
    if change is not None:
        people = [*people, change.old, change.new]
    known = [one for one in people if one]
    aliases = aliases_of(known, scope) or (Alias("waid", f"unnamed:{fallback}"),)
    return Person(aliases, _details(known, item.contact))


def aliases_of(people: Iterable[identity.Person], scope: str) -> tuple[Alias, ...]:
    """The record's aliases of one person as a payload names them, the strongest first."""
    return tuple(Alias(each.kind, each.value) for each in identity.aliases(people, scope))


def _pricing(pricing: Pricing | None) -> dict[str, Any]:
    """What Meta charges for a message: facts of ours, and nothing about the person."""
    if pricing is None:
        return {}
    words = {"category": pricing.category, "type": pricing.type, "model": pricing.pricing_model}
    found = {name: clear(word) for name, word in words.items() if word is not None}
    return found if pricing.billable is None else {**found, "billable": pricing.billable}


def _details(people: Sequence[identity.Person], contact: Contact | None) -> dict[str, Any]:
    """What is known of a person; the newest keys stand last, and are what replies go to."""
    profile = contact.profile if contact else None
    found = {
        "name": profile.name if profile else None,
        "username": profile.username if profile else None,
        "country_code": profile.country_code if profile else None,
        "identity_key_hash": contact.identity_key_hash if contact else None,
        "parent_user_id": contact.parent_user_id if contact else None,
        "wa_id": next((one.waid for one in reversed(people) if one.waid), None),
        "user_id": next((one.user_id for one in reversed(people) if one.user_id), None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _relation(kind: str, target: str | None) -> Relation | None:
    if kind not in _RELATIONS or target is None:
        return None
    return Relation(cast(RelationKind, kind), target)


def seconds(stamp: str | int | None) -> int | None:
    """A timestamp of Meta's in seconds; None for anything else, and what no clock can show."""
    if isinstance(stamp, str):
        stamp = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= _DIGITS else None
    return stamp if stamp is not None and 0 <= stamp < 10**_DIGITS else None


_DIGITS = 10  # an order_key's seconds


def unknown(field: str, waba: str | None, raw: Any, origin: Origin) -> AccountChange:
    """Something without a model: kept whole, to be understood later."""
    what = clear(field)
    return AccountChange(
        origin=origin,
        key=f"FIELD#{what}#{clear(waba or '')}",
        subject=clear(waba or ""),
        what=what,
        state="unknown",
        content={"value": raw, "field": field, "waba_id": waba},
        ts_s=None,
    )
