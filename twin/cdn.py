"""The CDN: hands out objects under `served/` to whoever holds a valid signed URL, and nothing else.

Like a CloudFront distribution with a trusted key group, an S3 origin that only it may read, and a response
headers policy. A path prefix `/cdn` is accepted, so that one port serves all faces.
"""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

from twin.core.model import SECOND
from twin.signing import DeniedError, check

_KEY = re.compile(r"served/[0-9a-f]{2}/[0-9a-f]{64}/(?:original|r/[A-Za-z0-9._-]{1,80})")
_INLINE = re.compile(r"(?:image/(?:jpeg|png|webp|gif)|audio/[\w.+-]+|video/[\w.+-]+)(?:;.*)?")
_CHUNK = 1 << 16
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, max-age=300",
    "Accept-Ranges": "bytes",
}


def denied(code: str, status: int = 403) -> web.Response:
    """CloudFront's error in S3's XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return web.Response(status=status, text=body, content_type="application/xml", headers=SAFE)


class Cdn:
    """One distribution.

    Args:
        keys: public keys by key pair id. now: ns since the epoch.
    """

    def __init__(
        self, s3: Any, bucket: str, keys: dict[str, rsa.RSAPublicKey], now: Callable[[], int]
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """GET (and with it HEAD) of objects."""
        return [web.get("/{key:served/.*}", self.get), web.get("/cdn/{key:.*}", self.get)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """One object, or a range of it."""
        try:
            check(str(request.url), request.query, self._keys, self._now() / SECOND, request.remote or "")
        except DeniedError as no:
            return denied(str(no))
        key = request.match_info["key"]
        if not _KEY.fullmatch(key):
            return denied("AccessDenied")
        return await self._serve(request, key)

    async def _serve(self, request: web.Request, key: str) -> web.StreamResponse:
        wanted = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
        try:
            found = await self._s3.get_object(Bucket=self._bucket, Key=key, **wanted)
        except ClientError as wrong:
            return _origin_error(wrong)
        except BotoCoreError:
            return denied("ServiceUnavailable", 503)
        async with found["Body"] as body:
            return await _stream(request, found, body)


def _origin_error(wrong: ClientError) -> web.Response:
    code = wrong.response["Error"]["Code"]
    if code in {"InvalidRange", "416", "RequestedRangeNotSatisfiable"}:
        return denied("InvalidRange", 416)
    return denied("AccessDenied")  # an origin without s3:ListBucket says 403 for what is not there


async def _stream(request: web.Request, found: dict[str, Any], body: Any) -> web.StreamResponse:
    kind = str(found.get("ContentType") or "application/octet-stream")
    partial = found.get("ContentRange")
    headers = SAFE | {"Content-Type": kind, "ETag": found["ETag"], "Content-Disposition": disposition(kind)}
    headers |= {"Content-Range": partial} if partial else {}
    response = web.StreamResponse(status=206 if partial else 200, headers=headers)
    response.content_length = found["ContentLength"]
    await response.prepare(request)
    if request.method != "HEAD":
        while chunk := await body.read(_CHUNK):
            await response.write(chunk)
    await response.write_eof()
    return response


def disposition(kind: str) -> str:
    """Pictures, sound and film may show; everything else only downloads, under no name of a stranger's."""
    return "inline" if _INLINE.fullmatch(kind) else 'attachment; filename="archivo"'
