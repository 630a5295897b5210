"""Destinations' secrets from AWS Secrets Manager."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from services.forwarder.ports import SecretMissingError, SecretsUnavailableError
from shared.aws import code

# botocore model secretsmanager, GetSecretValue: not found, or scheduled for deletion.
_MISSING = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


class AwsSecrets:
    """Secrets Manager."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def read(self, name: str) -> str:
        """The current value, by name or ARN. Raises SecretMissingError, SecretsUnavailableError."""
        try:
            answer = await self._client.get_secret_value(SecretId=name)
        except ClientError as error:
            kind = SecretMissingError if code(error) in _MISSING else SecretsUnavailableError
            raise kind(code(error)) from None
        except BotoCoreError as error:
            raise SecretsUnavailableError(type(error).__name__) from None
        return str(answer["SecretString"])
