"""Publishing desk events: every queue gets what its subscription asks for, on the fake and on SNS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache

import orjson
import pytest
from aiobotocore.session import AioSession

from local import provision
from local.provision import Provisioned
from shared.aws import open_client
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, BusUnavailableError
from shared.bus.sns import SnsBus
from shared.clock import SystemClock
from shared.events.model import (
    EVENT,
    AlertRaised,
    AlertRaisedEvent,
    Changed,
    DeliveryChanged,
    DeliveryChangedEvent,
    Event,
    MediaRef,
    MediaSettled,
    MediaSettledEvent,
    MessageChanged,
    MessageRecorded,
    Recorded,
)
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message, Queue
from shared.queue.sqs import SqsQueue
from shared.topology import DESK_EVENTS, QUEUES, Naming
from tests import faultproxy
from tests.engines import unique_prefix
from tests.faultproxy import FaultProxy

READERS = ("media", "forwarder", "send", "search", "desk")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorded(n: int, direction: str = "in", *, media: bool = False, trace: str | None = None) -> Event:
    data = Recorded(
        conversation_id="c_1",
        message_id=f"i_{n}",
        order_key=f"{n:010}",
        rev=1,
        direction=direction,
        type="text",
        source="live",
        media=(MediaRef(n=0, mime="image/jpeg"),) if media else (),
    )
    return MessageRecorded(
        id=f"i_{n}:1",
        source="ingest",
        subject="c_1",
        time="2026-01-01T00:00:00.000Z",
        traceparent=trace,
        data=data,
    )


def stamped(kind: type, data: object, id_: str) -> Event:
    made: Event = kind(id=id_, source="t", subject="c_1", time="2026-01-01T00:00:00.000Z", data=data)
    return made


@dataclass
class Wired:
    """A bus and the queues behind it."""

    bus: Bus
    queues: dict[str, Queue]

    async def drained(self, name: str, count: int) -> list[Message]:
        """The first `count` messages, then one more look that none follows."""
        found: list[Message] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                found += await self._take(name, 1)
        return found + await self._take(name, 0)

    async def _take(self, name: str, wait_s: float) -> list[Message]:
        got = await self.queues[name].receive(10, wait_s, 60)
        if got:
            await self.queues[name].delete(got)
        return got


@pytest.fixture
def provisioned_on() -> Callable[[str], Provisioned]:
    """Queues of each test's own: what one leaves is not found by the next."""

    @cache
    def make(url: str) -> Provisioned:
        client, naming = provision.clients(url), Naming(unique_prefix())
        arns = provision.topics(client("sns"), naming)
        urls = provision.queues(client("sqs"), naming, arns)
        provision.subscriptions(client("sns"), client("sqs"), arns, urls)
        return Provisioned(naming, "0" * 12, arns, urls, "")

    return make


@pytest.fixture(params=["memory", "ministack"])
async def wired(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    provisioned_on: Callable[[str], Provisioned],
) -> AsyncIterator[Wired]:
    if request.param == "memory":
        fakes: dict[str, Queue] = {spec.name: MemoryQueue(spec.name, SystemClock()) for spec in QUEUES}
        yield Wired(MemoryBus(fakes), fakes)
        return
    url = request.getfixturevalue(request.param)
    made = provisioned_on(url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
    async with AsyncExitStack() as stack:
        session = AioSession()
        sqs = await open_client(stack, session, "sqs", "us-east-1")
        bus = SnsBus(await open_client(stack, session, "sns", "us-east-1"), made.topics[DESK_EVENTS])
        queues: dict[str, Queue] = {
            name: SqsQueue(sqs, name, made.queues[name], made.queues[f"{name}-dlq"]) for name in READERS
        }
        yield Wired(bus, queues)


async def test_each_queue_gets_what_its_filter_asks_for(wired: Wired) -> None:
    changed = Changed(
        conversation_id="c_1",
        message_id="i_5",
        order_key="5",
        rev=2,
        direction="out",
        type="text",
        source="live",
        changed=("status",),
    )
    delivery = DeliveryChanged(
        conversation_id="c_1",
        destination_id="whatsapp:1",
        message_id="o_6",
        part="1",
        state="queued",
        rev=1,
        direction="out",
    )
    slack = delivery.model_copy(update={"destination_id": "slack", "direction": None})
    settled = MediaSettled(
        owner="o_7", conversation_id="c_1", n=0, state="ready", rev=1, sha256="ab", direction="out"
    )
    alert = AlertRaised(name="a", severity="warn", runbook="r")
    await wired.bus.publish(
        [
            recorded(1),
            recorded(2, media=True),
            recorded(3, "out"),
            recorded(4, "out", media=True),
            stamped(MessageChanged, changed, "i_5:2"),
            stamped(DeliveryChangedEvent, delivery, "o_6:1"),
            stamped(DeliveryChangedEvent, slack, "i_8:1"),
            stamped(MediaSettledEvent, settled, "o_7:1"),
            stamped(AlertRaisedEvent, alert, "a:1"),
        ]
    )
    expected = {
        "media": ["i_2:1", "i_4:1"],
        "forwarder": ["i_1:1", "i_2:1", "i_3:1", "i_4:1", "i_5:2", "o_7:1"],
        "send": ["i_3:1", "i_4:1", "o_6:1", "o_7:1"],
        "search": ["i_1:1", "i_2:1", "i_3:1", "i_4:1", "i_5:2", "o_7:1"],
        "desk": ["a:1", "i_1:1", "i_2:1", "i_3:1", "i_4:1", "i_5:2", "i_8:1", "o_6:1", "o_7:1"],
    }
    for name in READERS:
        found = await wired.drained(name, len(expected[name]))
        assert sorted(orjson.loads(message.body)["id"] for message in found) == expected[name], name


async def test_an_event_arrives_as_it_was_with_its_attributes(wired: Wired) -> None:
    event = recorded(1, "out", media=True, trace=TRACE)
    await wired.bus.publish([event])
    [message] = await wired.drained("send", 1)
    assert EVENT.validate_json(message.body) == event
    assert message.attributes == {
        "type": "desk.message.recorded.v1",
        "direction": "out",
        "source": "live",
        "has_media": "true",
        "traceparent": TRACE,
    }
    [alert] = [await _alert_alone(wired)]
    assert alert.attributes == {"type": "desk.alert.raised.v1"}


async def _alert_alone(wired: Wired) -> Message:
    await wired.drained("desk", 1)
    data = AlertRaised(name="a", severity="warn", runbook="r")
    await wired.bus.publish([stamped(AlertRaisedEvent, data, "a:1")])
    [message] = await wired.drained("desk", 1)
    return message


@pytest.mark.parametrize("count", [0, 1, 10, 25])
async def test_any_number_of_events_goes_out(wired: Wired, count: int) -> None:
    await wired.bus.publish([recorded(n) for n in range(count)])
    found = await wired.drained("desk", count)
    assert sorted(orjson.loads(message.body)["id"] for message in found) == sorted(
        f"i_{n}:1" for n in range(count)
    )


@pytest.fixture
async def broken(
    ministack: str, monkeypatch: pytest.MonkeyPatch, provisioned_on: Callable[[str], Provisioned]
) -> AsyncIterator[tuple[FaultProxy, SnsBus]]:
    async with FaultProxy(ministack) as proxy, AsyncExitStack() as stack:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", proxy.url)
        client = await open_client(stack, AioSession(), "sns", "us-east-1")
        yield proxy, SnsBus(client, provisioned_on(ministack).topics[DESK_EVENTS])


def left_over(*ids: str, sender: str = "false") -> faultproxy.Fault:
    entry = "<member><Id>{}</Id><Code>{}</Code><SenderFault>{}</SenderFault></member>"
    code = "InvalidParameter" if sender == "true" else "InternalError"
    failed = "".join(entry.format(each, code, sender) for each in ids)
    result = f"<PublishBatchResult><Failed>{failed}</Failed><Successful/></PublishBatchResult>"
    return faultproxy.answer_xml(f"<PublishBatchResponse>{result}</PublishBatchResponse>")


async def test_what_a_batch_left_over_is_published_again(broken: tuple[FaultProxy, SnsBus]) -> None:
    proxy, bus = broken
    rule = proxy.fail("PublishBatch", left_over("1", "2"), times=2)
    await bus.publish([recorded(n) for n in range(3)])
    assert rule.hits == 2
    assert proxy.seen["PublishBatch"] == 3


async def test_what_stays_left_over_is_told(broken: tuple[FaultProxy, SnsBus]) -> None:
    proxy, bus = broken
    proxy.fail("PublishBatch", left_over("0"), times=None)
    with pytest.raises(BusUnavailableError):
        await bus.publish([recorded(0)])


async def test_a_refused_event_is_not_tried_again(broken: tuple[FaultProxy, SnsBus]) -> None:
    proxy, bus = broken
    proxy.fail("PublishBatch", left_over("0", sender="true"), times=None)
    with pytest.raises(ValueError, match="InvalidParameter"):
        await bus.publish([recorded(0)])
    assert proxy.seen["PublishBatch"] == 1


async def test_no_answer_is_unavailable(broken: tuple[FaultProxy, SnsBus]) -> None:
    proxy, bus = broken
    proxy.fail("PublishBatch", faultproxy.drop_before(), times=None)
    with pytest.raises(BusUnavailableError):
        await bus.publish([recorded(0)])


async def test_a_probe_says_whether_the_topic_answers(wired: Wired) -> None:
    await wired.bus.probe()
    assert await wired.drained("desk", 0) == []


async def test_a_probe_without_answer_is_unavailable(broken: tuple[FaultProxy, SnsBus]) -> None:
    proxy, bus = broken
    rule = proxy.fail("GetTopicAttributes", faultproxy.fail_with(503), times=None)
    with pytest.raises(BusUnavailableError):
        await bus.probe()
    assert rule.hits > 0
