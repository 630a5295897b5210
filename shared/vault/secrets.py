"""Secrets from AWS Secrets Manager, read once at the start of a process."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared import aws
from shared.errors import StopAndPage
from shared.vault.pepper import Pepper

if TYPE_CHECKING:
    from types_aiobotocore_secretsmanager import SecretsManagerClient


async def read_secret(client: "SecretsManagerClient", name: str) -> bytes:
    """The current value of a secret, text as UTF-8. Raises StopAndPage where there is none."""
    try:
        answer = await client.get_secret_value(SecretId=name)
    except ClientError as error:
        if aws.code(error) == "ResourceNotFoundException":
            raise StopAndPage(f"secret {name} does not exist") from error
        raise
    return answer["SecretBinary"] if "SecretBinary" in answer else answer["SecretString"].encode()


async def read_pepper(client: "SecretsManagerClient", name: str) -> Pepper:
    """The alias pepper. Raises StopAndPage where it is missing, ValueError where it is too short."""
    return Pepper(await read_secret(client, name))
