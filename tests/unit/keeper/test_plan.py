"""Retention's plan: nothing too early, nothing held, a file with its last reference, resumable at every step."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.keeper.plan import (
    Document,
    Message,
    Outlive,
    Plan,
    Preview,
    Reference,
    Row,
    SealedObject,
    Step,
    plan,
)
from shared.record.holds import Held
from shared.record.retention import DAY_MS, MIN_DAYS, Retention

NOW = 2_000 * DAY_MS
HASHES = ("aa", "bb", "cc")


def item(n: int, age_days: int, media: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    kept_at = NOW - age_days * DAY_MS
    return {
        "pk": f"c_{n % 3}",
        "sk": f"{n:010d}.1.{n:06d}",
        "message_id": f"i_{n}",
        "contact_id": f"p_{n % 3}",
        "kept_at": kept_at,
        "expires_at": kept_at + 400 * DAY_MS,
        "rev": 1,
        "source": "live",
        "media": [{"n": k, "mime": "image/jpeg", "sha256": sha} for k, sha in enumerate(media)],
        **more,
    }


def whole(n: int, age_days: int, media: tuple[str, ...] = (), **more: Any) -> Message:
    made = item(n, age_days, media, **more)
    child = {"pk": made["pk"], "sk": f"{made['sk']}#status#1.read", "sealed_ref": f"sealed/{n}"}
    delivery = {"pk": f"d#{made['pk']}", "sk": f"{made['message_id']}#0", "state": "delivered"}
    return Message(made, [child], [delivery], (f"i_w{n}",), previewed=n % 2 == 0)


def references(messages: list[Message]) -> dict[str, set[tuple[str, int]]]:
    found: dict[str, set[tuple[str, int]]] = {}
    for message in messages:
        for each in message.item["media"]:
            found.setdefault(each["sha256"], set()).add((message.item["message_id"], each["n"]))
    return found


def test_the_message_itself_goes_last_and_its_id_outlives_it() -> None:
    message = whole(2, 500, ("aa",))
    made = plan([message], references([message]), Retention(), Held(), NOW)
    kinds = [type(step) for step in made.steps]
    assert kinds == [Document, Reference, SealedObject, Preview, Row, Outlive, Outlive, Row, Row]
    assert made.steps[-1] == Row("messages", message.item["pk"], message.item["sk"])
    assert made.ended == ("i_2",)


def test_a_file_shared_by_two_lives_until_the_second_goes() -> None:
    old, young = whole(1, 91, ("aa",)), whole(2, 2, ("aa",))
    rules = Retention({"messages": 90})
    first = plan([old, young], references([old, young]), rules, Held(), NOW)
    assert [step for step in first.steps if isinstance(step, Reference)] == [
        Reference("aa", "i_1", 0, last=False)
    ]
    later = plan([young], references([young]), rules, Held(), NOW + 89 * DAY_MS)
    assert [step for step in later.steps if isinstance(step, Reference)] == [
        Reference("aa", "i_2", 0, last=True)
    ]


def test_a_hold_wins_and_is_named_and_what_is_owed_waits() -> None:
    held, owed = whole(0, 900), whole(1, 900)
    owed = Message(owed.item, owed.children, [{**owed.deliveries[0], "owed": "1"}])
    made = plan([held, owed], {}, Retention(), Held({"p_0": "h_1"}, {}), NOW)
    assert (made.steps, made.held, made.owed) == ((), {"i_0": "h_1"}, ("i_1",))
    by_thread = plan([held], {}, Retention(), Held({}, {"c_0": "h_2"}), NOW)
    assert by_thread.held == {"i_0": "h_2"}


def test_ninety_days_are_the_least_whatever_is_written() -> None:
    short = whole(1, 89, expires_at=NOW - 50 * DAY_MS)
    assert plan([short], {}, Retention({"messages": 1}), Held(), NOW).ended == ()
    assert plan([whole(1, 90, expires_at=0)], {}, Retention(), Held(), NOW).ended == ("i_1",)


def test_todays_rule_counts_and_each_class_has_its_own() -> None:
    live, imported = whole(1, 100), whole(2, 100, source="import")
    assert plan([live, imported], {}, Retention({"imports": 95}), Held(), NOW).ended == ("i_2",)
    assert plan([live, imported], {}, Retention({"messages": 95}), Held(), NOW).ended == ("i_1",)


class Shelf:
    """The stores, as sets of what is there; carries out steps."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = {message.item["message_id"]: message for message in messages}
        self.references = references(messages)
        self.files = set(self.references)
        self.rows = {
            (table, row["pk"], row["sk"])
            for m in messages
            for table, rows in (("messages", [*m.children, m.item]), ("deliveries", m.deliveries))
            for row in rows
        }
        self.ids: set[str] = set()

    def left(self) -> list[Message]:
        """What a new look finds."""
        found = []
        for message in self.messages.values():
            if ("messages", message.item["pk"], message.item["sk"]) in self.rows:
                kept = [r for r in message.children if ("messages", r["pk"], r["sk"]) in self.rows]
                sent = [r for r in message.deliveries if ("deliveries", r["pk"], r["sk"]) in self.rows]
                found.append(Message(message.item, kept, sent, message.wamid_ids, message.previewed))
        return found

    def do(self, step: Step) -> None:
        if isinstance(step, Row):
            self.rows.discard((step.table, step.pk, step.sk))
        elif isinstance(step, Outlive):
            self.ids.add(step.id)
        elif isinstance(step, Reference):
            self.references.get(step.sha256, set()).discard((step.message_id, step.n))
            if step.last:
                assert not self.references.get(step.sha256), "a file went before its last reference"
                self.files.discard(step.sha256)

    def state(self) -> tuple[Any, ...]:
        return self.rows, self.files, {k: v for k, v in self.references.items() if v}


message_lists = st.lists(
    st.tuples(st.integers(0, 500), st.lists(st.sampled_from(HASHES), max_size=2, unique=True)), max_size=6
)


def made(shelf: Shelf, rules: Retention, held: Held) -> Plan:
    names: Mapping[str, set[tuple[str, int]]] = shelf.references
    return plan(shelf.left(), names, rules, held, NOW)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    message_lists,
    st.sampled_from([{}, {"p_0": "h"}, {"p_1": "h", "p_2": "h"}]),
    st.integers(60, 450),
    st.data(),
)
def test_cut_off_anywhere_it_ends_the_same(
    drawn: list[tuple[int, list[str]]], contacts: dict[str, str], days: int, data: Any
) -> None:
    built = [whole(n, age, tuple(media)) for n, (age, media) in enumerate(drawn)]
    rules, held = Retention({"messages": days}), Held(contacts, {})
    straight, cut = Shelf(built), Shelf(built)
    first = made(straight, rules, held)
    for step in first.steps:
        straight.do(step)
    while steps := made(cut, rules, held).steps:
        for step in steps[: data.draw(st.integers(1, len(steps)))]:
            cut.do(step)
    assert cut.state() == straight.state()
    assert not made(straight, rules, held).steps
    for message in built:
        kept = ("messages", message.item["pk"], message.item["sk"]) in straight.rows
        age = (NOW - message.item["kept_at"]) // DAY_MS
        must_stay = age < max(days, MIN_DAYS) or message.item["contact_id"] in contacts
        assert kept == must_stay
        if kept:
            assert {each["sha256"] for each in message.item["media"]} <= straight.files
    assert straight.files == {sha for sha, names in straight.references.items() if names}
