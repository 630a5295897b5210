"""EUM Social's API as botocore's `socialmessaging` client speaks it (rest-json, signing name social-messaging).

Shapes, limits and exceptions: botocore's service model of 2024-01-01. What one configured account does not
have (templates, flows, calls) answers UnknownOperationException.
"""

import asyncio
import base64
import re
from typing import Any

from aiohttp import web

from twin import store
from twin.core.model import Account, File, Media
from twin.core.world import BadSayError, MediaGoneError
from twin.driver import Driver
from twin.restjson import AwsError, body_of, dropped, error, guarded, members_of, text_of
from twin.sns import DESTINATIONS

_TOPIC = re.compile(r"arn:[^:]+:sns:[^:]*:\d{12}:[A-Za-z0-9_-]{1,256}")
_PHONE = re.compile(r"phone-number-id-.*|arn:.*:phone-number-id/[0-9a-zA-Z]+")
_MEDIA_ID = re.compile(r"[A-Za-z0-9]{1,100}")
_LINKED_AT = 1_700_000_000
_S3_FILE = {"bucketName": str, "key": str}
_PRESIGNED = {"url": str, "headers": dict}


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
        return [web.route(method, path, guarded(handler)) for method, path, handler in listed]

    async def unknown(self, _: web.Request) -> web.StreamResponse:
        """An operation that this twin does not serve."""
        raise AwsError("UnknownOperationException", "the twin does not serve this operation")

    async def send(self, request: web.Request) -> web.StreamResponse:
        """SendWhatsAppMessage: the row of the answer is committed after the answer has gone."""
        body = await body_of(request)
        phone, version = text_of(body, "originationPhoneNumberId", _PHONE), body.get("metaApiVersion")
        if not isinstance(version, str):
            raise AwsError("ValidationException", "metaApiVersion: required")
        driver = self._driver
        step = driver.act(driver.world.send(phone, _blob(body), driver.now(), version))
        answer = step.answer
        await asyncio.sleep(answer.hold_ms / 1000)
        if answer.drop:
            driver.history.commit([driver.world.answered(step, driver.now())])
            return dropped(request)
        good = web.json_response({"messageId": answer.message_id})
        response = error(answer.error, answer.detail) if answer.error else good
        await response.prepare(request)
        await response.write_eof()
        driver.history.commit([driver.world.answered(step, driver.now())])
        return response

    async def get_media(self, request: web.Request) -> web.StreamResponse:
        """GetWhatsAppMessageMedia: never the bytes, only their copy into the caller's bucket."""
        body = await body_of(request)
        self._own(text_of(body, "originationPhoneNumberId", _PHONE))
        await self._media_faults()
        media = self._media(text_of(body, "mediaId", _MEDIA_ID))
        file = members_of(body, "destinationS3File", _S3_FILE)
        url = members_of(body, "destinationS3PresignedUrl", _PRESIGNED)
        if [bool(file), bool(url), bool(body.get("metadataOnly"))].count(True) != 1:
            raise AwsError("InvalidParametersException", "give exactly one destination, or metadataOnly")
        if file:
            await store.put(self._s3, file["bucketName"], store.object_key(file["key"], media), media.file)
        if url:
            await store.put_presigned(url["url"], url["headers"], media.file)
        return web.json_response({"mimeType": media.file.mime, "fileSize": len(media.file.data)})

    async def post_media(self, request: web.Request) -> web.StreamResponse:
        """PostWhatsAppMessageMedia: an upload from the caller's bucket."""
        body = await body_of(request)
        self._own(text_of(body, "originationPhoneNumberId", _PHONE))
        source = members_of(body, "sourceS3File", _S3_FILE)
        url = members_of(body, "sourceS3PresignedUrl", _PRESIGNED)
        file = await self._source(source, url)
        driver = self._driver
        try:
            step = driver.act(driver.world.upload(file, driver.now()))
        except BadSayError as wrong:
            raise AwsError("InvalidParametersException", str(wrong)) from None
        return web.json_response({"mediaId": step.media[0].id})

    async def _source(self, source: dict[str, Any] | None, url: dict[str, Any] | None) -> File:
        if source and not url:
            return await store.read(self._s3, source["bucketName"], source["key"])
        if url and not source:
            return await store.get_presigned(url["url"], url["headers"])
        raise AwsError("InvalidParametersException", "give exactly one source")

    async def delete_media(self, request: web.Request) -> web.StreamResponse:
        """DeleteWhatsAppMessageMedia."""
        self._own(text_of(request.query, "originationPhoneNumberId", _PHONE))
        media = self._media(text_of(request.query, "mediaId", _MEDIA_ID))
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
        body = await body_of(request)
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


def _blob(body: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(body.get("message", ""), validate=True)
    except (ValueError, TypeError):
        raise AwsError("ValidationException", "message: must be base64") from None
