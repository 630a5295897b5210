"""Raw AWS clients of the twin: it publishes to SNS and SQS and writes to S3 like the services it stands for."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session


@dataclass(frozen=True, slots=True)
class Clients:
    """aiobotocore clients; endpoints come from AWS_ENDPOINT_URL_* where set."""

    sns: Any
    sqs: Any
    s3: Any


async def open_clients(stack: AsyncExitStack, region: str) -> Clients:
    """The clients, closed with the stack."""
    session = get_session()
    local = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
    s3 = {"addressing_style": "path"} if local else {}

    async def client(name: str) -> Any:
        config = AioConfig(s3=s3, retries={"total_max_attempts": 3, "mode": "standard"})
        return await stack.enter_async_context(session.create_client(name, region_name=region, config=config))  # type: ignore[call-overload] # a name the stubs do not narrow

    return Clients(await client("sns"), await client("sqs"), await client("s3"))
