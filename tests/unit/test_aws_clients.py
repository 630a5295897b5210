"""What every AWS client sends and keeps, read off a request that never leaves."""

import ssl
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiobotocore.session import get_session

from shared import aws
from shared.aws_tls import OneTls


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


async def test_all_clients_of_a_process_share_one_tls_context() -> None:
    async with AsyncExitStack() as stack:
        made = get_session()
        clients = [await aws.open_client(stack, made, name, "us-east-1") for name in ("dynamodb", "sns")]
        contexts = [(await each._endpoint.http_session._get_session(None)).connector._ssl for each in clients]
    assert contexts[0] is contexts[1]
    assert contexts[0].check_hostname
    assert contexts[0].verify_mode is ssl.CERT_REQUIRED


def test_a_proxy_or_a_certificate_of_our_own_gets_its_own_context() -> None:
    usual = OneTls(verify=True)._build_verify_context()
    apart = OneTls(verify=True, proxies={"https": "http://127.0.0.1:9"})._build_verify_context()
    assert OneTls(verify=True)._build_verify_context() is usual
    assert apart is not usual


@pytest.mark.parametrize(("size", "waits"), [(2, False), (1 << 20, True)])
async def test_only_a_large_object_waits_for_a_hundred_continue(
    monkeypatch: pytest.MonkeyPatch, *, size: int, waits: bool
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    sent: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        sent.append(request)
        raise _StoppedError

    async with AsyncExitStack() as stack:
        client = await aws.open_client(stack, get_session(), "s3", "us-east-1")
        client.meta.events.register("before-send", stop)
        with pytest.raises(_StoppedError):
            await client.put_object(Bucket="raw", Key="a", Body=bytes(size))
    (request,) = sent
    assert ("Expect" in request.headers) is waits
    assert request.headers["x-amz-checksum-crc32"]  # S3 checks what it stores all the same
