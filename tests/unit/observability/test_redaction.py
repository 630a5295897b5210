"""What must not leave, and what must."""

import pytest

from shared.ids import conversation_id, order_key, raw_id, received_id
from shared.observability.redaction import redact


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("got wamid.HBgNNTIxNTU1MDEwMDEwMhUCABIYFDNBQ0U4RkI5NDZFNjQ3QjAA", "wamid"),
        ("from 5215512345678", "phone"),
        ("from +52 1 55 1234 5678 today", "phone"),
        ("+52-55-1234-5678", "phone"),
        ('{"from":"5215512345678"}', "phone"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2ln", "jwt"),
        ("Authorization: Bearer abcdefgh12345678", "bearer"),
        ("AKIAIOSFODNN7EXAMPLE", "aws_key"),
        ("EAAG" + "b" * 40, "meta_token"),
        ("xoxb-123456789-abcdef", "slack"),
        ("bot 123456789:" + "A" * 35, "telegram"),
        ("https://m.example.org/x?Expires=1&Signature=abc~def&Key-Pair-Id=K1", "signed_url"),
    ],
)
def test_strikes(text: str, rule: str) -> None:
    clean, struck = redact(text)
    assert rule in struck
    assert f"[redacted:{rule}]" in clean


@pytest.mark.parametrize(
    "text",
    [
        conversation_id("321010217760100", "p_1"),
        received_id("321010217760100", "wamid.x"),
        order_key(1763912723, 1763912723271279391, "i_abcdef"),
        raw_id(b"x"),
        "2026-11-24T05:50:00.123Z",
        "desk.message.recorded.v1",
        "http://127.0.0.1:8080/healthz",
        f"00-{'1' * 32}-{'2' * 16}-01",
        "3,600 messages in 12345 ms",
        "ingest-000000001-of-9",
    ],
)
def test_leaves_our_own_ids_and_times_alone(text: str) -> None:
    assert redact(text) == (text, ())
