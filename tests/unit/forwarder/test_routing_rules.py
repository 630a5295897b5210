"""The pure decisions of routing and delivering."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forwarder import answers, ordering, signing
from services.forwarder.config import Config, Destination, Match, Route, Rules
from services.forwarder.limits import MOST_WAIT_S, Limits
from services.forwarder.routing import MAX_DESTINATIONS, Facts, asks_for_words, destinations
from shared.ids import order_key
from shared.store.memory import MemoryStore
from shared.store.port import Put
from tests.unit.forwarder.forwarder_world import play

NOW = 1_764_000_000_000


def _destination(name: str) -> Destination:
    return Destination(sk=name, kind="webhook", url="https://x.test", secret="s")


def _rules(*routes: Route) -> Rules:
    return Rules(routes, {name: _destination(name) for name in ("a", "b", "c")})


def _route(by: Any, *values: str, to: tuple[str, ...] = ("a",), **more: Any) -> Route:
    return Route(sk=f"r-{by}", match=Match(by=by, values=values), destinations=to, **more)


@pytest.mark.parametrize(
    ("route", "facts", "takes"),
    [
        (_route("all"), Facts("1", "text"), True),
        (_route("all", enabled=False), Facts("1", "text"), False),
        (_route("number", "1", "2"), Facts("1", "text"), True),
        (_route("number", "2"), Facts("1", "text"), False),
        (_route("type", "image"), Facts("1", "image"), True),
        (_route("type", "image"), Facts("1", "text"), False),
        (_route("keyword", "SISMO", "fuga"), Facts("1", "text", "Hubo un sismo"), True),
        (_route("keyword", "sismo", ""), Facts("1", "text", "todo bien"), False),
        (_route("all"), Facts("1", "text", protected=True), False),
    ],
)
def test_rules_take_what_they_say(route: Route, facts: Facts, *, takes: bool) -> None:
    assert bool(destinations(facts, _rules(route))) is takes


def test_each_destination_gets_a_message_once_and_unknown_ones_are_left_out() -> None:
    rules = _rules(_route("all", to=("b", "a", "gone")), _route("type", "text", to=("a", "c")))
    assert [each.id for each in destinations(Facts("1", "text"), rules)] == ["a", "b", "c"]


def test_no_message_goes_to_more_destinations_than_a_transaction_holds() -> None:
    names = tuple(f"d{n:02d}" for n in range(MAX_DESTINATIONS + 5))
    rules = Rules((_route("all", to=names),), {name: _destination(name) for name in names})
    assert len(destinations(Facts("1", "text"), rules)) == MAX_DESTINATIONS


def test_content_is_opened_only_where_a_rule_asks_for_words() -> None:
    assert not asks_for_words([_route("all"), _route("keyword", "x", enabled=False)])
    assert asks_for_words([_route("all"), _route("keyword", "x")])


def _message(arrival_ms: int, n: int, ts_s: int = NOW // 1000, **more: Any) -> dict[str, Any]:
    key = order_key(ts_s, arrival_ms * 1_000_000, f"i_{n:06d}")
    return {"pk": "c", "sk": key, "direction": "in", "source": "live", **more}


def test_what_sorts_before_a_settled_message_goes_with_it_however_young() -> None:
    young = _message(NOW, 1, NOW // 1000 - 5)
    old = _message(NOW - 900, 2, NOW // 1000)
    after = _message(NOW, 3, NOW // 1000 + 5)
    found = ordering.plan([young, old, after], old["sk"], NOW - 500)
    assert [item["sk"] for item in found.messages] == [young["sk"], old["sk"]]


def test_the_poked_message_goes_even_where_the_clock_says_it_is_from_the_future() -> None:
    message = _message(NOW + 2000, 1)
    assert ordering.plan([message], message["sk"], NOW - 500).messages == (message,)


@given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(-10, 10), st.booleans()), max_size=12))
def test_a_plan_is_a_prefix_in_order_without_children_and_without_ours(
    facts: list[tuple[int, int, bool]],
) -> None:
    messages = [
        _message(NOW + at, n, NOW // 1000 + ts, direction="in" if inbound else "out")
        for n, (at, ts, inbound) in enumerate(facts)
    ]
    children = [{"pk": "c", "sk": f"{each['sk']}#status#x"} for each in messages]
    items = sorted([*messages, *children], key=lambda item: item["sk"])
    found = ordering.plan(items, "", NOW - 500)
    keys = [item["sk"] for item in found.messages]
    theirs = sorted(item["sk"] for item in messages if item["direction"] == "in")
    assert keys == theirs[: len(keys)]
    assert all(key > found.upto for key in theirs[len(keys) :])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("999999999999", 3600.0),
        ("Mon, 24 Nov 2025 16:00:10 GMT", 10.0),
        ("Mon, 24 Nov 2025 15:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Mon, 24 Nov 2025 16:00:10 -0000", 10.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, expected: float | None) -> None:
    assert answers.retry_after_s(value, NOW) == expected


@given(st.text(max_size=60))
def test_no_retry_after_breaks_the_delivery(value: str) -> None:
    found = answers.retry_after_s(value, NOW)
    assert found is None or 0 <= found <= 3600


def test_backoff_doubles_up_to_ten_minutes() -> None:
    assert [answers.backoff_s(n) for n in (1, 2, 3, 11, 10_000)] == [1, 2, 4, 600, 600]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64", "whsec_á"])
def test_a_secret_that_is_none_is_named_as_such(secret: str) -> None:
    with pytest.raises(signing.BadSecretError):
        signing.headers(secret, "d", NOW, b"{}")


def test_lanes_sent_away_come_back_one_after_the_other() -> None:
    async def story() -> None:
        limits = Limits(2)
        with limits.calling("d"), limits.calling("d"):
            waits = [limits.wait_s("d") for _ in range(50)]
            assert waits == sorted(waits)
            assert len(set(waits)) == 50
            assert limits.wait_s("other") == 0
            assert max(limits.wait_s("d") for _ in range(5000)) <= MOST_WAIT_S
        assert limits.wait_s("d") == 0

    play(story())


def test_a_destination_that_asked_for_quiet_gets_it() -> None:
    async def story() -> None:
        limits = Limits(2)
        limits.rest("d", 7)
        assert limits.wait_s("d") == 7
        await asyncio.sleep(7)
        assert limits.wait_s("d") == 0

    play(story())


def test_a_rule_that_cannot_be_read_is_reported_and_the_others_hold() -> None:
    async def story() -> None:
        store, told = MemoryStore(), []
        good = {"pk": "route", "sk": "a", "match": {"by": "all"}, "destinations": ["a"]}
        await store.write(Put("config", good))
        await store.write(Put("config", {"pk": "route", "sk": "b", "match": {"by": "moon"}}))
        config = Config(store, lambda what, _error: told.append(what))
        rules = await config.rules()
        assert [route.id for route in rules.routes] == ["a"]
        assert told == ["config"]
        await store.write(Put("config", {**good, "version": 2}))
        assert (await config.rules()).version == rules.version
        await asyncio.sleep(3)
        assert (await config.rules()).version != rules.version

    play(story())


def test_who_has_time_reads_the_rules_ahead_and_all_who_ask_share_one_read() -> None:
    async def story() -> None:
        store = MemoryStore()
        route = {"pk": "route", "sk": "a", "match": {"by": "all"}, "destinations": ["a"]}
        await store.write(Put("config", route))
        config = Config(store, lambda _what, _error: None)
        found = await asyncio.gather(*(config.rules() for _ in range(5)))
        assert all(each is found[0] for each in found)
        await asyncio.sleep(2.5)
        assert await config.rules() is found[0]
        ahead = await config.rules(1.0)
        assert ahead is not found[0]
        await asyncio.sleep(0.6)
        assert await config.rules() is ahead

    play(story())
