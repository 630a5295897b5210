"""Aliases: what a number or user id becomes outside the sealed record.

HMAC-SHA256 under a secret pepper, so that neither a copy of the tables nor a list of all phone numbers
gives the person away.
"""

import hashlib
import hmac
from typing import Literal

# `printed`: a name as an export of our phone prints it, `<pnid>:<name>`
AliasKind = Literal["bsuid", "waid", "phone", "printed"]
MIN_BYTES = 32  # RFC 2104 s.3: a key shorter than the hash's output weakens it


class Pepper:
    """Makes alias values.

    Args:
        secret: the pepper, at least 32 bytes. Raises ValueError for less.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_BYTES:
            raise ValueError(f"alias pepper: at least {MIN_BYTES} bytes, not {len(secret)}")
        self._secret = secret

    def alias(self, kind: AliasKind, value: str) -> str:
        """`<kind>#<64 hex>` of a canonical value; the kind is part of what is hashed."""
        text = f"{kind}#{value}".encode("utf-8", "surrogatepass")
        return f"{kind}#{hmac.new(self._secret, text, hashlib.sha256).hexdigest()}"
