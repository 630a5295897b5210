"""Meta's rules with literal figures; the source of each stands beside it."""

import json
from typing import Any

import pytest

from twin.core import files
from twin.core.model import File
from twin.core.outgoing import Outgoing, Unreadable, parse
from twin.core.rules import Meter, Pair, Template, category, media_problem, refusal, upload_problem

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
NOW = 1_795_000_000 * SECOND
TEXT = Outgoing("text", to="5215555000000", text="hola")
KNOWN = {
    ("aviso", "es_MX"): Template(1),
    ("promo", "es_MX"): Template(0, "marketing"),
    ("pausa", "es_MX"): Template(0, status="PAUSED"),
}


def _code(
    send: Outgoing, pair: Pair, now: int = NOW, meter: Meter | None = None, file: File | None = None
) -> int:
    return refusal(send, now, pair, meter or Meter(80), KNOWN, file)[0]


def _heard(at: int, *, ad: bool = False) -> Pair:
    pair = Pair()
    pair.heard(at, ad=ad)
    return pair


@pytest.mark.parametrize(
    ("age_ns", "code"),
    [  # developers.facebook.com/docs/whatsapp/pricing: 24 hours from the customer's last message
        (0, 0),
        (24 * HOUR - 1, 0),
        (24 * HOUR, 131047),
        (72 * HOUR, 131047),
    ],
)
def test_window(age_ns: int, code: int) -> None:
    assert _code(TEXT, _heard(NOW - age_ns)) == code


def test_no_word_ever_means_no_window() -> None:
    assert _code(TEXT, Pair()) == 131047


@pytest.mark.parametrize(("age_h", "code"), [(23, 0), (71, 0), (72, 131047)])
def test_an_answered_ad_opens_72_hours(age_h: int, code: int) -> None:
    """Source: developers.facebook.com/docs/whatsapp/pricing, free entry point."""
    pair = _heard(NOW, ad=True)
    pair.sent(NOW + HOUR)
    assert _code(TEXT, pair, NOW + age_h * HOUR) == code


def test_an_ad_answered_too_late_opens_nothing() -> None:
    pair = _heard(NOW, ad=True)
    pair.sent(NOW + 25 * HOUR)
    assert _code(TEXT, pair, NOW + 26 * HOUR) == 131047


def test_pair_rate_is_45_at_once_then_one_each_six_seconds() -> None:
    """Source: developers.facebook.com/docs/whatsapp/cloud-api/overview, pair rate limits."""
    pair = _heard(NOW)
    for _ in range(45):
        assert _code(TEXT, pair) == 0
        pair.sent(NOW)
    assert _code(TEXT, pair) == 131056
    assert _code(TEXT, pair, NOW + 6 * SECOND - 1_000_000) == 131056
    assert _code(TEXT, pair, NOW + 6 * SECOND) == 0
    pair.sent(NOW + 6 * SECOND)
    assert _code(TEXT, pair, NOW + 11 * SECOND) == 131056


def test_throughput_is_80_a_second() -> None:
    """Source: developers.facebook.com/docs/whatsapp/cloud-api/overview, throughput."""
    meter = Meter(80)
    for n in range(80):
        assert _code(TEXT, _heard(NOW), NOW + n, meter) == 0
        meter.add(NOW + n)
    assert _code(TEXT, _heard(NOW), NOW + 80, meter) == 130429
    assert _code(TEXT, _heard(NOW), NOW + SECOND, meter) == 0


@pytest.mark.parametrize(
    ("template", "code"),
    [  # developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
        (("aviso", "es_MX", 1), 0),
        (("aviso", "es_MX", 2), 132000),
        (("aviso", "en_US", 1), 132001),
        (("pausa", "es_MX", 0), 132015),
        (("promo", "es_MX", 0), 131050),
    ],
)
def test_templates_need_no_window_but_must_exist(template: tuple[str, str, int], code: int) -> None:
    assert _code(Outgoing("template", to="1", template=template), Pair(stopped=True)) == code


@pytest.mark.parametrize(
    ("kind", "mime", "size", "good"),
    [  # docs.aws.amazon.com/social-messaging/latest/userguide/supported-media-types.html
        ("image", "image/jpeg", 5 * 1024 * 1024, True),
        ("image", "image/jpeg", 5 * 1024 * 1024 + 1, False),
        ("image", "image/gif", 10, False),
        ("video", "video/mp4", 16 * 1024 * 1024, True),
        ("video", "video/mp4", 16 * 1024 * 1024 + 1, False),
        ("video", "video/quicktime", 10, False),
        ("audio", "audio/ogg; codecs=opus", 16 * 1024 * 1024, True),
        ("audio", "audio/wav", 10, False),
        ("document", "application/pdf", 100, True),
        ("document", "application/zip", 100, False),
        ("sticker", "image/webp", 100 * 1024, True),
        ("sticker", "image/webp", 100 * 1024 + 1, False),
    ],
)
def test_media_types_and_sizes(kind: str, mime: str, size: int, *, good: bool) -> None:
    assert (media_problem(kind, File(bytes(size), mime)) == "") is good


def test_only_a_moving_sticker_may_weigh_500_kb() -> None:
    moving = files.animated_sticker("n").data
    assert media_problem("sticker", File(moving.ljust(500 * 1024, b"\0"), "image/webp")) == ""
    assert media_problem("sticker", File(moving.ljust(500 * 1024 + 1, b"\0"), "image/webp"))
    still = files.make("image/webp", "n").data
    assert media_problem("sticker", File(still.ljust(100 * 1024 + 1, b"\0"), "image/webp"))


def test_an_unknown_media_id_is_an_upload_error() -> None:
    assert _code(Outgoing("image", to="1", media_id="9"), _heard(NOW)) == 131053
    assert upload_problem(files.make("image/png", "n")) == ""
    assert upload_problem(File(b"MZ", "application/x-msdownload"))


def _blob(**parts: Any) -> bytes:
    return json.dumps({"messaging_product": "whatsapp", "to": "5215555000000"} | parts).encode()


@pytest.mark.parametrize(
    ("blob", "code"),
    [  # developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
        (_blob(type="text", text={"body": "á" * 4096}), 0),
        (_blob(type="text", text={"body": "á" * 4097}), 100),
        (_blob(type="text", text={"body": ""}), 131008),
        (_blob(type="text"), 131008),
        (_blob(type="poem", poem={}), 100),
        (_blob(type="image", image={"id": "1", "caption": "c" * 1024}), 0),
        (_blob(type="image", image={"id": "1", "caption": "c" * 1025}), 100),
        (_blob(type="image", image={"id": "1", "link": "https://x"}), 131008),
        (_blob(type="image", image={}), 131008),
        (_blob(type="location", location={"latitude": 1}), 131008),
        (_blob(type="location", location={"latitude": 1, "longitude": 2}), 0),
        (_blob(type="reaction", reaction={"message_id": "wamid.x", "emoji": ""}), 0),
        (_blob(type="reaction", reaction={"emoji": "x"}), 131008),
        (_blob(type="contacts", contacts=[]), 131008),
        (_blob(type="contacts", contacts=[{"name": {}}]), 0),
        (_blob(type="interactive", interactive={"type": "button", "action": {}, "body": {"text": "t"}}), 0),
        (_blob(type="interactive", interactive={"type": "button"}), 131008),
        (_blob(type="template", template={"name": "a"}), 131008),
        (
            _blob(
                type="template",
                template={
                    "name": "a",
                    "language": {"code": "es"},
                    "components": [None, {"type": "body", "parameters": [1]}],
                },
            ),
            0,
        ),
        (_blob(type="text", text={"body": "x"}, biz_opaque_callback_data="x" * 512), 0),
        (_blob(type="text", text={"body": "x"}, biz_opaque_callback_data="x" * 513), 100),
        (_blob(status="read"), 131008),
        (_blob(status="read", message_id="wamid.x"), 0),
    ],
)
def test_what_is_wrong_with_a_message(blob: bytes, code: int) -> None:
    assert parse(blob).problem == code


@pytest.mark.parametrize(
    ("blob", "error"),
    [  # botocore model: exceptions of SendWhatsAppMessage; blob of 1 to 2,048,000 bytes
        (b"", "ValidationException"),
        (b"x" * 2_048_001, "ValidationException"),
        (b"{", "InvalidParametersException"),
        (b"[]", "InvalidParametersException"),
        (b'{"messaging_product":"sms"}', "InvalidParametersException"),
        (b'{"messaging_product":"whatsapp","type":"text","text":{"body":"x"}}', "InvalidParametersException"),
    ],
)
def test_what_eum_social_refuses_at_once(blob: bytes, error: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(blob)
    assert refused.value.error == error


def test_categories() -> None:
    assert category(TEXT, NOW, _heard(NOW), KNOWN) == ("service", "free_customer_service")
    paid = Outgoing("template", template=("aviso", "es_MX", 1))
    assert category(paid, NOW, _heard(NOW), KNOWN) == ("utility", "regular")
    pair = _heard(NOW, ad=True)
    pair.sent(NOW)
    assert category(TEXT, NOW, pair, KNOWN) == ("service", "free_entry_point")
