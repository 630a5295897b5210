"""The world: what customers write, what sends lead to, faults, determinism, restart."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.core.faults import KINDS, Fault
from twin.core.model import Account, File, Firing, Step
from twin.core.payloads import BUILDERS, BadSayError
from twin.core.world import MediaGoneError, World
from twin.driver import Driver, PublishError
from twin.history import History

SECOND, MS = 1_000_000_000, 1_000_000
NOW = 1_795_000_000 * SECOND
TARGETED = {"reaction", "edit", "revoke"}


def _say(kind: str) -> dict[str, Any]:
    return {"type": kind} | ({"target": "wamid.AAAA"} if kind in TARGETED else {})


def _text(to: str, words: str = "va", attempt: str = "o_x.1") -> bytes:
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": words}}
    return json.dumps(body | {"biz_opaque_callback_data": attempt}).encode()


def _run(world: World, start: int, seconds: int = 60) -> list[Firing]:
    """Everything that leaves until `seconds` later, each at its own time."""
    fired: list[Firing] = []
    while (due := world.next_at()) is not None and due <= start + seconds * SECOND:
        fired += world.fire(due)
    return fired


def _values(fired: list[Firing]) -> list[dict[str, Any]]:
    envelopes = [json.loads(f.body) for f in fired if f.channel == "entry"]
    return [c["value"] for e in envelopes for c in json.loads(e["whatsAppWebhookEntry"])["changes"]]


def _statuses(fired: list[Firing]) -> list[str]:
    return [s["status"] for v in _values(fired) for s in v.get("statuses", [])]


def _send(world: World, blob: bytes, now: int = NOW) -> Step:
    return world.send(world.account.eum_phone_id, blob, now)


@pytest.fixture
def world() -> World:
    return World(Account(), seed=7)


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_every_type_arrives_as_written(world: World, kind: str) -> None:
    step = world.customer_says("c001", _say(kind), NOW)
    (value,) = _values(_run(world, NOW))
    (message,) = value["messages"]
    assert json.loads(step.rows[0].body) == message
    assert message["id"] == step.wamid
    assert base64.b64decode(step.wamid.removeprefix("wamid."))[3:16] == b"5215555000000"
    for media in step.media:
        assert step.rows[0].nonce.encode() in media.file.data or kind == "document"
        assert world.media(media.id, NOW) == media


def test_text_caption_and_file_name_carry_the_nonce(world: World) -> None:
    for say in (
        {"text": "hola"},
        {"type": "image", "text": "pie"},
        {"type": "document", "filename": "acta.pdf"},
    ):
        step = world.customer_says("c001", say, NOW)
        assert step.rows[0].nonce in step.rows[0].body


def test_exact_text_is_left_alone(world: World) -> None:
    step = world.customer_says("c001", {"text": "\ud800x", "exact": True}, NOW)
    assert json.loads(step.rows[0].body)["text"]["body"] == "\ud800x"


@pytest.mark.parametrize(
    "say", [{"type": "poem"}, {"type": "reaction"}, {"type": "image", "mime": "image/gif"}]
)
def test_what_a_customer_cannot_do(world: World, say: dict[str, Any]) -> None:
    with pytest.raises(BadSayError):
        world.customer_says("c001", say, NOW)
    with pytest.raises(BadSayError):
        world.customer_says("nobody", {"text": "x"}, NOW)


def test_a_hidden_customer_shows_no_number(world: World) -> None:
    hidden = next(c for c in world.customers.values() if c.hidden)
    step = world.customer_says(hidden.id, {"text": "hola"}, NOW)
    (value,) = _values(_run(world, NOW))
    assert hidden.wa_id not in json.dumps(value)
    assert value["contacts"][0]["user_id"] == value["messages"][0]["from_user_id"] == hidden.user_id
    assert step.rows[0].wa_id == ""
    blob = {
        "messaging_product": "whatsapp",
        "recipient": hidden.user_id,
        "type": "text",
        "text": {"body": "a"},
    }
    assert _send(world, json.dumps(blob).encode()).rows[1].phase == "ok"


def test_a_reply_goes_through_its_ticks_in_order(world: World) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    step = _send(world, _text("525555000000"))  # Mexico: 52 finds 521
    assert step.answer.message_id
    assert [row.kind for row in step.rows] == ["accepted", "handed_over"]
    fired = _run(world, NOW)
    statuses = [s for v in _values(fired) for s in v.get("statuses", [])]
    names = [s["status"] for s in statuses]
    order = ["accepted", "sent", "delivered", "read"]
    assert names == [n for n in order if n in names]
    assert {"accepted", "sent", "read"} <= set(names)
    assert {s["biz_opaque_callback_data"] for s in statuses} == {"o_x.1"}
    assert {s["recipient_id"] for s in statuses} <= {"5215555000000", "525555000000"}
    assert [r.attempt for f in fired for r in f.rows if r.kind == "shown"] == ["o_x.1"]


def test_outside_the_window_it_fails_later_and_is_a_violation(world: World) -> None:
    step = _send(world, _text("5215555000000"))
    assert step.answer.message_id
    fired = _run(world, NOW)
    assert _statuses(fired) == ["failed"]
    assert not [r for f in fired for r in f.rows if r.kind == "shown"]
    assert world.violations == {"131047": 1}
    error = _values(fired)[0]["statuses"][0]["errors"][0]
    assert (error["code"], error["title"]) == (131047, "Re-engagement message")


def test_a_stranger_is_undeliverable_and_no_violation(world: World) -> None:
    _send(world, _text("447700900123"))
    assert _statuses(_run(world, NOW)) == ["failed"]
    assert world.violations == {}


def test_another_number_is_not_found(world: World) -> None:
    step = world.send("phone-number-id-other", _text("5215555000000"), NOW)
    assert step.answer.error == "ResourceNotFoundException"


def test_a_read_receipt_turns_the_ticks_of_the_customer(world: World) -> None:
    wamid = world.customer_says("c001", {"text": "hola"}, NOW).wamid
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert _send(world, json.dumps(receipt).encode()).rows[1].phase == "ok"
    receipt["message_id"] = "wamid.none"
    assert _send(world, json.dumps(receipt).encode()).rows[1].phase == "fail"


def test_stopping_marketing_stops_marketing(world: World) -> None:
    value = {"user_preferences": [{"wa_id": "5215555000000", "value": "stop"}]}
    world.account_event("user_preferences", value, NOW)
    body = {
        "type": "template",
        "template": {
            "name": "boletin_semanal",
            "language": {"code": "es_MX"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "x"}]}],
        },
    }
    _send(world, json.dumps({"messaging_product": "whatsapp", "to": "5215555000000"} | body).encode())
    assert world.violations == {"131050": 1}


def test_a_new_number_finds_the_same_person(world: World) -> None:
    world.customer_says("c001", {"type": "user_changed_number", "new_wa_id": "5215512345678"}, NOW)
    assert world.customers["c001"].wa_id == "5215512345678"
    assert world.state.find("525512345678", "") == world.customers["c001"]


def test_media_expires_after_30_days_and_can_be_deleted(world: World) -> None:
    media = world.upload(File(b"%PDF-1.4", "application/pdf"), NOW).media[0]
    world.media(media.id, NOW + 30 * 86400 * SECOND - 1)
    with pytest.raises(MediaGoneError):
        world.media(media.id, NOW + 30 * 86400 * SECOND)
    world.delete_media(media.id, NOW)
    with pytest.raises(MediaGoneError):
        world.media(media.id, NOW)


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [
        ("throttle", "ThrottledRequestException", False),
        ("error_before", "InternalServiceException", False),
        ("dependency", "DependencyException", False),
        ("timeout_before", "", False),
        ("error_after", "InternalServiceException", True),
        ("timeout_after", "", True),
        ("reset_after", "", True),
    ],
)
def test_trouble_with_sends(world: World, kind: str, error: str, *, accepted: bool) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    world.set_fault(Fault(kind, 1, min_ms=9000, max_ms=9000))
    step = _send(world, _text("5215555000000"))
    assert (step.answer.error, step.answer.hold_ms) == (error, 9000)
    assert any(row.kind == "handed_over" for row in step.rows) is accepted
    assert step.rows[0].fault == kind
    row = world.answered(step, NOW)
    assert row.phase == ("ok" if kind == "timeout_after" else "fail")


def test_a_duplicate_has_the_same_bytes_and_a_redelivery_has_not(world: World) -> None:
    for kind, same in (("duplicate", True), ("redeliver", False)):
        world.state.faults.clear()
        world.set_fault(Fault(kind, 1, min_ms=5000, max_ms=5000))
        world.customer_says("c001", {"text": "hola"}, NOW)
        first = [f for f in world.fire(NOW + SECOND) if f.channel == "entry"]
        world.state.faults.clear()
        second = [f for f in _run(world, NOW) if f.channel == "entry"]
        assert len(first) == len(second) == 1
        assert (first[0].body == second[0].body) is same
        assert second[0].rows[0].fault == kind
        assert _values(first) == _values(second)


def test_a_batch_is_one_entry_of_several_items(world: World) -> None:
    for n in range(5):
        world.customer_says(f"c00{n + 1}", {"text": "hola"}, NOW)
    world.set_fault(Fault("batch", 1, max_ms=2000))
    entries = [f for f in _run(world, NOW) if f.channel == "entry"]
    assert len(entries) == 1
    assert sum(len(v["messages"]) for v in _values(entries)) == 5
    assert len(entries[0].rows) == 5


def test_a_delay_is_after_the_stamp(world: World) -> None:
    world.set_fault(Fault("delay", 1, min_ms=4000, max_ms=4000))
    step = world.customer_says("c001", {"text": "hola"}, NOW)
    assert step.queued[0].at - step.queued[0].stamp == 4000 * MS


def test_lost_and_late_statuses(world: World) -> None:
    world.customer_says("c001", {"text": "hola"}, NOW)
    world.set_fault(Fault("lost_status", 1))
    _send(world, _text("5215555000000"))
    fired = _run(world, NOW)
    assert _statuses(fired) == []
    lost = [r.type for f in fired for r in f.rows if r.kind == "status"]
    assert set(lost) >= {"accepted", "sent", "read"}
    world.set_fault(Fault("lost_status", 0))
    world.set_fault(Fault("late_status", 1, min_ms=20_000, max_ms=20_000))
    _send(world, _text("5215555000000"), NOW + SECOND)
    assert [f for f in world.fire(NOW + 15 * SECOND) if f.channel == "entry"] == []
    assert "sent" in _statuses(_run(world, NOW, 120))


@pytest.mark.parametrize("bad", [("nothing", 0.5, 0, 0), ("delay", 2, 0, 0), ("delay", 0.5, 5, 1)])
def test_a_fault_names_what_is_wrong_with_it(bad: tuple[str, float, int, int]) -> None:
    with pytest.raises(ValueError, match=r"give|none of"):
        Fault(bad[0], bad[1], 0, bad[2], bad[3])


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["say", "send", "read", "fire", "fault"]),
        st.integers(0, 23),
        st.sampled_from(sorted(BUILDERS)),
        st.sampled_from(sorted(KINDS)),
        st.integers(0, 3000),
    ),
    max_size=25,
)


def _play(world: World, history: History, acts: list[tuple[str, int, str, str, int]]) -> None:
    now = NOW
    for act, who, kind, fault, ms in acts:
        now += ms * MS
        customer = world.customers[f"c{who + 1:03d}"]
        if act == "say":
            history.step(world.customer_says(customer.id, _say(kind), now))
        elif act == "send":
            step = world.send(world.account.eum_phone_id, _text(customer.wa_id), now)
            history.step(step)
            history.commit([world.answered(step, now)])
        elif act == "read":
            history.step(world.customer_reads(customer.id, now))
        elif act == "fault":
            world.set_fault(Fault(fault, 0.5, seed=who, min_ms=0, max_ms=ms))
        else:
            fired = world.fire(now)
            history.before(fired)
            history.commit(done=[i for f in fired for i in f.done])


@settings(max_examples=40, deadline=None)
@given(acts=ACTS, seed=st.integers(0, 2**32))
def test_the_same_seed_makes_the_same_world(acts: list[tuple[str, int, str, str, int]], seed: int) -> None:
    told = []
    for _ in range(2):
        history = History(mono=lambda: 0)
        _play(World(Account(), seed), history, acts)
        told.append(history.rows(0, 10_000, bodies=True))
        history.close()
    assert told[0] == told[1]


@settings(max_examples=30, deadline=None)
@given(acts=ACTS)
@example(
    acts=[("say", 0, "user_changed_number", "account_locked", 0)] * 2
)  # who wrote under the number between
def test_a_restart_remembers_everything_that_lasts(acts: list[tuple[str, int, str, str, int]]) -> None:
    history = History(mono=lambda: 0)
    old = World(Account(), 1)
    _play(old, history, acts)
    new = World(Account(), 2)
    new.restore(*history.restore())
    history.close()
    a, b = old.state, new.state
    assert (b.customers, b.media, b.messages) == (a.customers, a.media, a.messages)
    assert b.violations == a.violations
    assert len(new.outbox) == len(old.outbox)
    assert new.next_at() == old.next_at()
    for customer_id, pair in a.pairs.items():
        assert b.pair(customer_id).said_at == pair.said_at
        assert b.pair(customer_id).tokens == pytest.approx(pair.tokens)


def test_the_history_only_grows() -> None:
    history = History()
    history.step(World(Account()).customer_says("c001", {"text": "x"}, NOW))
    for statement in ("UPDATE history SET code = 'x'", "DELETE FROM history"):
        with pytest.raises(Exception, match="append-only"):
            history._db.execute(statement)
    (row,) = history.rows()
    assert set(row) == {
        *("seq", "at", "mono", "kind", "phase", "pnid", "wa_id", "user_id", "wamid", "attempt", "direction"),
        *("type", "nonce", "text_sha256", "media_sha256", "fault", "destination", "remote_id", "code"),
    }
    history.close()


class _Wire:
    """A wire that breaks as often as told, then carries."""

    def __init__(self, breaks: int = 0) -> None:
        self.bodies: list[str] = []
        self.witnessed: list[str] = []
        self._breaks = breaks

    def has_topic(self) -> bool:
        return True

    def has_witness(self) -> bool:
        return False

    async def topic(self, bodies: Sequence[str]) -> None:
        if self._breaks:
            self._breaks -= 1
            raise PublishError("broken")
        self.bodies += bodies

    async def witness(self, bodies: Sequence[str]) -> None:
        self.witnessed += bodies


class _Blind(_Wire):
    """A wire whose witness never gets through."""

    def has_witness(self) -> bool:
        return True

    async def witness(self, bodies: Sequence[str]) -> None:
        raise PublishError("no such queue")


async def test_a_witness_that_is_not_heard_holds_nothing_up() -> None:
    history, world = History(), World(Account(), 3)
    driver, wire = None, _Blind()
    for n in range(2):
        history.step(world.customer_says("c001", {"text": f"hola {n}"}, NOW + n * SECOND))
        driver = driver or Driver(world, history, wire, lambda: NOW + 60 * SECOND)
        async with asyncio.timeout(5):
            assert await driver.round()
    assert len(wire.bodies) == 2
    codes = [(r["phase"], r["code"]) for r in history.rows() if r["destination"] == "witness"]
    assert codes.count(("fail", "unpublished")) == 2
    assert history.restore()[3] == []
    history.close()


async def test_a_twin_killed_before_the_confirmation_publishes_the_same_bytes_again() -> None:
    history, world = History(), World(Account(), 3)
    world.set_fault(Fault("batch", 1, max_ms=1000))
    for n in range(3):
        history.step(world.customer_says(f"c00{n + 1}", {"text": "hola"}, NOW))
    fired = [f for f in world.fire(NOW + SECOND) if f.channel == "entry"]
    history.before(fired)  # and here it dies: nothing published, nothing confirmed
    again = World(Account(), 4)
    again.restore(*history.restore())
    wire = _Wire(breaks=1)
    driver = Driver(again, history, wire, lambda: NOW + 2 * SECOND)
    await driver.round()
    assert wire.bodies == [fired[0].body]
    assert await driver.round() == 0
    assert history.restore()[3] == []
    phases = [
        (r["phase"], r["wamid"]) for r in history.rows() if r["kind"] == "published" and not r["destination"]
    ]
    assert len(phases) == 9  # three messages: about to leave, about to leave again, confirmed
    assert [phase for phase, _ in phases].count("ok") == 3
    history.close()
