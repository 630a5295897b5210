"""Signed URLs of the CDN: for one object, until one moment, for whoever holds the URL.

Source: Amazon CloudFront developer guide, "Create a signed URL using a canned policy" (RSA-SHA1 over the
policy, base64 with `+=/` written as `-_~`); botocore.signers.CloudFrontSigner writes policy and query.
"""

from datetime import UTC, datetime

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.clock import Clock

ORIGINAL = "original"


def served_key(sha256: str, rendition: str = ORIGINAL) -> str:
    """Key of a medium that may be served: the file as received, or a rendition of it."""
    name = rendition if rendition == ORIGINAL else f"r/{rendition}"
    return f"served/{sha256[:2]}/{sha256}/{name}"


def load_private_key(pem: bytes) -> RSAPrivateKey:
    """The CDN's private key. Raises ValueError for anything but an RSA key in PEM."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the CDN's private key: CloudFront signs with RSA keys here")  # noqa: TRY004 - a wrong value of the right type
    return key


class Cdn:
    """Makes signed URLs.

    Args:
        base_url: of the distribution, without a slash at the end.
        key_id: of its public key. key: the private one.
        clock: when an URL is made.
    """

    def __init__(self, base_url: str, key_id: str, key: RSAPrivateKey, clock: Clock) -> None:
        self._base = base_url.rstrip("/")
        self._clock = clock
        # CloudFront's canned policy is SHA-1 by definition; the URL lives for minutes.
        self._signer = CloudFrontSigner(key_id, lambda policy: key.sign(policy, PKCS1v15(), SHA1()))  # noqa: S303 - as CloudFront defines it

    def url(self, sha256: str, ttl_s: int, rendition: str = ORIGINAL) -> str:
        """URL of a served medium, good for `ttl_s` seconds from now."""
        until = datetime.fromtimestamp(self._clock.now_ms() // 1000 + ttl_s, UTC)
        address = f"{self._base}/{served_key(sha256, rendition)}"
        return str(self._signer.generate_presigned_url(address, date_less_than=until))
