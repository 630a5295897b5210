"""Sealed blobs: AES-256-GCM bound to the table and key where they lie.

Layout: one version byte, 12 bytes of nonce, ciphertext with its 16-byte tag. The version byte is
authenticated too. Nonces are random: NIST SP 800-38D s.8.3 allows 2^32 of them a key, and a key is one person's.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
_NONCE = 12  # bytes, NIST SP 800-38D s.5.2.1.1
_TAG = 16


class SealBrokenError(Exception):
    """The blob was altered, moved to another item, or sealed under another key; or it is no sealed blob."""


def place(table: str, pk: str, sk: str = "-") -> bytes:
    """What a blob is bound to: its table (topology name) and key, length-prefixed so that no two agree."""
    return b"".join(f"{len(part)}:".encode() + part.encode() for part in (table, pk, sk))


def seal(key: bytes, plain: bytes, aad: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
    """Seal `plain` under a 32-byte key for the place `aad`; `random_bytes` is `Ids.bytes`."""
    nonce = random_bytes(_NONCE)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, VERSION + aad)


def unseal(key: bytes, blob: bytes, aad: bytes) -> bytes:
    """The plain bytes of a sealed blob. Raises SealBrokenError."""
    if len(blob) < 1 + _NONCE + _TAG or blob[:1] != VERSION:
        raise SealBrokenError("not a sealed blob of version 1")
    nonce, sealed = blob[1 : 1 + _NONCE], blob[1 + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, sealed, VERSION + aad)
    except InvalidTag:
        raise SealBrokenError("altered, moved or sealed under another key") from None
