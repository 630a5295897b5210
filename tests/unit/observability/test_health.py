"""The ops port over real HTTP on loopback."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from shared.observability.health import Health, OpsServer
from shared.observability.metrics import Metrics


class Ops:
    def __init__(self) -> None:
        self.up = {"worker": True, "started": True}
        self.metrics = Metrics(CollectorRegistry())
        self.health = Health({"worker": lambda: self.up["worker"]}, {"started": lambda: self.up["started"]})
        self.server = OpsServer("127.0.0.1", 0, self.health, self.metrics.registry)


@pytest.fixture
async def ops() -> AsyncIterator[tuple[Ops, httpx.AsyncClient]]:
    found = Ops()
    base = await found.server.start()
    async with httpx.AsyncClient(base_url=base) as client:
        yield found, client
    await found.server.stop()


async def test_health_names_what_is_wrong(ops: tuple[Ops, httpx.AsyncClient]) -> None:
    found, client = ops
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "checks": {"worker": True}})
    found.up["worker"] = False
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "checks": {"worker": False}})


async def test_readiness_is_a_question_of_its_own(ops: tuple[Ops, httpx.AsyncClient]) -> None:
    found, client = ops
    found.up["worker"] = False
    assert (await client.get("/readyz")).status_code == 200
    found.up["started"] = False
    assert (await client.get("/readyz")).status_code == 503


async def test_metrics_are_those_of_the_injected_registry(ops: tuple[Ops, httpx.AsyncClient]) -> None:
    found, client = ops
    found.metrics.late_messages_total.inc(3)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "cdmx_late_messages_total 3.0" in answer.text


async def test_a_taken_port_is_an_os_error(ops: tuple[Ops, httpx.AsyncClient]) -> None:
    found, client = ops
    taken = OpsServer("127.0.0.1", client.base_url.port or 0, found.health, found.metrics.registry)
    with pytest.raises(OSError, match="address"):
        await taken.start()
    await taken.stop()
