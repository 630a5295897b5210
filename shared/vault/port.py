"""The key service behind sealed content: one KMS key wraps each person's data key."""

from collections.abc import Mapping
from typing import Protocol


class KeysUnavailableError(Exception):
    """The key service did not answer; nothing may be sealed or opened until it does."""


class KeyDestroyedError(Exception):
    """The wrapped key is gone: the person was erased. Drop and count; never poison."""


class KeyMismatchError(Exception):
    """The wrapped key is altered or was made for another context: it is not this person's key."""


class KeyService(Protocol):
    """KMS, as far as we need it."""

    async def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte data key: (plain, wrapped). `context` is authenticated, not secret."""
        ...

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The plain data key of a wrapped one. Raises KeyMismatchError, KeysUnavailableError."""
        ...
