"""Files that decode, signed URLs, webhook signatures, what the page shows."""

import base64
import io
import json
import struct
from datetime import UTC, datetime
from typing import Any

import pytest
import yarl
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from standardwebhooks import Webhook

from twin.cdn import disposition
from twin.core import files
from twin.core.events import instant
from twin.core.model import Account, Media
from twin.core.state import canonical
from twin.core.world import World
from twin.history import History
from twin.phone import bubbles
from twin.receivers import verify
from twin.signing import DeniedError, check
from twin.store import object_key

KEY = rsa.generate_private_key(65537, 2048)
KEYS = {"K1": KEY.public_key()}
URL = "http://127.0.0.1:1/cdn/served/ab/" + "ab" * 32 + "/original"


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
def test_pictures_decode(mime: str) -> None:
    file = files.make(mime, "abcdef012345")
    with Image.open(io.BytesIO(file.data)) as picture:
        picture.load()
        assert Image.MIME[picture.format or ""] == mime
    assert b"abcdef012345" in file.data
    assert files.make(mime, "abcdef012346").sha256 != file.sha256


def test_an_animated_sticker_moves() -> None:
    with Image.open(io.BytesIO(files.animated_sticker("n").data)) as picture:
        assert getattr(picture, "n_frames", 1) == 2


def test_an_ogg_page_has_the_checksum_of_rfc_3533() -> None:
    data = files.ogg_opus("n")
    stored = struct.unpack("<I", data[22:26])[0]
    length = 27 + data[26] + sum(data[27 : 27 + data[26]])
    page = data[:22] + bytes(4) + data[26:length]
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    assert crc == stored


def _signer() -> Any:
    return CloudFrontSigner("K1", lambda data: KEY.sign(data, padding.PKCS1v15(), SHA1()))  # noqa: S303 - what CloudFront checks


def _check(url: str, now: float = 1000.0, address: str = "127.0.0.1") -> str:
    try:
        check(url, yarl.URL(url).query, KEYS, now, address)
    except DeniedError as no:
        return str(no)
    return ""


def _canned(url: str = URL, expires: int = 2000) -> str:
    return str(_signer().generate_presigned_url(url, date_less_than=datetime.fromtimestamp(expires, UTC)))


def _custom(statement: dict[str, Any], url: str = URL) -> str:
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":"))
    return str(_signer().generate_presigned_url(url, policy=policy))


def test_botocores_signed_urls_pass() -> None:
    assert _check(_canned()) == ""
    assert _check(_canned(URL + "?v=1")) == ""
    limits = {"DateLessThan": {"AWS:EpochTime": 2000}}
    assert _check(_custom({"Resource": "http://127.0.0.1:1/cdn/served/*", "Condition": limits})) == ""


@pytest.mark.parametrize(
    "url",
    [
        URL,
        _canned().replace("/original", "/r/thumb.webp"),
        _canned().replace("Expires=2000", "Expires=3000"),
        _canned().replace("Key-Pair-Id=K1", "Key-Pair-Id=K2"),
        _canned(expires=1000),
        _canned() + "&x=1",
        _canned().replace("Signature=", "Signature=A"),
        _canned().replace("Expires=2000", "Expires=x"),
        _custom(
            {
                "Resource": "http://127.0.0.1:1/cdn/other/*",
                "Condition": {"DateLessThan": {"AWS:EpochTime": 2000}},
            }
        ),
        _custom({"Resource": URL, "Condition": {}}),
        _custom(
            {
                "Resource": URL,
                "Condition": {
                    "DateLessThan": {"AWS:EpochTime": 2000},
                    "DateGreaterThan": {"AWS:EpochTime": 1500},
                },
            }
        ),
        _custom(
            {
                "Resource": URL,
                "Condition": {
                    "DateLessThan": {"AWS:EpochTime": 2000},
                    "IpAddress": {"AWS:SourceIp": "10.0.0.0/8"},
                },
            }
        ),
        URL + "?Policy=%%%&Signature=AA&Key-Pair-Id=K1",
    ],
)
def test_anything_else_is_403(url: str) -> None:
    assert _check(url)


def test_webhooks_signed_by_the_reference_library_verify() -> None:
    secret = "whsec_" + base64.b64encode(b"s" * 24).decode()
    body, at = '{"type":"x"}', 1_795_000_000
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}
    assert verify(secret, headers, body.encode(), at) == ""
    assert (
        verify(secret, headers | {"webhook-signature": f"v1,AAAA {signature}"}, body.encode(), at + 300) == ""
    )
    assert verify(secret, headers, body.encode() + b" ", at)
    assert verify(secret, headers | {"webhook-id": "msg_2"}, body.encode(), at)
    assert verify(secret, headers, body.encode(), at + 301)
    assert verify(secret, {}, body.encode(), at)
    assert verify("whsec_%", headers, body.encode(), at)


def test_only_what_a_browser_shows_safely_is_inline() -> None:
    assert disposition("image/jpeg") == disposition("audio/ogg; codecs=opus") == "inline"
    assert all(
        disposition(kind).startswith("attachment")
        for kind in ("text/html", "image/svg+xml", "application/pdf")
    )


@pytest.mark.parametrize(
    ("prefix", "key"), [("audio/", "audio/123.ogg"), ("audio/example.ogg", "audio/example.ogg123.ogg")]
)
def test_the_key_is_a_prefix(prefix: str, key: str) -> None:
    """Source: botocore model, S3File.key."""
    assert object_key(prefix, Media("123", files.make("audio/ogg; codecs=opus", "n"), 0)) == key


def test_mexican_numbers_have_one_canonical_form() -> None:
    assert canonical("5215512345678") == canonical("525512345678") == "525512345678"
    assert canonical("521551234567") == "521551234567"


def test_instants_have_nine_decimals() -> None:
    assert instant(1_762_827_868_476_795_989) == "2025-11-11T02:24:28.476795989Z"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(["text", "image", "voice", "location", "contacts", "document", "order"]), max_size=6
    )
)
def test_the_page_shows_each_message_once(kinds: list[str]) -> None:
    world, history = World(Account()), History()
    for kind in kinds:
        history.step(world.customer_says("c001", {"type": kind}, 1_795_000_000_000_000_000))
    customer = world.customers["c001"]
    shown = bubbles(history.of([customer.user_id]), customer)
    assert len(shown) == len(kinds)
    assert all(one["text"] and one["mine"] for one in shown)
    history.close()
