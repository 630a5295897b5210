"""What every AWS client sends and keeps, read off a request that never leaves."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiobotocore.session import get_session

from shared import aws


class _StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize("service", ["dynamodb", "sns"])
async def test_the_user_agent_is_fixed(service: str) -> None:
    sent: list[str] = []

    def stop(request: Any, **_: Any) -> None:
        agent = request.headers["User-Agent"]
        sent.append(agent.decode() if isinstance(agent, bytes) else agent)
        raise _StoppedError

    async with AsyncExitStack() as stack:
        create: Any = get_session().create_client
        client = await stack.enter_async_context(
            create(service, region_name="us-east-1", config=aws.config(attempts=1))
        )
        client.meta.events.register("before-send", stop)
        call = client.list_tables if service == "dynamodb" else client.list_topics
        with pytest.raises(_StoppedError):
            await call()
    (agent,) = sent
    assert agent.split()[0] == "whatsapp-cdmx"
    assert "ua/2" not in agent  # the mark of the string that botocore composes for each call
