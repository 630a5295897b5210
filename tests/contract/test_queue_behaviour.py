"""What every queue behind the port does: the fake, ministack and ElasticMQ alike.

Real servers measure visibility in whole seconds, so these tests wait for a condition, bounded, where the
fake would let time jump.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiobotocore.session import AioSession, get_session

from shared.clock import SystemClock
from shared.errors import StopAndPage
from shared.queue.memory import MemoryQueue
from shared.queue.port import LeaseLostError, Message, Queue, QueueUnavailableError
from shared.queue.sqs import SqsQueue, open_client, open_queue
from shared.topology import Naming

VISIBILITY_S = 30
BOUND_S = 15.0


class Bench:
    """A queue under test and its DLQ, seen from outside."""

    def __init__(self, queue: Queue, dlq: Queue) -> None:
        self.queue = queue
        self.dlq = dlq

    async def one(self, wait_s: float = 2.0, visibility_s: int = VISIBILITY_S) -> Message:
        (message,) = await self.queue.receive(1, wait_s, visibility_s)
        return message


async def _client(stack: AsyncExitStack, url: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
    return await open_client(stack, get_session(), "us-east-1")


async def _sqs(stack: AsyncExitStack, url: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
    session: AioSession = get_session()
    client = await open_client(stack, session, "us-east-1")
    dlq = await client.create_queue(QueueName=f"{prefix}ingest-dlq")
    arn = await client.get_queue_attributes(QueueUrl=dlq["QueueUrl"], AttributeNames=["QueueArn"])
    redrive = f'{{"deadLetterTargetArn":"{arn["Attributes"]["QueueArn"]}","maxReceiveCount":"3"}}'
    await client.create_queue(QueueName=f"{prefix}ingest", Attributes={"RedrivePolicy": redrive})
    queue = await open_queue(client, "ingest", Naming(prefix))
    return Bench(queue, SqsQueue(client, "ingest-dlq", dlq["QueueUrl"], dlq["QueueUrl"]))


@pytest.fixture(params=["memory", "ministack", "elasticmq"])
async def bench(
    request: pytest.FixtureRequest, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    if request.param == "memory":
        memory = MemoryQueue("ingest", SystemClock(), max_receives=3)
        assert memory.dlq is not None
        yield Bench(memory, memory.dlq)
        return
    url: str = request.getfixturevalue(request.param)
    async with AsyncExitStack() as stack:
        yield await _sqs(stack, url, prefix, monkeypatch)


async def test_a_message_comes_as_it_was_sent(bench: Bench) -> None:
    before = SystemClock().now_ms()
    await bench.queue.send('{"a": "ñ 📷"}', {"type": "desk.x.v1", "has_media": "true"})
    message = await bench.one()
    assert message.body == '{"a": "ñ 📷"}'
    assert message.attributes == {"type": "desk.x.v1", "has_media": "true"}
    assert message.receive_count == 1
    assert abs(message.sent_ms - before) < 60_000
    assert message.id
    assert message.receipt


async def test_a_message_without_attributes(bench: Bench) -> None:
    await bench.queue.send("x", {})
    assert (await bench.one()).attributes == {}


async def test_an_empty_queue_answers_nothing_after_the_wait(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await bench.queue.receive(10, 1.0, VISIBILITY_S) == []
    assert 0.9 <= loop.time() - began < BOUND_S


async def test_a_waiting_receive_gets_what_is_sent_meanwhile(bench: Bench) -> None:
    waiting = asyncio.ensure_future(bench.queue.receive(1, 10.0, VISIBILITY_S))
    await asyncio.sleep(0)
    await bench.queue.send("x", {})
    (message,) = await asyncio.wait_for(waiting, BOUND_S)
    assert message.body == "x"


async def test_a_received_message_is_hidden(bench: Bench) -> None:
    await bench.queue.send("x", {})
    await bench.one()
    assert await bench.queue.receive(1, 0.0, VISIBILITY_S) == []
    assert await bench.queue.depth() == (0, 1)


async def test_it_comes_back_when_the_visibility_ends_and_counts_up(bench: Bench) -> None:
    await bench.queue.send("x", {})
    first = await bench.one(visibility_s=1)
    again = await bench.one(wait_s=BOUND_S)
    assert again.id == first.id
    assert again.receive_count == 2


async def test_hiding_for_0_gives_it_back_at_once(bench: Bench) -> None:
    await bench.queue.send("x", {})
    first = await bench.one()
    await bench.queue.hide(first, 0)
    again = await bench.one()
    assert (again.id, again.receive_count) == (first.id, 2)


async def test_hiding_longer_keeps_it_hidden(bench: Bench) -> None:
    await bench.queue.send("x", {})
    message = await bench.one(visibility_s=1)
    await bench.queue.hide(message, VISIBILITY_S)
    assert await bench.queue.receive(1, 2.0, VISIBILITY_S) == []


async def test_hiding_a_deleted_message_is_a_lost_lease(bench: Bench) -> None:
    await bench.queue.send("x", {})
    message = await bench.one()
    assert await bench.queue.delete([message]) == []
    with pytest.raises(LeaseLostError):
        await bench.queue.hide(message, VISIBILITY_S)


async def test_deleted_messages_are_gone_and_deleting_twice_is_no_error(bench: Bench) -> None:
    for number in range(10):
        await bench.queue.send(str(number), {})
    found: list[Message] = []
    while len(found) < 10:
        found += await bench.queue.receive(10, 2.0, VISIBILITY_S)
    assert sorted(message.body for message in found) == [str(n) for n in range(10)]
    assert await bench.queue.delete(found) == []
    assert await bench.queue.delete(found) == []
    assert await bench.queue.depth() == (0, 0)


async def test_a_delayed_message_comes_later(bench: Bench) -> None:
    await bench.queue.send("x", {}, delay_s=1)
    assert await bench.queue.receive(1, 0.0, VISIBILITY_S) == []
    assert (await bench.one(wait_s=BOUND_S)).body == "x"


async def test_a_parked_message_is_in_the_dlq_with_its_reason(bench: Bench) -> None:
    await bench.queue.send("x", {"type": "desk.x.v1"})
    message = await bench.one()
    reason = dict.fromkeys(("reason", "error", "service", "first_seen", "raw_id", "type"), "v")
    await bench.queue.park(message, reason)
    assert await bench.queue.depth() == (0, 0)
    (parked,) = await bench.dlq.receive(10, 2.0, VISIBILITY_S)
    assert parked.body == "x"
    assert parked.attributes == reason


async def test_parking_without_the_lease_parks_nothing(bench: Bench) -> None:
    await bench.queue.send("x", {})
    old = await bench.one(visibility_s=1)
    await bench.one(wait_s=BOUND_S)
    with pytest.raises(LeaseLostError):
        await bench.queue.park(old, {"reason": "r"})
    assert await bench.dlq.depth() == (0, 0)


async def test_the_redrive_policy_is_the_net_below(bench: Bench) -> None:
    await bench.queue.send("x", {})
    for count in (1, 2, 3):
        message = await bench.one()
        assert message.receive_count == count
        await bench.queue.hide(message, 0)
    assert await bench.queue.receive(1, 1.0, VISIBILITY_S) == []
    (parked,) = await bench.dlq.receive(1, 5.0, VISIBILITY_S)
    assert parked.body == "x"


async def test_concurrent_receivers_never_get_the_same_message(bench: Bench) -> None:
    for number in range(40):
        await bench.queue.send(str(number), {})
    batches = await asyncio.gather(*(bench.queue.receive(10, 1.0, VISIBILITY_S) for _ in range(8)))
    bodies = [message.body for batch in batches for message in batch]
    assert len(bodies) == len(set(bodies))


async def test_an_old_receipt_does_not_move_the_new_one(bench: Bench) -> None:
    """Invariant 5: only the latest receive's receipt counts. A server may refuse or ignore the old one."""
    await bench.queue.send("x", {})
    old = await bench.one(visibility_s=1)
    new = await bench.one(wait_s=BOUND_S)
    with pytest.raises(LeaseLostError):
        await bench.queue.hide(old, 0)
    await bench.queue.hide(new, VISIBILITY_S)


@pytest.mark.parametrize("engine", ["ministack", "elasticmq"])
async def test_a_missing_queue_stops_and_pages(
    engine: str, request: pytest.FixtureRequest, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        client = await _client(stack, request.getfixturevalue(engine), monkeypatch)
        with pytest.raises(StopAndPage, match="QueueDoesNotExist"):
            await open_queue(client, "nowhere", Naming(prefix))


async def test_an_unreachable_server_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncExitStack() as stack:
        client = await _client(stack, f"http://127.0.0.1:{port}", monkeypatch)
        queue = SqsQueue(client, "ingest", f"http://127.0.0.1:{port}/q", f"http://127.0.0.1:{port}/d")
        with pytest.raises(QueueUnavailableError):
            await queue.depth()
    server.close()
    await server.wait_closed()
