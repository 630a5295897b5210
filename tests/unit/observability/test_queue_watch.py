"""A worker watched in earnest: its metrics, lines and spans."""

import io
import json
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from shared.errors import Poison
from shared.observability import logging
from shared.observability.metrics import Metrics
from shared.observability.queue_watch import QueueWatch
from shared.observability.trace import Tracing
from shared.queue.memory import MemoryQueue
from shared.queue.port import Message
from shared.queue.worker import Worker
from sim.clock import VirtualClock
from tests.unit.queue.worlds import World, ids, options, virtually

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def test_a_worker_under_watch() -> None:
    async def world() -> None:
        clock = VirtualClock()
        out = io.StringIO()
        log = logging.build("ingest", "debug", clock, out=out)
        spans: list[Mapping[str, Any]] = []
        metrics = Metrics(CollectorRegistry())
        queue = MemoryQueue("ingest", clock)

        async def handler(message: Message) -> None:
            log.info("handled")
            if message.body == "bad":
                raise Poison("not_json", "body: expected an object")

        watch = QueueWatch("ingest", metrics, log, Tracing("ingest", ids(), clock, spans.append), clock)
        worker = Worker(queue, handler, options(), ids(), service="ingest", watch=watch)
        queue.put("good", {"traceparent": PARENT, "first_seen": str(clock.now_ms() - 90_000)})
        queue.put("bad", {})
        await World(handler, queue=queue).run_for(5, worker)

        def value(name: str, **labels: str) -> float | None:
            return metrics.registry.get_sample_value(f"cdmx_{name}", {"queue": "ingest", **labels})

        assert value("queue_messages_received_total") == 2
        assert value("queue_messages_handled_total", outcome="ok") == 1
        assert value("queue_messages_handled_total", outcome="poison") == 1
        assert value("queue_dlq_total", reason="not_json") == 1
        assert value("queue_in_flight") == 0
        assert value("queue_message_age_seconds_sum") == 90
        assert value("queue_oldest_seconds") == 0
        assert value("queue_handle_seconds_count") == 2
        good, bad = sorted(spans, key=lambda span: str(span["failed"]))
        assert (good["trace_id"], good["parent_id"], good["failed"]) == ("a" * 32, "b" * 16, None)
        assert (bad["parent_id"], bad["failed"]) == (None, "Poison")
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        assert {line["delivery"] for line in lines if line["event"] == "handled"} == {"ingest-1", "ingest-2"}
        (parked,) = (line for line in lines if line["event"] == "message poison")
        assert (parked["level"], parked["reason"]) == ("error", "not_json")

    virtually(world())
