"""A service as a real process on a real SQS: starts, works, answers its ops port, drains on SIGTERM."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from aiobotocore.session import get_session

from shared.queue.sqs import SqsQueue, open_client, open_queue
from shared.topology import Naming

BOUND_S = 30.0


class Service:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def until(self, event: str) -> dict[str, Any]:
        """The next line that says `event`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(BOUND_S):
            while raw := await self.process.stdout.readline():
                self.lines.append(json.loads(raw))
                if self.lines[-1]["event"] == event:
                    return self.lines[-1]
        raise AssertionError(f"no line {event!r} among {[line['event'] for line in self.lines]}")

    async def ended(self) -> int:
        async with asyncio.timeout(BOUND_S):
            return await self.process.wait()


class Place:
    def __init__(self, queue: SqsQueue, environment: dict[str, str]) -> None:
        self.queue = queue
        self.environment = environment
        self.processes: list[Process] = []

    async def start(self, *argv: str) -> Service:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.contract.queue_service_main",
            *argv,
            env={**os.environ, **self.environment},
            stdout=PIPE,
            stderr=DEVNULL,
        )
        self.processes.append(process)
        return Service(process)


@pytest.fixture
async def place(ministack: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", ministack)
    async with AsyncExitStack() as stack:
        client = await open_client(stack, get_session(), "us-east-1")
        for name in ("ingest", "ingest-dlq"):
            await client.create_queue(QueueName=f"{prefix}{name}")
        found = Place(await open_queue(client, "ingest", Naming(prefix)), {"CDMX_PREFIX": prefix})
        yield found
        for process in found.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_works_tells_and_drains(place: Place) -> None:
    service = await place.start()
    url = (await service.until("ops port open"))["url"]
    await service.until("started")
    await place.queue.send("hello", {})
    await place.queue.send("slow", {})
    await service.until("handled")
    await service.until("handled")
    async with httpx.AsyncClient(base_url=url) as client:
        health = (await client.get("/healthz")).json()
        ready = (await client.get("/readyz")).status_code
        metrics = (await client.get("/metrics")).text
    assert health == {"ok": True, "checks": {"worker ingest": True}}
    assert ready == 200
    assert 'cdmx_queue_messages_received_total{queue="ingest"} 2.0' in metrics
    assert "process_resident_memory_bytes" in metrics
    service.process.send_signal(signal.SIGTERM)
    assert (await service.until("stopped"))["sound"] is True
    assert await service.ended() == 0
    assert await place.queue.depth() == (0, 0)


async def test_stop_and_page_ends_the_process_and_keeps_the_message(place: Place) -> None:
    service = await place.start()
    await place.queue.send("stop", {})
    died = await service.until("task died")
    assert (died["task"], died["detail"]) == ("worker ingest", "foreign_account")
    assert await service.ended() == 1
    assert sum(await place.queue.depth()) == 1


async def test_the_death_of_one_task_stops_all(place: Place) -> None:
    service = await place.start("dying")
    died = await service.until("task died")
    assert (died["task"], died["error"]) == ("dies", ["LookupError"])
    assert (await service.until("stopped"))["sound"] is False
    assert await service.ended() == 1
    assert "5215512345678" not in json.dumps(service.lines)


async def test_bad_settings_end_it_before_it_starts(place: Place) -> None:
    place.environment["CDMX_OPS_PORT"] = "eighty"
    assert await (await place.start()).ended() == 2


async def test_a_missing_queue_ends_the_start(place: Place) -> None:
    place.environment["CDMX_PREFIX"] = "nowhere-"
    service = await place.start()
    failed = await service.until("start failed")
    assert failed["detail"] == "queue: QueueDoesNotExist"
    assert await service.ended() == 1
