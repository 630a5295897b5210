"""What the store's adapter says when the network or DynamoDB fails, through the fault proxy."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import boto3
import pytest
from aiobotocore.session import AioSession

from local import provision
from shared.aws import open_client
from shared.store.dynamo import DynamoStore
from shared.store.port import ConditionFailedError, ContendedError, Op, Put, StoreUnavailableError, Update
from shared.topology import Naming
from tests import faultproxy
from tests.engines import unique_prefix
from tests.faultproxy import FaultProxy


@pytest.fixture(scope="module")
def naming(ministack: str) -> Naming:
    made = Naming(unique_prefix())
    provision.tables(boto3.client("dynamodb", endpoint_url=ministack), made)
    return made


@pytest.fixture
async def proxy(ministack: str) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(ministack) as running:
        yield running


@pytest.fixture
async def store(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, naming: Naming
) -> AsyncIterator[DynamoStore]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
    async with AsyncExitStack() as stack:
        client = await open_client(stack, AioSession(), "dynamodb", "us-east-1")
        yield DynamoStore(client, naming)


@pytest.fixture
def pk() -> str:
    return f"c_{uuid4().hex}"


@pytest.mark.parametrize("fault", [faultproxy.conflict(), faultproxy.throttle()])
async def test_conflicts_and_throttles_are_contended_with_nothing_written(
    store: DynamoStore, proxy: FaultProxy, pk: str, fault: faultproxy.Fault
) -> None:
    ops: list[Op] = [
        Put("messages", {"pk": pk, "sk": "1"}, absent=True),
        Update("conversations", pk, "-", add={"rev": 1}),
    ]
    once = uuid4().hex
    rule = proxy.fail("*WriteItems", fault)
    with pytest.raises(ContendedError):
        await store.transact(ops, once)
    assert rule.hits == 1
    assert await store.get("messages", pk, "1") is None
    await store.transact(ops, once)
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "rev": 1}


async def test_a_lone_write_in_conflict_is_contended(store: DynamoStore, proxy: FaultProxy, pk: str) -> None:
    proxy.fail("UpdateItem", faultproxy.conflict())
    with pytest.raises(ContendedError):
        await store.write(Update("policy", pk, "-", add={"n": 1}))
    assert await store.get("policy", pk) is None


@pytest.mark.parametrize(
    "fault", [faultproxy.drop_after(), faultproxy.fail_after(), faultproxy.drop_before()]
)
async def test_a_transactions_lost_answer_is_asked_for_again_under_its_token(
    store: DynamoStore, proxy: FaultProxy, pk: str, fault: faultproxy.Fault
) -> None:
    rule = proxy.fail("TransactWriteItems", fault, times=2)
    ops: list[Op] = [
        Put("ids", {"pk": pk, "sk": "-"}, absent=True),
        Update("conversations", pk, "-", add={"rev": 1}),
    ]
    await store.transact(ops, uuid4().hex)
    assert rule.hits == 2
    assert await store.get("conversations", pk) == {"pk": pk, "sk": "-", "rev": 1}


async def test_no_answer_at_all_is_unavailable(store: DynamoStore, proxy: FaultProxy, pk: str) -> None:
    proxy.fail("*", faultproxy.fail_with(503), times=None)
    with pytest.raises(StoreUnavailableError):
        await store.get("ids", pk)
    with pytest.raises(StoreUnavailableError):
        await store.query("ids", pk)
    with pytest.raises(StoreUnavailableError):
        await store.transact([Put("ids", {"pk": pk, "sk": "-"})], uuid4().hex)


@pytest.mark.parametrize("fault", [faultproxy.drop_after(), faultproxy.fail_after()])
async def test_a_lone_writes_lost_answer_is_told_and_never_taken_for_anothers_write(
    store: DynamoStore, proxy: FaultProxy, pk: str, fault: faultproxy.Fault
) -> None:
    proxy.fail("PutItem", fault)
    with pytest.raises(StoreUnavailableError):
        await store.write(Put("leases", {"pk": pk, "sk": "-", "by": "me"}, absent=True))
    assert proxy.seen["PutItem"] == 1
    with pytest.raises(ConditionFailedError) as caught:
        await store.write(Put("leases", {"pk": pk, "sk": "-", "by": "me"}, absent=True))
    assert caught.value.old[0]["by"] == "me"


async def test_left_over_keys_of_a_batch_are_asked_for_again(
    store: DynamoStore, proxy: FaultProxy, pk: str, naming: Naming
) -> None:
    await store.transact([Put("messages", {"pk": pk, "sk": f"{n}"}) for n in range(3)], uuid4().hex)
    table, key = naming.name("messages"), {"pk": {"S": pk}, "sk": {"S": "2"}}
    left = {table: {"Keys": [key], "ConsistentRead": True}}
    two = [{"pk": {"S": pk}, "sk": {"S": f"{n}"}} for n in range(2)]
    proxy.fail("BatchGetItem", faultproxy.answer(Responses={table: two}, UnprocessedKeys=left))
    found = await store.get_many([("messages", pk, f"{n}") for n in range(3)])
    assert sorted(found) == [("messages", pk, f"{n}") for n in range(3)]
    assert proxy.seen["BatchGetItem"] == 2
    proxy.fail("BatchGetItem", faultproxy.answer(Responses={}, UnprocessedKeys=left), times=None)
    with pytest.raises(ContendedError):
        await store.get_many([("messages", pk, "2")])


async def test_a_slow_answer_is_waited_for(store: DynamoStore, proxy: FaultProxy, pk: str) -> None:
    rule = proxy.fail("GetItem", faultproxy.delay_answer(0.05))
    assert await store.get("ids", pk) is None
    assert rule.hits == 1
