"""Real small files of every type that may arrive pass the type check with libmagic itself."""

import hashlib

import pytest

from services.media.adapters.sniff import Libmagic
from services.media.verdict import Found, judge
from twin.core import files


@pytest.mark.parametrize("mime", files.MIMES)
def test_a_real_file_is_what_it_says(mime: str) -> None:
    file = files.make(mime, "nonce")
    sniffed = Libmagic().mime(file.data[:4096]).lower()
    found = Found(hashlib.sha256(file.data).hexdigest(), len(file.data), sniffed)
    assert judge(mime, file.sha256_base64, found).state == "ready"


def test_a_file_under_anothers_name_is_put_aside() -> None:
    data = files.make("application/pdf", "nonce").data
    found = Found(hashlib.sha256(data).hexdigest(), len(data), Libmagic().mime(data).lower())
    assert judge("image/jpeg", None, found).reason == "mismatch"
