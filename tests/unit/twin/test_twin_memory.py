"""The twin is its seed's alone, remembers what lasts, and says again what was not confirmed."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.twin.twin_steps import MS, NOW, SECOND, saying, text_to
from twin.core.faults import KINDS, Fault
from twin.core.model import Account
from twin.core.payloads import BUILDERS
from twin.core.world import World
from twin.driver import Driver, PublishError
from twin.history import History

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
            history.step(world.customer_says(customer.id, saying(kind), now))
        elif act == "send":
            step = world.send(world.account.eum_phone_id, text_to(customer.wa_id), now)
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
