"""The key service on AWS KMS through aiobotocore."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from shared import aws
from shared.vault.port import KeyMismatchError, KeysUnavailableError

if TYPE_CHECKING:
    from types_aiobotocore_kms import KMSClient

# KMS API reference, Decrypt and GenerateDataKey: errors
_MISMATCH = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
_OUT_OF_SERVICE = frozenset(
    {
        "DependencyTimeoutException",
        "DisabledException",
        "KMSInternalException",
        "KMSInvalidStateException",
        "KeyUnavailableException",
    }
)


class KmsKeys:
    """Data keys wrapped by one KMS key.

    Args:
        client: aiobotocore's, from `shared.aws.open_client`.
        key_id: key id, ARN or alias of the wrapping key.
    """

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    async def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte data key: (plain, wrapped). `context` is authenticated, not secret."""
        try:
            answer = await self._client.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=context
            )
        except (BotoCoreError, ClientError) as error:
            _raise(error)
        return answer["Plaintext"], answer["CiphertextBlob"]

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The plain data key of a wrapped one. Raises KeyMismatchError, KeysUnavailableError."""
        try:
            answer = await self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=context
            )
        except (BotoCoreError, ClientError) as error:
            _raise(error)
        return answer["Plaintext"]


def _raise(error: BotoCoreError | ClientError) -> NoReturn:
    if isinstance(error, ClientError) and aws.code(error) in _MISMATCH:
        raise KeyMismatchError("the wrapped key is altered or belongs to another context") from error
    if _unanswered(error):
        raise KeysUnavailableError("KMS did not answer, is throttled or its key is out of service") from error
    raise error


def _unanswered(error: BotoCoreError | ClientError) -> bool:
    refused = isinstance(error, ClientError) and (aws.throttled(error) or aws.code(error) in _OUT_OF_SERVICE)
    return refused or aws.unavailable(error)
