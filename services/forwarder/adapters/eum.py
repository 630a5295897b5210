"""Sending through AWS End User Messaging Social (aiobotocore, service `socialmessaging`).

The client is built with one attempt: botocore would otherwise repeat a send by itself, and the API has no
idempotency token (botocore model socialmessaging 2024-01-01, SendWhatsAppMessage).
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)

from services.forwarder.ports import NotSentError, RejectedError, UnclearError
from shared.aws import code

NEVER_CONNECTED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
THROTTLE_S = 1.0  # quotas page: SendWhatsAppMessage 1,000 a second; a second later there is room
# AWS general reference, "Common errors": our credentials or clock; the message is not at fault.
CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
CREDENTIALS_S = 30.0
_SERVER_FAULT = 500


class EumSocial:
    """The service's client for our numbers.

    Args:
        client: `socialmessaging` for sends: one attempt, 8 s in all.
        uploads: `socialmessaging` for files, which take longer.
        numbers: Meta's phone number id -> EUM's.
        bucket: where media lie.
        version: of Meta's API, in the request.
    """

    def __init__(
        self, client: Any, uploads: Any, numbers: Mapping[str, str], bucket: str, version: str
    ) -> None:
        self._client = client
        self._uploads = uploads
        self._numbers = numbers
        self._bucket = bucket
        self._version = version

    async def send(self, pnid: str, blob: bytes) -> str:
        """Hand a message over, once; answers AWS's message id."""
        try:
            answer = await self._client.send_whatsapp_message(
                originationPhoneNumberId=self._origin(pnid), message=blob, metaApiVersion=self._version
            )
        except NEVER_CONNECTED:
            raise NotSentError("unreachable", THROTTLE_S) from None
        except ClientError as error:
            raise _meaning(error) from None
        except BotoCoreError as error:
            raise UnclearError(type(error).__name__) from None
        return str(answer["messageId"])

    async def upload(self, pnid: str, key: str) -> str:
        """Give an object of the media bucket to Meta; answers the media id."""
        try:
            answer = await self._uploads.post_whatsapp_message_media(
                originationPhoneNumberId=self._origin(pnid),
                sourceS3File={"bucketName": self._bucket, "key": key},
            )
        except ClientError as error:
            raise _harmless(_meaning(error)) from None
        except BotoCoreError:
            raise NotSentError("upload_unreachable", THROTTLE_S) from None
        return str(answer["mediaId"])

    def _origin(self, pnid: str) -> str:
        if pnid not in self._numbers:
            raise RejectedError("unknown_number")
        return self._numbers[pnid]


def _meaning(error: ClientError) -> Exception:
    """Whether a refused send had an effect. The error's text may quote the message, so it is left behind."""
    name = code(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if name == "ThrottledRequestException":
        return NotSentError("throttled", THROTTLE_S)
    if name in CREDENTIALS:
        return NotSentError("credentials", CREDENTIALS_S)
    if status >= _SERVER_FAULT or status == 0:
        return UnclearError(name)
    return RejectedError(name)


def _harmless(meaning: Exception) -> Exception:
    return NotSentError("upload_failed", THROTTLE_S) if isinstance(meaning, UnclearError) else meaning
