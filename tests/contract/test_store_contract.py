"""The Store's behaviour, the same on the fake, on ministack and on DynamoDB Local (AWS's own engine)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from uuid import uuid4

import boto3
import pytest
from aiobotocore.session import AioSession
from boto3.dynamodb.conditions import ConditionBase

from local import provision
from shared.aws import open_client
from shared.store.dynamo import DynamoStore
from shared.store.memory import MemoryStore
from shared.store.port import (
    Attr,
    Check,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Op,
    Put,
    Store,
    Update,
)
from shared.topology import Naming
from tests.engines import unique_prefix

ENGINES = ["memory", "ministack", "dynamodb_local"]


@pytest.fixture(scope="module")
def tables_on() -> Callable[[str], Naming]:
    @cache
    def make(url: str) -> Naming:
        naming = Naming(unique_prefix())
        provision.tables(boto3.client("dynamodb", endpoint_url=url), naming)
        return naming

    return make


@pytest.fixture(params=ENGINES)
async def store(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tables_on: Callable[[str], Naming]
) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
    async with AsyncExitStack() as stack:
        client = await open_client(stack, AioSession(), "dynamodb", "us-east-1")
        yield DynamoStore(client, tables_on(url))


@pytest.fixture
def pk() -> str:
    return f"c_{uuid4().hex}"


def token() -> str:
    return uuid4().hex


RICH: Item = {
    "text": "¿Qué pasó? 🌮",
    "empty": "",
    "count": 9_007_199_254_740_993,
    "negative": -4,
    "zero": 0,
    "yes": True,
    "no": False,
    "nothing": None,
    "sealed": b"\x00\x01\xff",
    "list": ["a", 1, None, [True]],
    "map": {"n": 1, "inner": {"b": b"x", "l": []}},
    "reserved": {"name": "status"},
}


async def test_an_item_comes_back_as_it_was_put(store: Store, pk: str) -> None:
    assert await store.get("messages", pk, "1") is None
    item = {"pk": pk, "sk": "1", **RICH}
    assert await store.write(Put("messages", item)) == item
    found = await store.get("messages", pk, "1")
    assert found == item
    assert type(found["count"]) is int
    assert type(found["sealed"]) is bytes
    assert found["yes"] is True


async def test_a_callers_later_change_is_no_write(store: Store, pk: str) -> None:
    item: Item = {"pk": pk, "sk": "-", "tags": ["a"]}
    await store.write(Put("conversations", item))
    item["tags"].append("b")
    found = await store.get("conversations", pk)
    assert found is not None
    found["tags"].append("c")
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "tags": ["a"]}


@pytest.mark.parametrize("bad", [1.5, {"deep": [0.1]}, {1, 2}, object()])
async def test_values_no_table_holds_are_refused(store: Store, pk: str, bad: object) -> None:
    with pytest.raises(TypeError):
        await store.write(Put("messages", {"pk": pk, "sk": "1", "bad": bad}))
    with pytest.raises(TypeError):
        await store.transact([Update("messages", pk, "1", set={"bad": bad})], token())
    assert await store.get("messages", pk, "1") is None


@pytest.mark.parametrize(
    "op",
    [
        Put("messages", {"pk": "", "sk": "1"}),
        Put("messages", {"pk": "p"}),
        Put("messages", {"pk": "p", "sk": 1}),
        Put("messages", {"pk": "p", "sk": "1", "n": 10**38 + 1}),
        Put("messages", {"pk": "p", "sk": "1"}, condition=Attr("a").exists(), absent=True),
        Delete("messages", "p", ""),
        Update("messages", "p", "1"),
        Update("messages", "p", "1", set={"a": 1}, remove=["a"]),
        Update("messages", "p", "1", set={"pk": "other"}),
        Update("messages", "p", "1", set={"a.b": 1}),
        Put("deliveries", {"pk": "p", "sk": "1", "owed": 7}),
        Put("deliveries", {"pk": "p", "sk": "1", "owed": ""}),
    ],
)
async def test_ops_dynamodb_cannot_take_are_refused(store: Store, op: Put | Update | Delete) -> None:
    with pytest.raises(ValueError, match=r"."):
        await store.write(op)
    with pytest.raises(ValueError, match=r"."):
        await store.transact([op], token())


async def test_an_item_may_have_400_kilobytes(store: Store, pk: str) -> None:
    large = {
        "pk": pk,
        "sk": "1",
        "sealed": bytes(399 * 1024),
        "text": "ñ" * 100,
        "list": [1, True, {"a": None}],
    }
    await store.write(Put("messages", large))
    assert await store.get("messages", pk, "1") == large
    for change in (
        Put("messages", {**large, "sealed": bytes(400 * 1024)}),
        Update("messages", pk, "1", set={"text": "ñ" * 600}),
    ):
        with pytest.raises(ValueError, match=r"."):
            await store.write(change)
    assert await store.get("messages", pk, "1") == large


async def test_absent_lets_one_in_and_shows_the_loser_what_stands(store: Store, pk: str) -> None:
    first = {"pk": pk, "sk": "-", "by": "first"}
    await store.write(Put("ids", first, absent=True))
    with pytest.raises(ConditionFailedError) as caught:
        await store.write(Put("ids", {"pk": pk, "sk": "-", "by": "second"}, absent=True))
    assert caught.value.failed == (0,)
    assert caught.value.old == {0: first}


async def test_put_replaces_the_whole_item_and_can_answer_the_old(store: Store, pk: str) -> None:
    await store.write(Put("config", {"pk": pk, "sk": "1", "a": 1}))
    before = await store.write(Put("config", {"pk": pk, "sk": "1", "b": 2}), old=True)
    assert before == {"pk": pk, "sk": "1", "a": 1}
    assert await store.get("config", pk, "1") == {"pk": pk, "sk": "1", "b": 2}
    assert await store.write(Put("config", {"pk": pk, "sk": "2"}), old=True) is None


async def test_update_creates_sets_adds_removes(store: Store, pk: str) -> None:
    made = await store.write(Update("conversations", pk, "-", set={"state": "open"}, add={"rev": 1}))
    assert made == {"pk": pk, "sk": "-", "state": "open", "rev": 1}
    change = Update(
        "conversations",
        pk,
        "-",
        set={"name": "n"},
        add={"rev": 2, "unread": -1},
        remove=["state", "never"],
        set_once={"rev_at": 5},
    )
    after = {"pk": pk, "sk": "-", "name": "n", "rev": 3, "unread": -1, "rev_at": 5}
    assert await store.write(change) == after
    again = await store.write(Update("conversations", pk, "-", set_once={"rev_at": 6, "new": 7}), old=True)
    assert again == after
    assert await store.get("conversations", pk) == {**after, "new": 7}


async def test_adding_to_what_is_no_number_is_refused(store: Store, pk: str) -> None:
    await store.write(Put("conversations", {"pk": pk, "sk": "-", "state": "open"}))
    with pytest.raises(ValueError, match=r"."):
        await store.write(Update("conversations", pk, "-", add={"state": 1}))
    with pytest.raises(ValueError, match=r"."):
        await store.transact([Update("conversations", pk, "-", add={"state": 1})], token())


async def test_delete(store: Store, pk: str) -> None:
    item = {"pk": pk, "sk": "1", "rev": 3}
    assert await store.write(Delete("due", pk, "1")) is None
    await store.write(Put("due", item))
    with pytest.raises(ConditionFailedError) as caught:
        await store.write(Delete("due", pk, "1", condition=Attr("rev").eq(4)))
    assert caught.value.old == {0: item}
    assert await store.write(Delete("due", pk, "1", condition=Attr("rev").eq(3)), old=True) == item
    assert await store.get("due", pk, "1") is None
    with pytest.raises(ConditionFailedError) as caught:
        await store.write(Delete("due", pk, "1", condition=Attr("rev").eq(3)))
    assert caught.value.old == {}


async def test_a_transaction_is_all_or_nothing(store: Store, pk: str) -> None:
    await store.write(Put("ids", {"pk": pk, "sk": "-", "n": 1}))
    ops: list[Op] = [
        Put("messages", {"pk": pk, "sk": "1"}, absent=True),
        Update("conversations", pk, "-", add={"rev": 1}),
        Put("ids", {"pk": pk, "sk": "-"}, absent=True),
        Check("policy", pk, "-", Attr("n").eq(1)),
        Delete("due", pk, "x"),
    ]
    with pytest.raises(ConditionFailedError) as caught:
        await store.transact(ops, token())
    assert caught.value.failed == (2, 3)
    assert caught.value.old == {2: {"pk": pk, "sk": "-", "n": 1}}
    assert await store.get("messages", pk, "1") is None
    assert await store.get("conversations", pk) is None
    await store.write(Put("policy", {"pk": pk, "sk": "-", "n": 1}))
    await store.transact([*ops[:2], *ops[3:]], token())
    assert await store.get("messages", pk, "1") == {"pk": pk, "sk": "1"}
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "rev": 1}


async def test_a_token_takes_effect_once(store: Store, pk: str) -> None:
    ops = [Update("conversations", pk, "-", add={"rev": 1}, set={"at": 1}, condition=Attr("at").not_exists())]
    once = token()
    await store.transact(ops, once)
    await store.transact(ops, once)
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "rev": 1, "at": 1}
    with pytest.raises(ConditionFailedError):
        await store.transact(ops, token())


async def test_a_token_belongs_to_one_transaction(store: Store, pk: str) -> None:
    once = token()
    await store.transact([Update("conversations", pk, "-", set={"at": 1})], once)
    with pytest.raises(ValueError, match=r"."):
        await store.transact([Update("conversations", pk, "-", set={"at": 2})], once)


async def test_a_cancelled_transaction_leaves_its_token_free(store: Store, pk: str) -> None:
    ops = [Update("conversations", pk, "-", add={"rev": 1}, condition=Attr("open").eq(1))]
    once = token()
    with pytest.raises(ConditionFailedError):
        await store.transact(ops, once)
    await store.write(Put("conversations", {"pk": pk, "sk": "-", "open": 1}))
    await store.transact(ops, once)
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "open": 1, "rev": 1}


async def test_transactions_no_engine_takes_are_refused(store: Store, pk: str) -> None:
    puts: list[Op] = [Put("messages", {"pk": pk, "sk": f"{n:03}"}) for n in range(101)]
    for ops, once in (
        ([], token()),
        (puts, token()),
        ([puts[0], Delete("messages", pk, "000")], token()),
        (puts[:1], ""),
        (puts[:1], "x" * 37),
    ):
        with pytest.raises(ValueError, match=r"ops|token"):
            await store.transact(ops, once)
    await store.transact(puts[:100], token())
    assert len((await store.query("messages", pk)).items) == 100


async def fill(store: Store, pk: str, sks: list[str]) -> None:
    for sk in sks:
        await store.write(Put("messages", {"pk": pk, "sk": sk, "n": len(sk)}))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, ["a", "b1", "b2", "c", "ñ", "\uff5a", "😀"]),
        (Key("sk").eq("b1"), ["b1"]),
        (Key("sk").begins_with("b"), ["b1", "b2"]),
        (Key("sk").between("b1", "c"), ["b1", "b2", "c"]),
        (Key("sk").lt("b2"), ["a", "b1"]),
        (Key("sk").lte("b2"), ["a", "b1", "b2"]),
        (Key("sk").gt("c"), ["ñ", "\uff5a", "😀"]),
        (Key("sk").gte("c"), ["c", "ñ", "\uff5a", "😀"]),
        (Key("sk").eq("zz"), []),
    ],
)
async def test_a_query_reads_a_partition_in_key_order(
    store: Store, pk: str, condition: ConditionBase | None, expected: list[str]
) -> None:
    await fill(store, pk, ["c", "a", "😀", "b2", "ñ", "b1", "\uff5a"])
    await fill(store, pk + "x", ["a"])
    there = await store.query("messages", pk, condition)
    back = await store.query("messages", pk, condition, forward=False)
    assert [item["sk"] for item in there.items] == expected
    assert [item["sk"] for item in back.items] == expected[::-1]
    assert there.next is None


async def pages(
    query: Callable[[Item | None], Awaitable[tuple[list[Item], Item | None]]],
) -> list[list[Item]]:
    found, start = [], None
    while True:
        items, start = await query(start)
        found.append(items)
        if start is None:
            return found


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("index", [None, "owed"])
async def test_pages_join_without_gap_or_double(
    store: Store, pk: str, *, index: str | None, forward: bool
) -> None:
    for n in range(7):
        await store.write(Put("deliveries", {"pk": pk, "sk": f"m{n}", "owed": f"{9 - n // 2}"}))
    await store.write(Put("deliveries", {"pk": pk, "sk": "done"}))

    async def page(start: Item | None) -> tuple[list[Item], Item | None]:
        answer = await store.query("deliveries", pk, index=index, forward=forward, limit=3, start=start)
        return answer.items, answer.next

    found = await pages(page)
    rows = [(item.get("owed"), item["sk"]) for items in found for item in items]
    assert all(len(items) <= 3 for items in found)
    assert len(rows) == len(set(rows)) == (8 if index is None else 7)
    in_order = [str(row[0] if index else row[1]) for row in rows]
    assert in_order == sorted(in_order, reverse=not forward)


async def test_a_local_index_is_read_consistently_and_holds_only_what_has_its_key(
    store: Store, pk: str
) -> None:
    await store.write(Put("deliveries", {"pk": pk, "sk": "a", "owed": "2"}))
    await store.write(Put("deliveries", {"pk": pk, "sk": "b", "owed": "1"}))
    await store.write(Put("deliveries", {"pk": pk, "sk": "c"}))
    page = await store.query("deliveries", pk, index="owed")
    assert [item["sk"] for item in page.items] == ["b", "a"]
    await store.write(Update("deliveries", pk, "b", remove=["owed"]))
    await store.write(Update("deliveries", pk, "c", set={"owed": "3"}))
    page = await store.query("deliveries", pk, Key("owed").gte("2"), index="owed")
    assert [item["sk"] for item in page.items] == ["a", "c"]


async def test_a_global_index_shows_items_across_partitions_in_the_end(store: Store, pk: str) -> None:
    desk = f"desk#{pk}"
    for n in (3, 1, 2):
        item = {"pk": f"{pk}{n}", "sk": "-", "inbox": desk, "last_order_key": f"k{n}"}
        await store.write(Put("conversations", item))
    await store.write(Update("conversations", f"{pk}2", "-", remove=["inbox"]))
    async with asyncio.timeout(5):
        while True:
            page = await store.query("conversations", desk, index="inbox", forward=False)
            if [item["last_order_key"] for item in page.items] == ["k3", "k1"]:
                break
    newest = await store.query("conversations", desk, Key("last_order_key").gt("k1"), index="inbox")
    assert [item["pk"] for item in newest.items] == [f"{pk}3"]


async def test_many_items_by_key(store: Store, pk: str) -> None:
    await store.transact([Put("messages", {"pk": pk, "sk": f"{n}"}) for n in range(100)], token())
    await store.write(Put("ids", {"pk": pk, "sk": "-"}))
    keys = [("messages", pk, f"{n}") for n in range(130)] + [("ids", pk, "-"), ("messages", pk, "5")]
    found = await store.get_many(keys)
    assert len(found) == 101
    assert found["ids", pk, "-"] == {"pk": pk, "sk": "-"}
    assert found["messages", pk, "99"] == {"pk": pk, "sk": "99"}
    assert await store.get_many([]) == {}


async def test_a_scan_of_all_segments_finds_each_item_once(store: Store, pk: str) -> None:
    mine = [f"{pk}{n}" for n in range(8)]
    for each in mine:
        await store.write(Put("leases", {"pk": each, "sk": "-"}))
    found = [item["pk"] for part in range(3) async for item in store.scan("leases", segment=part, segments=3)]
    assert sorted(each for each in found if each.startswith(pk)) == mine


CONDITIONS = [
    (Attr("n").eq(3), True),
    (Attr("n").eq("3"), False),
    (Attr("yes").eq(1), False),
    (Attr("yes").eq(True), True),
    (Attr("n").ne(3), False),
    (Attr("n").ne("3"), True),
    (Attr("gone").ne(3), True),
    (Attr("gone").eq(None), False),
    (Attr("nothing").eq(None), True),
    (Attr("n").lt(4) & Attr("n").lte(3) & Attr("n").gt(2) & Attr("n").gte(3), True),
    (Attr("n").lt(3) | Attr("n").gt(3), False),
    (Attr("gone").lt(4), False),
    (~Attr("gone").lt(4), True),
    (Attr("text").lt(4), False),
    (Attr("text").between("a", "z"), True),
    (Attr("n").between(3, 3), True),
    (Attr("n").is_in([1, 2, 3]), True),
    (Attr("n").is_in(["3"]), False),
    (Attr("text").begins_with("ho"), True),
    (Attr("text").begins_with("la"), False),
    (Attr("text").contains("ol"), True),
    (Attr("list").contains("a"), True),
    (Attr("list").contains("b"), False),
    (Attr("map.inner").eq("deep"), True),
    (Attr("list[1].x").eq(1), True),
    (Attr("list[9]").exists(), False),
    (Attr("map").eq({"inner": "deep"}), True),
    (Attr("list").size().eq(2), True),
    (Attr("text").size().gt(4), False),
    (Attr("gone").size().gte(0), False),
    (Attr("text").attribute_type("S"), True),
    (Attr("nothing").attribute_type("NULL"), True),
    (Attr("nothing").exists(), True),
    (Attr("gone").not_exists() & ~Attr("n").not_exists(), True),
    (Attr("blob").begins_with(b"\x00"), True),
    (Attr("pk").exists() & Attr("sk").eq("-"), True),
]


async def test_conditions_mean_the_same_everywhere(store: Store, pk: str) -> None:
    item: Item = {
        "pk": pk,
        "sk": "-",
        "n": 3,
        "yes": True,
        "text": "hola",
        "nothing": None,
        "blob": b"\x00\x01",
    }
    item |= {"list": ["a", {"x": 1}], "map": {"inner": "deep"}}
    await store.write(Put("config", item))
    wrong = []
    for n, (condition, expected) in enumerate(CONDITIONS):
        try:
            await store.transact([Check("config", pk, "-", condition)], token())
            met = True
        except ConditionFailedError:
            met = False
        if met is not expected:
            wrong.append((n, condition.get_expression()))
    assert wrong == []


async def insistently(call: Callable[[], Awaitable[object]]) -> object:
    while True:
        try:
            return await call()
        except ContendedError:
            continue


async def test_of_fifty_conditional_writers_one_wins(store: Store, pk: str) -> None:
    async def claim(n: int) -> bool:
        try:
            await insistently(
                lambda: store.transact(
                    [
                        Put("leases", {"pk": pk, "sk": "-", "by": n}, absent=True),
                        Update("conversations", pk, "-", add={"rev": 1}),
                    ],
                    token(),
                )
            )
        except ConditionFailedError:
            return False
        return True

    won = await asyncio.gather(*(claim(n) for n in range(50)))
    assert won.count(True) == 1
    held = await store.get("leases", pk)
    assert held is not None
    assert held["by"] == won.index(True)
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "rev": 1}


async def test_fifty_adders_lose_nothing(store: Store, pk: str) -> None:
    add = Update("policy", pk, "-", add={"n": 1})
    await asyncio.gather(*(insistently(lambda: store.write(add)) for _ in range(50)))
    assert await store.get("policy", pk) == {"pk": pk, "sk": "-", "n": 50}
