"""The key service in memory: wraps data keys under a key of this object, for the simulator and tests."""

import asyncio
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.vault.port import KeyMismatchError

_NONCE = 12
_DATA_KEY = 32


class MemoryKeys:
    """KMS's GenerateDataKey and Decrypt.

    Args:
        random_bytes: n -> n random bytes (`Ids.bytes`).
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._bytes = random_bytes
        self._master = AESGCM(random_bytes(_DATA_KEY))

    async def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte data key: (plain, wrapped)."""
        await asyncio.sleep(0)
        plain, nonce = self._bytes(_DATA_KEY), self._bytes(_NONCE)
        return plain, nonce + self._master.encrypt(nonce, plain, _canonical(context))

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The plain data key of a wrapped one. Raises KeyMismatchError."""
        await asyncio.sleep(0)
        try:
            return self._master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _canonical(context))
        except (InvalidTag, ValueError) as error:
            raise KeyMismatchError("the wrapped key is altered or belongs to another context") from error


def _canonical(context: Mapping[str, str]) -> bytes:
    return repr(sorted(context.items())).encode()
