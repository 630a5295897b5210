"""What customers and Meta do towards the business: each act becomes a row and waiting items."""

import json
from dataclasses import replace
from typing import Any

from twin.core import events
from twin.core.model import MS, Customer, Item, Row, Step, sha256_hex
from twin.core.payloads import Content, Say, Scene, contact, content, message
from twin.core.state import State

NEAR_MS, FAR_MS = 40, 150  # from WhatsApp through Meta to EUM Social


def customer_says(state: State, customer: Customer, say: Say, now: int) -> Step:
    """A customer does something. Raises BadSayError where they cannot."""
    nonce = state.mint.nonce()
    scene = Scene(state.account, customer, state.mint, now, say, nonce)
    what = content(scene)
    wamid = state.mint.wamid(customer.party, outgoing=False)
    said = message(scene, wamid, what)
    people = {"contacts": [contact(customer)]} if what.with_contacts else {}
    value = events.value(state.account, **people, messages=[said])
    row = _written(state, customer, now, what, said, nonce)
    state.remember(row)
    for media in what.media:
        state.media[media.id] = media
    return Step(
        rows=(row,),
        queued=(*leaving(state, value, row, now), _seen(state, row, now)),
        wamid=wamid,
        media=what.media,
        customers=_moved(state, customer, said),
    )


def _written(state: State, who: Customer, now: int, what: Content, said: dict[str, Any], nonce: str) -> Row:
    words = what.text.encode("utf-8", "surrogatepass")
    return state.row(
        "written",
        "ok",
        now,
        who,
        direction="in",
        type=said["type"],
        wamid=said["id"],
        nonce=nonce,
        text_sha256=sha256_hex(words) if words else "",
        media_sha256=tuple(media.file.sha256 for media in what.media),
        body=events.dump(said),
    )


def _moved(state: State, customer: Customer, said: dict[str, Any]) -> tuple[Customer, ...]:
    system = said.get("system", {})
    changed = system.get("type") in {"user_changed_number", "user_changed_user_id"}
    return (state.moved(customer, system),) if changed else ()


def account_event(state: State, field: str, value: dict[str, Any], now: int) -> Step:
    """Meta tells the business something about its account, its templates or a person's preferences."""
    row = state.row("written", "ok", now, None, direction="in", type=field, body=events.dump(value))
    state.remember(row)
    return Step(rows=(row,), queued=leaving(state, value, row, now, field))


def leaving(
    state: State, value: dict[str, Any], row: Row, now: int, field: str = "messages", *rows: Row
) -> tuple[Item, ...]:
    """A webhook value on its way: stamped when EUM Social gets it, later still where a delay is in force."""
    stamp = now + state.mint.between(NEAR_MS * MS, FAR_MS * MS)
    held = state.faults.draw("delay")
    out = replace(
        row, kind="published", phase="invoke", fault="delay" if held is not None else row.fault, body=""
    )
    at = stamp + (held or 0) * MS
    number = f"{state.mint.hex(12)}"
    return (Item(number, at, stamp, "entry", out, json.dumps(value), field, rows=rows),)


def _seen(state: State, row: Row, now: int) -> Item:
    """The witness of a received message: EventBridge says that there was one."""
    at = now + state.mint.between(NEAR_MS * MS, 2 * FAR_MS * MS)
    body = events.witness(state.account, state.mint, "received", at, state.mint.uuid(), [])
    out = replace(row, kind="published", phase="invoke", destination="witness", body="")
    return Item(state.mint.hex(12), at, at, "witness", out, body)
