"""Signatures of outgoing webhooks as the Standard Webhooks specification has them (scheme v1, symmetric)."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


class BadSecretError(Exception):
    """The destination's secret is not `whsec_` and base64; write a new one into the secret store."""


def headers(secret: str, delivery_id: str, now_ms: int, body: bytes) -> dict[str, str]:
    """The three headers of one call.

    Args:
        secret: `whsec_` and the base64 of the key.
        delivery_id: the same at each try, so that the receiver can drop repetitions.
        now_ms: wall clock; the receiver refuses what is older than minutes.
        body: exactly what is sent.

    Raises:
        BadSecretError.
    """
    at = str(now_ms // 1000)
    digest = hmac.new(_key(secret), f"{delivery_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecretError from None
    if not key:
        raise BadSecretError
    return key
