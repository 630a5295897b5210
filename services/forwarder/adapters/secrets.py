"""Destinations' secrets from AWS Secrets Manager."""

import asyncio
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from services.forwarder.ports import SecretMissingError, SecretsUnavailableError
from shared.aws import code

# botocore model secretsmanager, GetSecretValue: not found, or scheduled for deletion.
_MISSING = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


KEEP_S = 60.0  # a call for each delivery would cost more than the delivery; a rotation waits a minute


class AwsSecrets:
    """Secrets Manager; a value read is good for a minute."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: dict[str, tuple[float, str]] = {}

    async def read(self, name: str) -> str:
        """The current value, by name or ARN. Raises SecretMissingError, SecretsUnavailableError."""
        now = asyncio.get_running_loop().time()
        until, value = self._known.get(name, (0.0, ""))
        if now >= until:
            value = await self._fetch(name)
            self._known[name] = (now + KEEP_S, value)
        return value

    async def _fetch(self, name: str) -> str:
        try:
            answer = await self._client.get_secret_value(SecretId=name)
        except ClientError as error:
            kind = SecretMissingError if code(error) in _MISSING else SecretsUnavailableError
            raise kind(code(error)) from None
        except BotoCoreError as error:
            raise SecretsUnavailableError(type(error).__name__) from None
        return str(answer["SecretString"])
