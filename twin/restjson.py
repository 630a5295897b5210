"""AWS's rest-json protocol as a server speaks it: signed requests in, errors as botocore expects them.

Sources: smithy.io AWS restJson1 (an error's name travels in x-amzn-ErrorType), botocore's model of
socialmessaging (statuses), docs.aws.amazon.com, Signature Version 4 (the form of the Authorization header).
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

STATUS = {
    "ValidationException": 400,
    "InvalidParametersException": 400,
    "AccessDeniedException": 403,
    "AccessDeniedByMetaException": 403,
    "ResourceNotFoundException": 404,
    "ThrottledRequestException": 429,
    "InternalServiceException": 500,
    "DependencyException": 502,
    "UnknownOperationException": 404,
}
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=\S+/\d{8}/[^/]+/social-messaging/aws4_request, ?SignedHeaders=\S+, ?Signature=[0-9a-f]{64}"
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AwsError(Exception):
    """An exception of the service model."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def error(name: str, message: str) -> web.Response:
    """An error in rest-json form: the name in a header, the message in the body."""
    return web.json_response({"message": message}, status=STATUS[name], headers={"x-amzn-ErrorType": name})


def guarded(handler: Handler) -> Handler:
    """Refuse unsigned requests; turn AwsError into its answer."""

    async def inner(request: web.Request) -> web.StreamResponse:
        if not _SIGNED.fullmatch(request.headers.get("Authorization", "")):
            return error("AccessDeniedException", "Authorization: sign with SigV4 for social-messaging")
        try:
            return await handler(request)
        except AwsError as wrong:
            return error(wrong.name, wrong.message)

    return inner


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. Raises AwsError."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise AwsError("ValidationException", "body: must be a JSON object")
    return body


def text_of(body: Any, name: str, pattern: re.Pattern[str]) -> str:
    """A required string member of the model's form. Raises AwsError."""
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise AwsError("ValidationException", f"{name}: required, must match the service model")
    return value


def members_of(body: Any, name: str, kinds: Mapping[str, type]) -> dict[str, Any] | None:
    """An optional structure with all these members, or None. Raises AwsError."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(k), kind) for k, kind in kinds.items()):
        raise AwsError("ValidationException", f"{name}: needs {', '.join(kinds)}")
    return value


def dropped(request: web.Request) -> web.StreamResponse:
    """End the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
