"""Writing destinations' secrets into AWS Secrets Manager."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.desk.rules import SecretsUnavailableError
from shared.aws import code

if TYPE_CHECKING:
    from types_aiobotocore_secretsmanager import SecretsManagerClient


class AwsSecretWriter:
    """Creates secrets; a name is written once."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    async def write(self, name: str, value: str) -> None:
        """Keep a value under a new name. Raises SecretsUnavailableError."""
        try:
            await self._client.create_secret(Name=name, SecretString=value)
        except ClientError as error:
            if code(error) != "ResourceExistsException":  # our own lost answer
                raise SecretsUnavailableError(code(error)) from None
        except BotoCoreError as error:
            raise SecretsUnavailableError(type(error).__name__) from None
