"""A signed URL is what CloudFront documents: the twin's own checker lets it pass, and nothing else."""

from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.objects.cdn import Cdn, load_private_key
from tests.unit.record.world import NOON_MS, FixedClock
from twin.signing import DeniedError, check

SHA = "ab" * 32
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def passes(url: str, now_s: float) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    check(url, query, {"K1": KEY.public_key()}, now_s, "127.0.0.1")


def test_a_signed_url_opens_its_object_until_it_ends() -> None:
    url = Cdn("https://cdn.example/", "K1", KEY, FixedClock()).url(SHA, 60)
    assert url.startswith(f"https://cdn.example/served/ab/{SHA}/original?")
    passes(url, NOON_MS / 1000 + 59)
    with pytest.raises(DeniedError):
        passes(url, NOON_MS / 1000 + 61)


def test_a_signature_opens_nothing_else() -> None:
    url = Cdn("https://cdn.example", "K1", KEY, FixedClock()).url(SHA, 60, "thumb.webp")
    assert "/r/thumb.webp?" in url
    with pytest.raises(DeniedError):
        passes(url.replace("thumb.webp", "photo.jpg"), NOON_MS / 1000)


def test_the_key_is_read_from_pem() -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert load_private_key(pem).private_numbers() == KEY.private_numbers()
