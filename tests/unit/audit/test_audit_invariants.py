"""Each invariant of the audit stays silent on a sound world and names the fault in a spoilt one."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from twin.audit.history import History, read
from twin.audit.observed import (
    Acknowledged,
    Breaker,
    Document,
    Elder,
    Erased,
    Hold,
    Observed,
    Parked,
    Route,
    Seen,
    Thread,
)
from twin.audit.verdict import judge

ROW: dict[str, Any] = {
    "seq": 0, "at": 1_000, "mono": 0, "kind": "", "phase": "ok", "pnid": "1", "wa_id": "52", "user_id": "",
    "wamid": "", "attempt": "", "direction": "in", "type": "text", "nonce": "", "text_sha256": "",
    "media_sha256": [], "fault": "", "destination": "", "remote_id": "", "code": "", "body": "",
}  # fmt: skip
SAID = {"id": "wamid.1", "type": "text", "from": "52", "timestamp": "1", "text": {"body": "hola nonce7"}}
ENVELOPE = json.dumps({"whatsAppWebhookEntry": json.dumps(SAID)})
DELIVERY = {
    "message_id": "i_1",
    "conversation_id": "c_1",
    "order_key": "1.1.a",
    "part": "0",
    "text": "hola nonce7",
}
SHOWN = {"type": "text", "to": "52", "text": {"body": "va"}}

STATUS = json.dumps({"biz_opaque_callback_data": "o_1.1"})
THREAD = Thread("c_1", "1", "p_1", "1.2.b", 1, "Fuente 1", "Ana")
RUBBISH = "no JSON"


def archived(*bodies: str) -> dict[str, bytes]:
    """Each envelope under its hash."""
    digests = [hashlib.sha256(body.encode()).hexdigest()[:32] for body in bodies]
    return {f"raw/eum/2026/01/01/0000/000/{d}.json": b.encode() for d, b in zip(digests, bodies, strict=True)}


LOCKED = '{"message_timestamp":"1970-01-01T00:00:01.000000000Z"}'
RAW = archived(ENVELOPE, "status", LOCKED)


def row(kind: str, **parts: Any) -> dict[str, Any]:
    return {**ROW, "kind": kind, **parts}


@dataclass
class Case:
    """A sound world: one message in, recorded, searchable, delivered; one reply out with its ticks."""

    rows: list[dict[str, Any]] = field(
        default_factory=lambda: [
            row("written", wamid="wamid.1", body=json.dumps(SAID)),
            row("published", wamid="wamid.1", body=ENVELOPE),
            row("received", destination="hook", remote_id="d1", body=json.dumps(DELIVERY)),
            row("accepted", phase="invoke", direction="out", attempt="o_1.1", wamid="wamid.2", mono=1),
            row("accepted", phase="ok", direction="out", attempt="o_1.1", wamid="wamid.2", mono=2),
            row("handed_over", direction="out", attempt="o_1.1", wamid="wamid.2"),
            row("shown", direction="out", attempt="o_1.1", wamid="wamid.2", body=json.dumps(SHOWN)),
            row("status", phase="info", direction="out", wamid="wamid.2", type="read", body=STATUS),
            row("published", direction="out", wamid="wamid.2", type="read", body="status"),
        ]
    )
    observed: Observed = field(
        default_factory=lambda: Observed(
            raw=RAW,
            messages=[
                Seen("i_1", "c_1", "1.1.a", 1, "in", "text", "wamid.1", SAID),
                Seen(
                    "o_1",
                    "c_1",
                    "1.2.b",
                    5,
                    "out",
                    "text",
                    "",
                    {"text": {"body": "va"}},
                    "read",
                    {"o_1.1": "read"},
                ),
            ],
            documents=[
                Document("m", "i_1", 1, {"body": "hola nonce7"}),
                Document("m", "o_1", 5, {"body": "va"}),
            ],
            acknowledged=[Acknowledged("o_1", "va")],
            routes=[Route("hook")],
            beside={("c_1", "1.2.b"): frozenset({"status#1.read"})},
            conversations=[THREAD],
            cards={"c_1": {"alias": "Fuente 1", "name": ["Ana"]}},
            poison={},
            breakers=[],
        )
    )

    @property
    def history(self) -> History:
        return read(self.rows)


def test_a_sound_world_has_no_findings_and_counts_what_was_written() -> None:
    case = Case()
    verdict = judge(case.history, case.observed)
    assert list(verdict.findings) == []
    assert verdict.passed
    assert verdict.line() == (
        "audit: 2 written, 0 lost, 0 duplicated, 0 out of order, 0 unsettled, 0 late (p99 0.0 s)"
    )


def test_a_world_in_which_nothing_was_written_does_not_pass() -> None:
    assert not judge(read([]), Observed(raw={}, messages=[], documents=[])).passed


def _observed(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, observed=replace(case.observed, **changes))


def _message(index: int, **changes: Any) -> Callable[[Case], Case]:
    def spoil(case: Case) -> Case:
        messages = list(case.observed.messages)
        messages[index] = replace(messages[index], **changes)
        return replace(case, observed=replace(case.observed, messages=messages))

    return spoil


def _rows(*more: dict[str, Any], without: str = "") -> Callable[[Case], Case]:
    return lambda case: replace(case, rows=[r for r in case.rows if r["kind"] != without] + list(more))


def _received(**other: Any) -> Callable[[Case], Case]:
    return _rows(row("received", destination="hook", remote_id="d1", body=json.dumps({**DELIVERY, **other})),
                 without="received")  # fmt: skip


def _shown(**other: Any) -> Callable[[Case], Case]:
    return _rows(row("shown", direction="out", attempt="o_1.1", wamid="wamid.2", **other), without="shown")


def _lock(at: int = 1_000) -> dict[str, Any]:
    return row("published", direction="out", type="failed", code="131031", at=at, body=LOCKED)


def _injected(case: Case, reason: str = "unreadable") -> Case:
    poison = {k.replace("raw/eum", "poison"): v for k, v in archived(RUBBISH).items()}
    parked = [Parked("dev-ingest-dlq", reason, RUBBISH)]
    seen = _observed(raw={**RAW, **archived(RUBBISH)}, parked=parked, poison=poison)
    return seen(_rows(row("injected", body=RUBBISH))(case))


def _more(case: Case, said: dict[str, Any], seen: Seen, **changes: Any) -> Case:
    """A further message of the customer: written, published, recorded and searchable."""
    body = json.dumps(said)
    rows = _rows(
        row("written", wamid=said["id"], type=said["type"], body=body),
        row("published", wamid=said["id"], body=body),
    )
    observed = replace(
        case.observed,
        raw={**RAW, **archived(body)},
        messages=[*case.observed.messages, seen],
        documents=[*case.observed.documents, Document("m", seen.message_id, seen.rev, said.get("text", {}))],
        routes=[Route("hook", frozenset({"text"}))] if seen.type != "text" else [],
    )
    return rows(replace(case, observed=replace(observed, **changes)))


def _reacted(case: Case, *, beside: bool) -> Case:
    said = {"id": "wamid.3", "type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "x"}}
    seen = Seen("i_3", "c_1", "1.3.c", 1, "in", "reaction", "wamid.3", said)
    there = {**(case.observed.beside or {}), ("c_1", "1.1.a"): frozenset({"reaction#i_3"} if beside else ())}
    return _more(case, said, seen, beside=there, conversations=[replace(THREAD, last_order_key="1.3.c")])


def _other_thread(case: Case, contact: str) -> Case:
    said = {"id": "wamid.3", "type": "text", "text": {"body": "otra"}}
    seen = Seen("i_3", "c_2", "1.3.c", 1, "in", "text", "wamid.3", said)
    threads = [THREAD, replace(THREAD, id="c_2", contact_id=contact, last_order_key="1.3.c")]
    cards = {each.id: {"alias": "Fuente 1", "name": ["Ana"]} for each in threads}
    more = _more(case, said, seen, conversations=threads, cards=cards)
    return _rows(without="received")(more)


def _refused(case: Case, *, named: bool) -> Case:
    gone = {"shown", "handed_over", *(() if named else ("status",))}
    rows = [each for each in case.rows if each["kind"] not in gone]
    return replace(case, rows=[*rows, row("handed_over", phase="fail", attempt="o_1.1", wamid="wamid.2")])


def _file(case: Case, reason: str) -> Case:
    said = {"id": "wamid.3", "type": "sticker", "sticker": {}}
    media = ({"state": "failed", "reason": reason},)
    seen = Seen("i_3", "c_1", "1.3.c", 1, "in", "sticker", "wamid.3", said, media=media)
    more = _more(case, said, seen, conversations=[replace(THREAD, last_order_key="1.3.c", unread=2)])
    rows = [{**r, "media_sha256": ["ab"]} if r["wamid"] == "wamid.3" else r for r in more.rows]
    return replace(more, rows=rows)


def _sound(case: Case, reason: str = "", **changes: Any) -> Case:
    """The customer's message has a long sound."""
    media = ({"n": 0, "state": "ready", "mime": "audio/ogg", "sha256": "ab", "reason": reason},)
    spoken = _observed(spoken={"ab": "lo dicho"}, long=frozenset({"ab"}))
    return spoken(_message(0, media=media, **changes)(case))


GONE = {"id": "wamid.6", "type": "text", "from": "5255", "text": {"body": "hola n7"}}
BESIDE = {"id": "wamid.7", "type": "text", "from": "54", "text": {"body": "yo no"}}


def _erased(case: Case, asked_ms: int = 9_000, **changes: Any) -> Case:
    """Somebody else wrote, beside a third person, and was erased since."""
    value = {"changes": [{"field": "messages", "value": {"messages": [GONE, BESIDE]}}]}
    whole, left = (json.dumps({"whatsAppWebhookEntry": json.dumps(each)}) for each in (value, {"changes": [
        {"field": "messages", "value": {"messages": [BESIDE]}}]}))  # fmt: skip
    rows = _rows(
        row("written", wamid="wamid.6", wa_id="5255", user_id="MX.6", nonce="n7", media_sha256=["abab"], body=json.dumps(GONE)),
        row("written", wamid="wamid.7", wa_id="54", user_id="MX.7", body=json.dumps(BESIDE)),
        row("published", wamid="wamid.6", body=whole),
        row("published", wamid="wamid.7", body=whole),
        row("received", destination="hook", remote_id="d7", body=json.dumps(
            {**DELIVERY, "message_id": "i_7", "conversation_id": "c_7", "text": "yo no"})),
        row("published", direction="out", at=90_000),
    )  # fmt: skip
    seen = [
        Seen("i_6", "c_6", "1.3.c", 2, "in", "text", "", {}, erased=True),
        Seen("i_7", "c_7", "1.4.d", 1, "in", "text", "wamid.7", BESIDE),
    ]
    there = {
        "raw": {**RAW, "raw/eum/2026/01/01/0000/000/x.json": left.encode()},
        "messages": [*case.observed.messages, *seen],
        "documents": [*case.observed.documents, Document("m", "i_7", 1, BESIDE["text"])],  # type: ignore[arg-type] # its text is a dict
        "conversations": [
            THREAD,
            replace(THREAD, id="c_7", contact_id="p_7", last_order_key="1.4.d", unread=1),
        ],
        "cards": {each: {"alias": "Fuente 1", "name": ["Ana"]} for each in ("c_1", "c_7")},
        "erased": [Erased("5255", "MX.6", asked_ms, 30_000)],
    }
    return rows(replace(case, observed=replace(case.observed, **{**there, **changes})))


def _ticked(case: Case) -> Case:
    """What was said to them just before gets its tick long after they are gone; nothing of it stays."""
    erased = _erased(case)
    ours = Seen("o_6", "c_6", "1.5.e", 2, "out", "text", "", {}, erased=True)
    rows = _rows(
        row("accepted", phase="invoke", direction="out", attempt="o_6.1", wamid="wamid.8"),
        row("accepted", phase="ok", direction="out", attempt="o_6.1", wamid="wamid.8"),
        row(
            "published", direction="out", at=90_000, wamid="wamid.8", attempt="o_6.1", body="wamid.8 to 5255"
        ),
    )
    seen = replace(erased.observed, messages=[*erased.observed.messages, ours])
    return rows(replace(erased, observed=seen))


SPOILT: list[tuple[str, int, str, Callable[[Case], Case]]] = [
    ("raw byte altered", 1, "lost", _observed(raw={k: v[:-1] + b"]" for k, v in RAW.items()})),
    ("raw objects swapped", 1, "lost", _observed(raw=dict(zip(RAW, [*RAW.values()][::-1], strict=True)))),
    ("raw object gone", 1, "lost", _observed(raw=archived("status"))),
    ("unreadable", 2, "lost", _observed(unreadable=["i_3"])),
    ("not in its thread", 2, "lost", _observed(threads={"c_1": frozenset({"o_1"})})),
    ("other words delivered", 4, "lost", _received(text="otra")),
    ("a foreign file delivered", 4, "wrong", _received(media=[{"sha256": "ab"}])),
    ("shown to somebody else", 12, "wrong", _shown(user_id="MX.2", body=json.dumps(SHOWN))),
    ("other words shown", 12, "wrong", _shown(body=json.dumps({"text": {"body": "otra"}}))),
    ("leaf altered", 2, "lost", _message(0, content={**SAID, "text": {"body": "otra"}})),
    ("leaf missing", 2, "lost", _message(0, content={k: v for k, v in SAID.items() if k != "timestamp"})),
    ("document missing", 3, "lost", _observed(documents=[Document("m", "o_1", 5, {"body": "va"})])),
    ("document stale", 3, "lost", _message(0, rev=2)),
    ("document twice", 3, "duplicated", lambda case: _observed(
        documents=[*case.observed.documents, Document("m2", "i_1", 1, {"body": "hola nonce7"})])(case)),
    ("delivery lost", 4, "lost", _rows(without="received")),
    ("misrouted", 4, "wrong", _observed(routes=[Route("hook", frozenset({"image"}))])),
    ("phantom in the record", 5, "wrong", lambda case: _observed(
        messages=[*case.observed.messages, Seen("i_9", "c_1", "9", 1, "in", "text", "wamid.9", {})],
        documents=[*case.observed.documents, Document("m", "i_9", 1, {})])(case)),
    ("phantom document", 5, "wrong", lambda case: _observed(
        documents=[*case.observed.documents, Document("m", "i_9", 1, {})])(case)),
    ("tick went back", 6, "wrong", _observed(ticks={"o_1": ["sent", "read", "delivered"]})),
    ("status not shown", 6, "lost", _message(1, state="sent")),
    ("acknowledged write lost", 7, "lost", _observed(acknowledged=[Acknowledged("o_1", "va"), Acknowledged("o_2", "x")])),
    ("two holders", 8, "wrong", _rows(
        row("accepted", phase="invoke", direction="out", attempt="o_1.2", mono=3),
        row("accepted", phase="invoke", direction="out", attempt="o_3.1", mono=4))),
    ("violation", 9, "wrong", _rows(row("violation", phase="info", code="131047"))),
    ("out of order", 10, "out of order", _rows(
        row("received", destination="hook", remote_id="d0", body=json.dumps({**DELIVERY, "order_key": "0.9.z"})))),
    ("parked", 11, "lost", _observed(parked=[Parked("dev-ingest-dlq", "unknown", ENVELOPE)])),
    ("event parked", 11, "lost", _observed(parked=[Parked("dev-search-dlq", "unknown", "{}")])),
    ("shown as unsupported", 11, "lost", _message(0, type="unsupported")),
    ("shown twice", 12, "duplicated", _rows(row("shown", direction="out", attempt="o_1.1", wamid="wamid.2"))),
    ("never sent", 12, "lost", _rows(without="shown")),
    ("a status is not beside its message", 2, "lost", _observed(beside={})),
    ("a reaction is not beside its target", 2, "lost", lambda case: _reacted(case, beside=False)),
    ("last message forgotten", 2, "wrong", _observed(conversations=[replace(THREAD, last_order_key="1.1.a")])),
    ("unread miscounted", 2, "wrong", _observed(conversations=[replace(THREAD, unread=2)])),
    ("a contact known by nothing", 2, "wrong", _observed(strays=["p_9"])),
    ("one person twice", 2, "wrong", lambda case: _other_thread(case, "p_2")),
    ("no card", 3, "lost", _observed(cards={})),
    ("another alias", 3, "lost", _observed(cards={"c_1": {"alias": "Fuente 2", "name": ["Ana"]}})),
    ("the name is unknown", 3, "lost", _observed(cards={"c_1": {"alias": "Fuente 1"}})),
    ("a receipt used after its loss", 8, "wrong", _observed(holds=[
        Hold("q", "m", "r", "received"), Hold("q", "m", "r", "lost"), Hold("q", "m", "r", "ended")])),
    ("held twice", 8, "wrong", _observed(undisturbed=True, holds=[
        Hold("q", "m", "r", "received"), Hold("q", "m", "s", "received")])),
    ("over the pair rate", 9, "wrong", _rows(*(
        row("handed_over", direction="out", attempt="o_1.1", wamid="wamid.2") for _ in range(45)))),
    ("a lock stops nothing", 9, "wrong", _rows(_lock())),
    ("sent after a lock", 9, "wrong", lambda case: _observed(breakers=[Breaker(open=True)])(_rows(
        _lock(), row("accepted", phase="invoke", direction="out", attempt="o_1.2", at=700_000))(case))),
    ("late for no reason", 10, "wrong", lambda case: _observed(undisturbed=True)(_received(late=True)(case))),
    ("parked without a reason", 11, "wrong", lambda case: _injected(case, reason="")),
    ("rubbish not parked", 11, "lost", lambda case: _observed(parked=[])(_injected(case))),
    ("rubbish not archived", 1, "lost", lambda case: _observed(raw=RAW)(_injected(case))),
    ("rubbish not put aside", 11, "lost", lambda case: _observed(poison={})(_injected(case))),
    ("spoilt and not parked", 11, "lost", _rows(row("published", wamid="wamid.1", body=ENVELOPE, fault="spoilt"))),
    ("a file said to be expired", 2, "lost", lambda case: _file(case, "expired")),
    ("refused and not known", 12, "lost", lambda case: _message(1, state="handed_over")(_refused(case, named=True))),
    ("the words of another sound", 2, "wrong", lambda case: _sound(case, heard={0: "otra cosa"})),
    ("a long sound without its words", 2, "lost", lambda case: _sound(case, heard={})),
    ("a sound given up where nothing goes wrong", 2, "lost",
     lambda case: _observed(undisturbed=True)(_sound(case, "too_complex", heard={}))),
    ("an agent's file refused", 7, "lost", lambda case: _observed(acknowledged=[Acknowledged("o_1", "va", "ab")])(
        _message(1, media=({"n": 0, "state": "failed"},))(case))),
    ("another file shown", 12, "wrong", _observed(acknowledged=[Acknowledged("o_1", "va", "ab")])),
    ("what the scanner knows is served", 2, "wrong", _observed(infected=frozenset({"ab"}), files={"ab": "ab"})),
    ("a budget charged twice", 2, "wrong", _observed(spent=7)),
    ("two at work", 8, "wrong", _observed(intruders=[("keeper-1", "keeper-2")])),
    ("silence not noticed", 11, "lost", _observed(silent=True)),
    ("kept beyond its time", 2, "wrong", _observed(elder=[Elder("wamid.1", "i_1", "c_1", stays=False)])),
    ("gone before its time", 2, "lost", _observed(elder=[Elder("wamid.8", "i_8", "c_8", stays=True)])),
    ("taken back and archived", 2, "wrong", _observed(
        elder=[Elder("wamid.1", "i_1", "c_1", stays=True, words="hola nonce7", withdrawn=True)])),
    ("taken back and its file kept", 2, "wrong", _observed(
        elder=[Elder("wamid.1", "i_1", "c_1", stays=True, words="no hay", sha256="ab", withdrawn=True)],
        files={"ab": "ab"})),
    ("a person kept beyond all they wrote", 2, "wrong", _observed(
        elder=[Elder("wamid.8", "i_8", "c_8", stays=False, leaves=True)],
        conversations=[Thread("c_8", "1", "p_8", "", 0)])),
    ("words of somebody erased", 2, "wrong", lambda case: _erased(case, everything={"raw x": "hola n7"})),
    ("a file of somebody erased", 2, "wrong", lambda case: _erased(case, everything={"media served/ab/abab/o": ""})),
    ("somebody erased is parked", 2, "wrong", lambda case: _erased(case, everything={"ingest-dlq 0": "de 5255"})),
    ("sealed words of somebody erased", 2, "wrong", lambda case: _erased(case, sealed=["c_6"])),
    ("an import that names somebody erased", 2, "wrong", lambda case: _erased(case, everything={"exports r": "c_6"})),
    ("erased before it was asked for", 2, "wrong", lambda case: _erased(case, asked_ms=60_000)),
    ("a neighbour erased too", 1, "lost", lambda case: _erased(case, raw={})),
    ("kept twice", 13, "duplicated", _rows(
        row("received", destination="hook", remote_id="d1", body=json.dumps(DELIVERY)))),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "fault", "spoil"), [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT])
def test_a_spoilt_world_is_named(invariant: int, fault: str, spoil: Callable[[Case], Case]) -> None:
    case = spoil(Case())
    verdict = judge(case.history, case.observed)
    assert (invariant, fault) in {(finding.invariant, finding.fault) for finding in verdict.findings}
    assert not verdict.passed


def test_two_routes_to_one_destination_owe_one_delivery() -> None:
    routes = [Route("hook", words=("sismo",)), Route("hook", types=frozenset({"text"})), Route("hook")]
    case = _observed(routes=routes)(Case())
    assert judge(case.history, case.observed).passed


@pytest.mark.parametrize(
    "case",
    [
        _reacted(Case(), beside=True),
        _other_thread(Case(), "p_1"),
        _injected(Case()),
        _file(Case(), "denied"),
        _sound(Case(), heard={0: "lo dicho"}),
        _sound(Case(), "too_complex", heard={}),
        _erased(Case()),
        _ticked(Case()),
        _message(1, state="handed_over")(_refused(Case(), named=False)),
        _observed(breakers=[Breaker(open=False, closed_ms=2_000)])(_rows(_lock())(Case())),
        _observed(breakers=[Breaker(open=True)], undisturbed=True)(_rows(_lock())(Case())),
        _observed(breakers=[Breaker(open=False, closed_ms=2_000)])(_rows(_lock(at=9_000))(Case())),  # held up on its way
        _rows(*(row("handed_over", direction="out", attempt="o_1.1", wamid="wamid.2", at=1_000 + 6_000 * n)
                for n in range(60)))(Case()),
        _observed(undisturbed=True, holds=[
            Hold("q", "m", "r", "received"), Hold("q", "m", "s", "copied"), Hold("q", "m", "s", "ended"),
            Hold("q", "m", "r", "lost"), Hold("q", "m", "t", "received")])(Case()),
    ],
)  # fmt: skip
def test_what_is_right_is_not_condemned(case: Case) -> None:
    assert judge(case.history, case.observed).faults == []
