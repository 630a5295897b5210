"""The desk's own writes on a real emulator: one counter under many writers, and secrets that stay where they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiobotocore.session import get_session

from local.provision import Provisioned, clients
from services.desk.adapters.secrets import AwsSecretWriter
from services.desk.audit import AuditLog, first_broken
from services.desk.log import DeskLog
from services.desk.rules import SecretsUnavailableError
from shared.aws import open_client
from shared.clock import SystemClock
from shared.events.model import AlertRaised, AlertRaisedEvent
from shared.ids import Ids
from shared.store.dynamo import DynamoStore
from shared.store.port import ContendedError

pytestmark = pytest.mark.engines


def event(number: int) -> AlertRaisedEvent:
    return AlertRaisedEvent(
        id=f"e{number}:1",
        source="t",
        subject="a",
        time="2027-01-15T08:00:00.000Z",
        data=AlertRaised(name="n", severity="warn", runbook="r"),
    )


@pytest.fixture
async def opened(monkeypatch: pytest.MonkeyPatch, ministack: str) -> AsyncIterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    async with AsyncExitStack() as stack:

        async def open_one(service: str) -> Any:
            return await open_client(stack, get_session(), service, "us-east-1")

        yield open_one


async def test_many_writers_number_every_event_once(opened: Any, provisioned: Provisioned) -> None:
    store, clock = DynamoStore(await opened("dynamodb"), provisioned.naming), SystemClock()
    logs = [DeskLog(store, clock, Ids(clock)) for _ in range(4)]
    # Each event is appended by all writers, in batches cut differently.
    plans = [[range(40)[start : start + size] for start in range(0, 40, size)] for size in (3, 5, 7, 10)]

    async def write(log: DeskLog, batches: Any) -> None:
        for batch in batches:
            while True:
                try:
                    await log.append([event(n) for n in batch])
                    break
                except ContendedError:
                    continue

    await asyncio.gather(*(write(log, plan) for log, plan in zip(logs, plans, strict=True)))
    entries = [*await logs[0].read(0, 100)]
    assert [entry.seq for entry in entries] == list(range(1, 41))
    assert len({entry.event.id for entry in entries}) == 40
    assert await logs[1].head() == 40
    assert await logs[1].reaches(0)


async def test_the_audit_chain_holds_under_concurrency(opened: Any, provisioned: Provisioned) -> None:
    store, clock = DynamoStore(await opened("dynamodb"), provisioned.naming), SystemClock()
    logs = [AuditLog(store, clock, Ids(clock)) for _ in range(3)]
    await asyncio.gather(*(logs[n % 3].record(f"a{n}", "raw.viewed", "i_1") for n in range(9)))
    entries = (await store.query("audit_log", "log")).items
    assert len(entries) == 9
    assert first_broken(entries) is None


async def test_a_secret_is_written_once_and_read_by_name(
    opened: Any, provisioned: Provisioned, ministack: str
) -> None:
    writer, name = (
        AwsSecretWriter(await opened("secretsmanager")),
        f"{provisioned.naming.prefix}destination/cms/1-1",
    )
    await writer.write(name, "whsec_one")
    await writer.write(name, "whsec_one")
    found = clients(ministack)("secretsmanager").get_secret_value(SecretId=name)
    assert found["SecretString"] == "whsec_one"


async def test_a_secret_store_that_is_away_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    async with AsyncExitStack() as stack:
        client = await open_client(stack, get_session(), "secretsmanager", "us-east-1")
        with pytest.raises(SecretsUnavailableError):
            await AwsSecretWriter(client).write("x", "y")
