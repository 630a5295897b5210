"""GetWhatsAppMessageMedia through aiobotocore: EUM Social writes the file into our bucket itself.

Source: botocore model socialmessaging 2024-01-01: `destinationS3File.key` is a prefix, the service appends
the media id and an ending; the bytes never come back in the answer.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from services.media.ports import (
    MediaDeniedError,
    MediaGoneError,
    MediaThrottledError,
    MediaUnavailableError,
)
from shared import aws

_GONE = frozenset({"ResourceNotFoundException", "ValidationException", "InvalidParametersException"})
_DENIED = "AccessDeniedByMetaException"
_SLOW = frozenset({"DependencyException", "InternalServiceException"})


class EumSource:
    """Fetches media of our numbers.

    Args:
        client: `socialmessaging`.
        numbers: Meta's phone number id -> EUM's.
        bucket: deployed name of the media bucket.
    """

    def __init__(self, client: Any, numbers: Mapping[str, str], bucket: str) -> None:
        self._client = client
        self._numbers = numbers
        self._bucket = bucket

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        """Have a file put under `prefix`; see services/media/ports.py for what it raises."""
        try:
            await self._client.get_whatsapp_message_media(
                mediaId=media_id,
                originationPhoneNumberId=self._numbers.get(pnid, pnid),
                destinationS3File={"bucketName": self._bucket, "key": prefix},
            )
        except ClientError as error:
            raise _meaning(error) from None
        except BotoCoreError as error:
            raise MediaUnavailableError(type(error).__name__) from None


def _meaning(error: ClientError) -> Exception:
    code = aws.code(error)
    if code in _GONE:
        return MediaGoneError(code)
    if code == _DENIED:
        return MediaDeniedError(code)
    if aws.throttled(error):
        return MediaThrottledError(code)
    return MediaUnavailableError(code) if code in _SLOW or aws.unavailable(error) else error
