import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.verdict import MIB, Found, digest, fits, judge

SHA = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    ("declared", "sniffed"),
    [
        ("audio/ogg; codecs=opus", "audio/ogg"),
        ("audio/mp4", "video/mp4"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"),
        ("application/msword", "application/cdfv2"),
        ("text/csv", "text/plain"),
        ("application/pdf", "application/pdf"),
        ("application/x-unheard-of", "application/octet-stream"),
    ],
)
def test_what_fits_is_ready_under_its_own_type(declared: str, sniffed: str) -> None:
    verdict = judge(declared, None, Found(SHA, 1, sniffed))
    assert verdict.state == "ready"
    assert verdict.served_as == declared.partition(";")[0]


@pytest.mark.parametrize(
    ("declared", "sha", "found", "reason"),
    [
        ("image/jpeg", None, Found(SHA, 0, ""), "zero_bytes"),
        ("image/jpeg", None, Found(SHA, 100 * MIB + 1, "image/jpeg"), "too_large"),
        ("image/jpeg", "0" * 64, Found(SHA, 1, "image/jpeg"), "hash_mismatch"),
        ("image/jpeg", None, Found(SHA, 1, "text/html"), "mismatch"),
        ("application/octet-stream", None, Found(SHA, 1, "application/x-dosexec"), "program"),
    ],
)
def test_what_is_not_what_it_says_is_never_served(
    declared: str, sha: str | None, found: Found, reason: str
) -> None:
    verdict = judge(declared, sha, found)
    assert verdict.state in {"failed", "quarantined"}
    assert verdict.reason == reason


@pytest.mark.parametrize("active", ["text/html", "image/svg+xml"])
def test_what_a_browser_would_run_is_served_as_bytes(active: str) -> None:
    assert judge(active, None, Found(SHA, 1, active)).served_as == "application/octet-stream"


def test_a_declared_hash_is_read_from_base64_and_hex() -> None:
    raw = hashlib.sha256(b"x").digest()
    assert digest(base64.b64encode(raw).decode()) == SHA
    assert digest(SHA.upper()) == SHA
    assert judge("image/png", SHA, Found(SHA, 1, "image/png")).state == "ready"


@given(st.text(max_size=80))
def test_a_hash_that_cannot_be_read_counts_for_nothing(text: str) -> None:
    assert digest(text) is None or len(digest(text) or "") == 64


@given(st.sampled_from(["image/jpeg", "audio/ogg", "text/plain", "application/pdf"]))
def test_fitting_is_symmetric_for_equal_types(kind: str) -> None:
    assert fits(kind, kind)
