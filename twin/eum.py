"""EUM Social's API as botocore's `socialmessaging` client speaks it (rest-json, signing name social-messaging).

Shapes, limits and exceptions: botocore's service model of 2024-01-01. What one configured account does not
have (templates, flows, calls) answers UnknownOperationException.
"""

import asyncio
import base64
import io
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from twin.core.model import Account, File, Media
from twin.core.world import BadSayError, MediaGoneError
from twin.driver import Driver
from twin.sns import DESTINATIONS

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
_TOPIC = re.compile(r"arn:[^:]+:sns:[^:]*:\d{12}:[A-Za-z0-9_-]{1,256}")
_PHONE = re.compile(r"phone-number-id-.*|arn:.*:phone-number-id/[0-9a-zA-Z]+")
_MEDIA_ID = re.compile(r"[A-Za-z0-9]{1,100}")
_LINKED_AT = 1_700_000_000
ENDINGS = {
    "image/jpeg": ".jpeg",
    "image/png": ".png",
    "image/webp": ".webp",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
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


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not _SIGNED.fullmatch(request.headers.get("Authorization", "")):
            return error("AccessDeniedException", "Authorization: sign with SigV4 for social-messaging")
        try:
            return await handler(request)
        except AwsError as wrong:
            return error(wrong.name, wrong.message)

    return guarded


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise AwsError("ValidationException", "body: must be a JSON object")
    return body


def _text(body: Any, name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise AwsError("ValidationException", f"{name}: required, must match the service model")
    return value


class Eum:
    """The operations; `s3` writes where a caller asks for a file."""

    def __init__(self, driver: Driver, s3: Any) -> None:
        self._driver = driver
        self._s3 = s3

    @property
    def _account(self) -> Account:
        return self._driver.world.account

    def routes(self) -> list[web.RouteDef]:
        """All paths of the service that this twin serves."""
        base = "/v1/whatsapp"
        listed = (
            ("POST", f"{base}/send", self.send),
            ("POST", f"{base}/media/get", self.get_media),
            ("POST", f"{base}/media", self.post_media),
            ("DELETE", f"{base}/media", self.delete_media),
            ("GET", f"{base}/waba/details", self.account),
            ("GET", f"{base}/waba/list", self.accounts),
            ("GET", f"{base}/waba/phone/details", self.phone),
            ("PUT", f"{base}/waba/eventdestinations", self.destinations),
            ("GET", "/v1/tags/list", self.tags),
            ("*", "/v1/{rest:.*}", self.unknown),
        )
        return [web.route(method, path, _guarded(handler)) for method, path, handler in listed]

    async def unknown(self, _: web.Request) -> web.StreamResponse:
        """An operation that this twin does not serve."""
        raise AwsError("UnknownOperationException", "the twin does not serve this operation")

    async def send(self, request: web.Request) -> web.StreamResponse:
        """SendWhatsAppMessage: the row of the answer is committed after the answer has gone."""
        body = await _body(request)
        phone, version = _text(body, "originationPhoneNumberId", _PHONE), body.get("metaApiVersion")
        if not isinstance(version, str):
            raise AwsError("ValidationException", "metaApiVersion: required")
        driver = self._driver
        step = driver.act(driver.world.send(phone, _blob(body), driver.now(), version))
        answer = step.answer
        await asyncio.sleep(answer.hold_ms / 1000)
        if answer.drop:
            driver.history.commit([driver.world.answered(step, driver.now())])
            return _dropped(request)
        good = web.json_response({"messageId": answer.message_id})
        response = error(answer.error, answer.detail) if answer.error else good
        await response.prepare(request)
        await response.write_eof()
        driver.history.commit([driver.world.answered(step, driver.now())])
        return response

    async def get_media(self, request: web.Request) -> web.StreamResponse:
        """GetWhatsAppMessageMedia: never the bytes, only their copy into the caller's bucket."""
        body = await _body(request)
        self._own(_text(body, "originationPhoneNumberId", _PHONE))
        await self._media_faults()
        media = self._media(_text(body, "mediaId", _MEDIA_ID))
        file, url = body.get("destinationS3File"), body.get("destinationS3PresignedUrl")
        wanted = sum(1 for one in (file, url, body.get("metadataOnly") or None) if one is not None)
        if wanted != 1:
            raise AwsError("InvalidParametersException", "give exactly one destination, or metadataOnly")
        if file is not None:
            await self._put(file["bucketName"], object_key(file["key"], media), media.file)
        if url is not None:
            await _put_presigned(url["url"], url["headers"], media.file)
        return web.json_response({"mimeType": media.file.mime, "fileSize": len(media.file.data)})

    async def post_media(self, request: web.Request) -> web.StreamResponse:
        """PostWhatsAppMessageMedia: an upload from the caller's bucket."""
        body = await _body(request)
        self._own(_text(body, "originationPhoneNumberId", _PHONE))
        source, url = body.get("sourceS3File"), body.get("sourceS3PresignedUrl")
        if not isinstance(source or url, dict) or (source and url):
            raise AwsError("InvalidParametersException", "give exactly one source")
        file = (
            await self._read(source["bucketName"], source["key"])
            if source
            else await _get_presigned(url or {})
        )
        driver = self._driver
        try:
            step = driver.act(driver.world.upload(file, driver.now()))
        except BadSayError as wrong:
            raise AwsError("InvalidParametersException", str(wrong)) from None
        return web.json_response({"mediaId": step.media[0].id})

    async def delete_media(self, request: web.Request) -> web.StreamResponse:
        """DeleteWhatsAppMessageMedia."""
        self._own(_text(request.query, "originationPhoneNumberId", _PHONE))
        media = self._media(_text(request.query, "mediaId", _MEDIA_ID))
        self._driver.world.delete_media(media.id, self._driver.now())
        self._driver.history.forget_media(media.id)
        return web.json_response({"success": True})

    async def accounts(self, _: web.Request) -> web.StreamResponse:
        """ListLinkedWhatsAppBusinessAccounts: the one account."""
        return web.json_response({"linkedAccounts": [self._summary()]})

    async def account(self, request: web.Request) -> web.StreamResponse:
        """GetLinkedWhatsAppBusinessAccount."""
        self._own_waba(request.query.get("id", ""))
        return web.json_response({"account": self._summary() | {"phoneNumbers": [self._number()]}})

    async def phone(self, request: web.Request) -> web.StreamResponse:
        """GetLinkedWhatsAppBusinessAccountPhoneNumber."""
        self._own(request.query.get("id", ""))
        linked = {"phoneNumber": self._number(), "linkedWhatsAppBusinessAccountId": self._account.eum_waba_id}
        return web.json_response(linked)

    async def destinations(self, request: web.Request) -> web.StreamResponse:
        """PutWhatsAppBusinessAccountEventDestinations: none, or one standard SNS topic."""
        body = await _body(request)
        self._own_waba(str(body.get("id", "")))
        wanted = body.get("eventDestinations")
        if not isinstance(wanted, list) or len(wanted) > 1:
            raise AwsError("ValidationException", "eventDestinations: at most one")
        if wanted and not _TOPIC.fullmatch(str(wanted[0].get("eventDestinationArn"))):
            raise AwsError(
                "InvalidParametersException", "eventDestinationArn: a standard SNS topic (no FIFO)"
            )
        self._driver.history.put_setting(DESTINATIONS, wanted)
        return web.json_response({})

    async def tags(self, _: web.Request) -> web.StreamResponse:
        """ListTagsForResource: there are none."""
        return web.json_response({"statusCode": 200, "tags": []})

    def _own(self, phone: str) -> None:
        if not self._account.is_phone(phone):
            raise AwsError("ResourceNotFoundException", "the number is not linked to this account")

    def _own_waba(self, waba: str) -> None:
        if not self._account.is_waba(waba):
            raise AwsError("ResourceNotFoundException", "the account is not linked")

    def _media(self, media_id: str) -> Media:
        try:
            return self._driver.world.media(media_id, self._driver.now())
        except MediaGoneError:
            raise AwsError("ResourceNotFoundException", "mediaId: unknown or expired") from None

    async def _media_faults(self) -> None:
        faults = self._driver.world.state.faults
        await asyncio.sleep((faults.draw("media_slow") or 0) / 1000)
        if faults.draw("media_error") is not None:
            raise AwsError("InternalServiceException", "media_error")
        if faults.draw("media_denied") is not None:
            raise AwsError("AccessDeniedByMetaException", "media_denied")

    def _summary(self) -> dict[str, Any]:
        account = self._account
        return {
            "arn": account.waba_arn,
            "id": account.eum_waba_id,
            "wabaId": account.waba_id,
            "registrationStatus": "COMPLETE",
            "linkDate": _LINKED_AT,
            "wabaName": account.name,
            "eventDestinations": self._driver.history.setting(DESTINATIONS, []),
        }

    def _number(self) -> dict[str, str]:
        account = self._account
        return {
            "arn": account.phone_arn,
            "phoneNumber": f"+{account.display}",
            "phoneNumberId": account.eum_phone_id,
            "metaPhoneNumberId": account.pnid,
            "displayPhoneNumberName": account.name,
            "displayPhoneNumber": f"+{account.display}",
            "qualityRating": "GREEN",
        }

    async def _put(self, bucket: str, key: str, file: File) -> None:
        try:
            await self._s3.put_object(
                Bucket=bucket, Key=key, Body=io.BytesIO(file.data), ContentType=file.mime
            )
        except ClientError as wrong:
            raise AwsError(
                "AccessDeniedException", f"s3:PutObject: {wrong.response['Error']['Code']}"
            ) from wrong
        except BotoCoreError as wrong:
            raise AwsError("DependencyException", type(wrong).__name__) from wrong

    async def _read(self, bucket: str, key: str) -> File:
        try:
            found = await self._s3.get_object(Bucket=bucket, Key=key)
            async with found["Body"] as stream:
                return File(await stream.read(), found.get("ContentType", ""), key.rpartition("/")[2])
        except ClientError as wrong:
            raise AwsError(
                "AccessDeniedException", f"s3:GetObject: {wrong.response['Error']['Code']}"
            ) from wrong
        except BotoCoreError as wrong:
            raise AwsError("DependencyException", type(wrong).__name__) from wrong


def object_key(prefix: str, media: Media) -> str:
    """Where EUM Social writes: the given key is a prefix, the media id and an ending follow it."""
    mime = media.file.mime.partition(";")[0].strip().lower()
    return f"{prefix}{media.id}{ENDINGS.get(mime, '.bin')}"


def _blob(body: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(body.get("message", ""), validate=True)
    except (ValueError, TypeError):
        raise AwsError("ValidationException", "message: must be base64") from None


def _dropped(request: web.Request) -> web.StreamResponse:
    """End the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _put_presigned(url: str, headers: dict[str, str], file: File) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.put(url, headers=headers, data=file.data) as answer,
    ):
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's errors
            raise AwsError("AccessDeniedException", f"the presigned URL answered {answer.status}")


async def _get_presigned(source: dict[str, Any]) -> File:
    kind = {name.lower(): value for name, value in source["headers"].items()}.get("content-type")
    if not kind:
        raise AwsError("InvalidParametersException", "headers: Content-Type is required")
    async with aiohttp.ClientSession() as session, session.get(source["url"]) as answer:
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's errors
            raise AwsError("AccessDeniedException", f"the presigned URL answered {answer.status}")
        return File(await answer.read(), kind)
