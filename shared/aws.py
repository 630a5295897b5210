"""What every AWS adapter shares: how clients are made and what a failed call means."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from io import BytesIO
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions, handlers
from botocore.exceptions import BotoCoreError, ClientError

from shared.aws_tls import OneTls

# AWS general reference, "Error retries": throttling codes botocore's standard mode knows (botocore/retries/standard.py)
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "KMSThrottlingException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
NO_ANSWER = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
)
CONNECT_S = 2.0
READ_S = 5.0
_SERVER_FAULT = 500
_USER_AGENT = "whatsapp-cdmx"
_LARGE = 1 << 20  # aiohttp.payload.TOO_LARGE_BYTES_BODY: from here on bytes in one piece hold up the loop


def code(error: ClientError) -> str:
    """The service's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def throttled(error: ClientError) -> bool:
    """Whether the service refused for its load, with no effect."""
    return code(error) in THROTTLED


def unavailable(error: BotoCoreError | ClientError) -> bool:
    """Whether there was no answer or a server fault: the effect is unknown."""
    if isinstance(error, ClientError):
        metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
        return int(metadata.get("HTTPStatusCode", 0)) >= _SERVER_FAULT
    return isinstance(error, NO_ANSWER)


def config(*, attempts: int, pool: int = 50, **more: Any) -> AioConfig:
    """Client configuration: `attempts` in all for each call, made by the SDK."""
    return AioConfig(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        max_pool_connections=pool,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,  # rendered by tested code; saves CPU on each call
        http_session_cls=OneTls,
        user_agent=_USER_AGENT,  # a fixed one: botocore composes its own twice a call, a tenth of a call's CPU
        **more,
    )


# Calls whose repetition the adapter must see: the SDK would take its own lost answer for another's write.
_ATTEMPTS = {"dynamodb": 1, "socialmessaging": 1}
_USUAL_ATTEMPTS = 3  # AWS SDK reference guide, "Retry behavior": the standard mode's default


async def open_client(
    stack: AsyncExitStack, session: AioSession, service: str, region: str, read_s: float = READ_S
) -> Any:
    """A client that lives until the stack closes; AWS_ENDPOINT_URL_* and credentials come as usual.

    Args:
        stack: closes it.
        session: of `shared.aws_models.session`.
        service: botocore's name of it.
        region: to talk to.
        read_s: seconds without a byte of the answer after which the call failed.
    """
    create: Any = session.create_client  # typed by literal service names only
    attempts = config(attempts=_ATTEMPTS.get(service, _USUAL_ATTEMPTS))
    settings = attempts.merge(AioConfig(read_timeout=read_s))
    client = await stack.enter_async_context(create(service, region_name=region, config=settings))
    if service == "s3":
        before = "before-parameter-build.s3.PutObject"
        client.meta.events.unregister(before, handlers.convert_body_to_file_like_object)
        client.meta.events.register(before, _filed)
    return client


def _filed(params: dict[str, Any], **_: Any) -> None:
    """Make a file of a large object's bytes, as botocore does of any.

    To a file it adds "Expect: 100-continue" and waits for the server's word before it sends the body: for an
    envelope of a kilobyte a second round trip.
    """
    body = params.get("Body")
    if isinstance(body, bytes) and len(body) >= _LARGE:
        params["Body"] = BytesIO(body)
