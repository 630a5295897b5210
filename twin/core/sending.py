"""What the business sends: accepted or refused by EUM Social, then judged by Meta's rules, then shown.

EUM Social answers before Meta judges: a breach of Meta's rules comes back as a `failed` status, only a
malformed call as an exception (botocore model socialmessaging, SendWhatsAppMessage).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from twin.core import events
from twin.core.faults import BEFORE, SEND_KINDS
from twin.core.inbound import leaving
from twin.core.model import MS, SECOND, Answer, Customer, Item, Media, Row, Step
from twin.core.outgoing import Outgoing, Unreadable, parse
from twin.core.payloads import contact
from twin.core.rules import TITLES, VIOLATIONS, category, refusal
from twin.core.state import State, canonical

_ERRORS = {
    "throttle": "ThrottledRequestException",
    "error_before": "InternalServiceException",
    "error_after": "InternalServiceException",
    "dependency": "DependencyException",
}
_DROPS = frozenset({"timeout_before", "reset_after"})
_HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
_CONVERSATIONS_END = 24  # from v24.0 statuses carry no `conversation` any more


@dataclass(frozen=True, slots=True)
class Case:
    """One send on its way through Meta: what, to whom, which ids, which version of the API."""

    send: Outgoing
    customer: Customer | None
    wamid: str
    message_id: str
    version: str
    now: int


def send(state: State, phone: str, blob: bytes, version: str, now: int) -> Step:
    """Take a SendWhatsAppMessage. The answer says what to return; `answered` makes the row of having done so."""
    body = blob.decode("utf-8", "replace")
    try:
        wanted = parse(blob)
    except Unreadable as no:
        return _refused(state, body, now, Answer(error=no.error, detail=no.detail))
    invoked = _invoked(state, wanted, body, now)
    early = _not_taken(state, phone, now)
    if early is not None:
        return Step((invoked,), answer=early)
    state.calls.add(now)
    trouble = state.faults.first(SEND_KINDS)
    if trouble and trouble[0] in BEFORE:
        return Step((replace(invoked, fault=trouble[0]),), answer=_answer(trouble, ""))
    message_id = state.mint.uuid()
    rows, queued, wamid = _meta(state, wanted, message_id, version, now)
    fault = trouble[0] if trouble else ""
    rows = (replace(invoked, fault=fault, wamid=wamid, remote_id=message_id), *rows)
    return Step(rows, queued, _answer(trouble, message_id), wamid)


def answered(step: Step, now: int) -> Row:
    """The row that says what was answered, to be written after it was."""
    asked, answer = step.rows[0], step.answer
    good = bool(answer.message_id) and not answer.error and not answer.drop
    code = answer.error or ("dropped" if answer.drop else "")
    return replace(asked, at=now // MS, phase="ok" if good else "fail", code=code, body="")


def _refused(state: State, body: str, now: int, answer: Answer) -> Step:
    invoked = state.row("accepted", "invoke", now, None, direction="out", type="unreadable", body=body)
    breach = replace(invoked, kind="violation", phase="info", code=answer.error, body="")
    state.remember(breach)
    return Step((invoked, breach), answer=answer)


def _invoked(state: State, wanted: Outgoing, body: str, now: int) -> Row:
    media = state.media.get(wanted.media_id)
    return state.row(
        "accepted",
        "invoke",
        now,
        state.find(wanted.to, wanted.user_id),
        direction="out",
        type=wanted.type,
        attempt=wanted.callback,
        text_sha256=wanted.text_sha256,
        media_sha256=(media.file.sha256,) if media else (),
        body=body,
    )


def _not_taken(state: State, phone: str, now: int) -> Answer | None:
    if not state.account.is_phone(phone):
        return Answer(error="ResourceNotFoundException", detail="originationPhoneNumberId: unknown")
    if state.calls.full(now):
        return Answer(error="ThrottledRequestException", detail="too many requests")
    return None


def _answer(trouble: tuple[str, int] | None, message_id: str) -> Answer:
    if trouble is None:
        return Answer(message_id)
    kind, length = trouble
    error = _ERRORS.get(kind, "")
    return Answer("" if error else message_id, error, kind if error else "", length, kind in _DROPS)


def _meta(
    state: State, wanted: Outgoing, message_id: str, version: str, now: int
) -> tuple[tuple[Row, ...], tuple[Item, ...], str]:
    if wanted.type in {"read", "typing"}:
        return (_receipt(state, wanted, now),), (), ""
    customer = state.find(wanted.to, wanted.user_id)
    wamid = state.mint.wamid(customer.party if customer else wanted.to or wanted.user_id, outgoing=True)
    case = Case(wanted, customer, wamid, message_id, version, now)
    code, detail = _verdict(state, case)
    handed = _row(state, case, "handed_over", "fail" if code else "ok", code)
    if not code:
        priced = _pricing(state, case)
        state.remember(handed)
        return (handed,), tuple(_delivered(state, case, priced)), wamid
    rows = [handed]
    if code in VIOLATIONS:
        rows.append(replace(handed, kind="violation", phase="info"))
        state.remember(rows[-1])
    return tuple(rows), tuple(_failed(state, case, code, detail)), wamid


def _receipt(state: State, wanted: Outgoing, now: int) -> Row:
    known = state.messages.get(wanted.target)
    customer = state.customers.get(known.customer_id) if known else None
    good = known is not None and known.direction == "in" and not wanted.problem
    phase, code = ("ok", "") if good else ("fail", "131009")
    return state.row(
        "shown", phase, now, customer, direction="out", type=wanted.type, wamid=wanted.target, code=code
    )


def _verdict(state: State, case: Case) -> tuple[int, str]:
    if state.faults.draw("account_locked") is not None:
        return 131031, "The account has been locked."
    if case.send.to and canonical(case.send.to) == canonical(state.account.display):
        return 131021, "Sender and recipient phone number is the same."
    if case.customer is None or state.faults.draw("undeliverable") is not None:
        return 131026, "Message Undeliverable."
    media = state.media.get(case.send.media_id)
    file = media.file if media and media.expires > case.now else None
    pair = state.pair(case.customer.id)
    return refusal(case.send, case.now, pair, state.throughput, state.templates, file)


def _row(state: State, case: Case, kind: str, phase: str, code: int) -> Row:
    media: Media | None = state.media.get(case.send.media_id)
    return state.row(
        kind,
        phase,
        case.now,
        case.customer,
        direction="out",
        type=case.send.type,
        wamid=case.wamid,
        attempt=case.send.callback,
        text_sha256=case.send.text_sha256,
        media_sha256=(media.file.sha256,) if media else (),
        remote_id=case.message_id,
        code=str(code) if code else "",
    )


def _pricing(state: State, case: Case) -> dict[str, Any]:
    if case.customer is None:
        return {}
    kind, tier = category(case.send, case.now, state.pair(case.customer.id), state.templates)
    return {"billable": tier == "regular", "pricing_model": "PMP", "category": kind, "type": tier}


def _delivered(state: State, case: Case, priced: dict[str, Any]) -> Iterator[Item]:
    mint, now = state.mint, case.now
    yield from _status(state, case, "accepted", now + mint.between(30, 120) * MS, {})
    sent = now + mint.between(100, 300) * MS
    yield from _status(state, case, "sent", sent, priced)
    arrived = sent + mint.between(50, 400) * MS
    yield _shown(state, case, arrived)
    if not mint.chance(0.05):  # Meta may skip `delivered` where the message is read at once
        yield from _status(state, case, "delivered", arrived, priced)
    if case.customer is not None and case.customer.reads:
        opened = arrived + mint.between(300, 2000) * MS
        yield from _status(state, case, "read", opened, priced)
        if case.send.type == "audio":
            yield from _status(state, case, "played", opened + mint.between(300, 900) * MS, priced)


def _failed(state: State, case: Case, code: int, detail: str) -> Iterator[Item]:
    error = {
        "code": code,
        "title": TITLES[code],
        "message": TITLES[code],
        "error_data": {"details": detail or TITLES[code]},
        "href": _HREF,
    }
    yield from _status(state, case, "failed", case.now + state.mint.between(100, 400) * MS, {}, [error])


def _shown(state: State, case: Case, at: int) -> Item:
    row = _row(state, case, "shown", "ok", 0)
    return Item(state.mint.hex(12), at, at, "phone", replace(row, body=json.dumps(case.send.body)))


def _status(
    state: State,
    case: Case,
    name: str,
    at: int,
    priced: dict[str, Any],
    errors: list[dict[str, Any]] | None = None,
) -> Iterator[Item]:
    code = errors[0]["code"] if errors else 0
    row = replace(_row(state, case, "status", "info", code), type=name)
    if state.faults.draw("lost_status") is not None:
        yield Item(state.mint.hex(12), at, at, "phone", replace(row, fault="lost_status"))
        return
    late = state.faults.draw("late_status")
    at += (late or 0) * MS
    row = replace(row, fault="late_status" if late is not None else "")
    body = _status_body(state, case, name, at, priced, errors)
    value = events.value(state.account, **_contacts(state, case), statuses=[body])
    yield from leaving(state, value, row, at, "messages", replace(row, body=events.dump(body)))
    event = events.witness(state.account, state.mint, name, at, case.message_id, errors or [])
    seen = replace(row, kind="published", phase="invoke", destination="witness")
    yield Item(state.mint.hex(12), at, at, "witness", seen, event)


def _contacts(state: State, case: Case) -> dict[str, Any]:
    shown = case.customer is not None and (case.customer.hidden or state.mint.chance(0.5))
    return {"contacts": [contact(case.customer)]} if shown and case.customer else {}


def _status_body(
    state: State,
    case: Case,
    name: str,
    at: int,
    priced: dict[str, Any],
    errors: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {"id": case.wamid, "status": name, "timestamp": str(at // SECOND)}
    body |= _recipient(state, case)
    if case.send.callback and state.faults.draw("no_callback") is None:
        body["biz_opaque_callback_data"] = case.send.callback
    body |= _conversation(state, case, name, priced)
    body |= {"pricing": priced} if priced else {}
    return body | ({"errors": errors} if errors else {})


def _recipient(state: State, case: Case) -> dict[str, str]:
    """Meta answers an old Mexican number with or without its 1, as it likes; so does the twin."""
    if case.customer is None:
        return {"recipient_id": case.send.to or case.send.user_id}
    if case.customer.hidden:
        return {"recipient_user_id": case.customer.user_id}
    number = case.customer.wa_id
    return {"recipient_id": canonical(number) if state.mint.chance(0.5) else number}


def _conversation(state: State, case: Case, name: str, priced: dict[str, Any]) -> dict[str, Any]:
    major = case.version.removeprefix("v").partition(".")[0]
    if not priced or (major.isdigit() and int(major) >= _CONVERSATIONS_END):
        return {}
    conversation: dict[str, Any] = {"id": state.mint.hex(32)}
    if name == "sent":
        conversation["expiration_timestamp"] = str(case.now // SECOND + 24 * 3600)
    return {"conversation": conversation | {"origin": {"type": priced["category"]}}}


def read_now(state: State, customer: Customer, now: int) -> Step:
    """A customer who reads by hand opens what they were shown: the `read` statuses."""
    queued: list[Item] = []
    for wamid in state.unread.pop(customer.id, []):
        known = state.messages.get(wamid)
        if known is not None:
            wanted = Outgoing(known.type, to=customer.wa_id, callback=known.attempt)
            case = Case(wanted, customer, wamid, state.mint.uuid(), "v24.0", now)
            queued += _status(state, case, "read", now, {})
    return Step(queued=tuple(queued))
