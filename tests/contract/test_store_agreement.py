"""The fake and AWS's own engine agree on random histories: same answers, same errors, same tables."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aiobotocore.session import AioSession
from boto3.dynamodb.conditions import ConditionBase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local import provision
from shared.aws import open_client
from shared.store.dynamo import DynamoStore
from shared.store.memory import MemoryStore
from shared.store.port import Attr, Check, ConditionFailedError, Delete, Item, Key, Op, Put, Store, Update
from shared.topology import Naming
from tests.engines import unique_prefix

TABLE = "deliveries"
NAMES = ["a", "b", "owed"]
scalars = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(["", "a", "ab", "b"]),
    st.booleans(),
    st.none(),
    st.sampled_from([b"", b"a"]),
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=2), st.dictionaries(st.sampled_from(["a", "x"]), scalars, max_size=2)
)
owed = st.sampled_from(["1", "2", "3"])
sks = st.sampled_from(["m1", "m2", "m3"])
paths = st.sampled_from(
    [Attr("a"), Attr("b"), Attr("owed"), Attr("a.x"), Attr("a[0]"), Attr("sk"), Attr("no")]
)


def attributes(least: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    both = st.dictionaries(st.sampled_from(["a", "b"]), values, min_size=least, max_size=2)
    return st.builds(lambda some, key: some | ({"owed": key} if key else {}), both, st.none() | owed)


def leaf() -> st.SearchStrategy[ConditionBase]:
    numbers_or_text = st.one_of(st.integers(-3, 3), st.sampled_from(["a", "ab", "b"]))
    pair = st.one_of(
        st.tuples(st.integers(-3, 0), st.integers(0, 3)), st.tuples(st.just("a"), st.sampled_from(["a", "b"]))
    )
    return st.one_of(
        st.builds(lambda path, value: path.eq(value), paths, values),
        st.builds(lambda path, value: path.ne(value), paths, values),
        *(
            st.builds(lambda path, value, name=name: getattr(path, name)(value), paths, numbers_or_text)
            for name in ("lt", "lte", "gt", "gte")
        ),
        st.builds(lambda path, ends: path.between(*ends), paths, pair),
        st.builds(lambda path, value: path.begins_with(value), paths, st.sampled_from(["a", "m", b"a"])),
        st.builds(lambda path, value: path.contains(value), paths, scalars),
        st.builds(lambda path, some: path.is_in(some), paths, st.lists(scalars, min_size=1, max_size=3)),
        st.builds(lambda path, size: path.size().gte(size), paths, st.integers(0, 2)),
        st.builds(
            lambda path, kind: path.attribute_type(kind), paths, st.sampled_from(["S", "N", "L", "M", "NULL"])
        ),
        st.builds(lambda path: path.exists(), paths),
        st.builds(lambda path: path.not_exists(), paths),
    )


conditions: st.SearchStrategy[ConditionBase] = st.recursive(
    leaf(),
    lambda inner: st.one_of(
        st.builds(lambda one, two: one & two, inner, inner),
        st.builds(lambda one, two: one | two, inner, inner),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=4,
)
some = st.none() | conditions


def updates() -> st.SearchStrategy[Update]:
    return st.builds(
        lambda sk, sets, add, remove, once, condition: Update(
            TABLE, "", sk, set=sets, add=add, remove=remove, set_once=once, condition=condition
        ),
        sks,
        attributes(),
        # not `owed`: DynamoDB Local lets ADD put a number into an index's string key, AWS refuses it
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(-2, 2), max_size=1),
        st.lists(st.sampled_from([*NAMES, "c"]), max_size=1),
        st.dictionaries(st.sampled_from(["a", "d"]), values, max_size=1),
        some,
    )


puts = st.builds(lambda sk, more: Put(TABLE, {"sk": sk} | more, absent=True), sks, attributes()) | st.builds(
    lambda sk, more, condition: Put(TABLE, {"sk": sk} | more, condition), sks, attributes(), some
)
deletes = st.builds(lambda sk, condition: Delete(TABLE, "", sk, condition), sks, some)
checks = st.builds(lambda sk, condition: Check(TABLE, "", sk, condition), sks, conditions)
lone = st.tuples(st.just("write"), st.tuples(st.one_of(puts, updates(), deletes), st.booleans()))
joint = st.tuples(
    st.just("transact"),
    st.tuples(
        st.lists(st.one_of(puts, updates(), deletes, checks), min_size=1, max_size=3),
        st.sampled_from(["one", "two", "three"]),
    ),
)
ranges = st.none() | st.builds(
    lambda name, value: getattr(Key("sk"), name)(value),
    st.sampled_from(["eq", "lt", "gte", "begins_with"]),
    sks,
)
reads = st.tuples(
    st.just("query"),
    st.tuples(st.sampled_from([None, "owed"]), st.booleans(), st.none() | st.integers(1, 2), ranges),
)
steps = st.lists(st.one_of(lone, joint, reads), min_size=1, max_size=6)


def placed(op: Op, pk: str) -> Op:
    return replace(op, item={**op.item, "pk": pk}) if isinstance(op, Put) else replace(op, pk=pk)


async def play(store: Store, pk: str, step: tuple[str, Any]) -> object:
    """What a caller sees of one step: the answer or the error."""
    name, arguments = step
    try:
        if name == "write":
            return await store.write(placed(arguments[0], pk), old=arguments[1])  # type: ignore[arg-type]  # never a Check
        if name == "transact":
            await store.transact([placed(op, pk) for op in arguments[0]], pk[-20:] + arguments[1])
            return None
        return await rows(store, pk, *arguments)
    except ConditionFailedError as error:
        return ("failed", error.failed, error.old)
    except (ValueError, TypeError):
        return "refused"


async def rows(store: Store, pk: str, *view: Any) -> list[Item]:
    index, forward, limit, sk = view
    condition = sk if index is None else None
    found: list[Item] = []
    start: Item | None = None
    while True:
        page = await store.query(TABLE, pk, condition, index=index, forward=forward, limit=limit, start=start)
        found, start = found + page.items, page.next
        if start is None:
            break
    ties = index is not None  # rows of equal index keys come in no promised order
    return sorted(found, key=lambda item: (item["owed"], item["sk"])) if ties else found


class Pair:
    def __init__(self, runner: asyncio.Runner, real: DynamoStore) -> None:
        self.runner = runner
        self.real = real


@pytest.fixture(scope="module")
def pair(dynamodb_local: str) -> Iterator[Pair]:
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local)
        stack = AsyncExitStack()
        client = runner.run(open_client(stack, AioSession(), "dynamodb", "us-east-1"))
        naming = Naming(unique_prefix())
        provision.tables(boto3.client("dynamodb", endpoint_url=dynamodb_local), naming)
        yield Pair(runner, DynamoStore(client, naming))
        runner.run(stack.aclose())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=steps)
def test_the_fake_and_dynamodb_agree(pair: Pair, history: list[tuple[str, Any]]) -> None:
    async def both() -> None:
        fake, pk = MemoryStore(), uuid4().hex
        for step in history:
            assert await play(fake, pk, step) == await play(pair.real, pk, step), step
        assert await rows(fake, pk, None, True, None, None) == await rows(
            pair.real, pk, None, True, None, None
        )

    pair.runner.run(both())
