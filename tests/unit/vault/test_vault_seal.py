from os import urandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vault.pepper import AliasKind, Pepper
from shared.vault.seal import SealBrokenError, place, seal, unseal

KEY = bytes(range(32))
WHERE = place("messages", "c_1", "k")


@given(plain=st.binary(max_size=200))
def test_what_was_sealed_opens_in_its_place(plain: bytes) -> None:
    blob = seal(KEY, plain, WHERE, urandom)
    assert blob[0] == 1
    assert len(blob) == len(plain) + 29
    assert unseal(KEY, blob, WHERE) == plain


@given(flip=st.integers(0, 8 * 40 - 1))
def test_no_bit_may_change(flip: int) -> None:
    blob = bytearray(seal(KEY, b"hola mundo.", WHERE, urandom))
    assert len(blob) == 40
    blob[flip // 8] ^= 1 << flip % 8
    with pytest.raises(SealBrokenError):
        unseal(KEY, bytes(blob), WHERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("messages", "c_1", "k2"),
        place("messages", "c_2", "k"),
        place("conversations", "c_1", "k"),
        place("messages", "c_1"),
        b"",
    ],
)
def test_a_blob_does_not_open_anywhere_else(elsewhere: bytes) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, seal(KEY, b"x", WHERE, urandom), elsewhere)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealBrokenError):
        unseal(bytes(32), seal(KEY, b"x", WHERE, urandom), WHERE)


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x01" * 28, b"\x02" + bytes(40), b'{"text": "hola"}' * 4])
def test_what_is_no_blob_is_told(junk: bytes) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, junk, WHERE)


@given(one=st.tuples(st.text(), st.text(), st.text()), other=st.tuples(st.text(), st.text(), st.text()))
def test_two_places_are_never_the_same_bytes(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (place(*one) == place(*other)) is (one == other)


def test_two_seals_of_the_same_differ() -> None:
    assert seal(KEY, b"x", WHERE, urandom) != seal(KEY, b"x", WHERE, urandom)


def test_an_alias_is_an_hmac_of_kind_and_value() -> None:
    pepper = Pepper(KEY)
    alias = pepper.alias("phone", "525512345678")
    # printf 'phone#525512345678' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102..1f
    assert alias == "phone#" + EXPECTED
    assert pepper.alias("waid", "525512345678")[5:] != alias[6:]
    assert Pepper(bytes(32)).alias("phone", "525512345678") != alias


EXPECTED = "fa48398a73a0af12b8424bda0ae01c058fd846dd411547900952db6dd22f43f8"


@pytest.mark.parametrize("kind", ["bsuid", "waid", "phone"])
def test_any_value_has_an_alias_without_it(kind: AliasKind) -> None:
    for value in ("", "\ud800", "MX.123"):
        alias = Pepper(KEY).alias(kind, value)
        assert alias.startswith(f"{kind}#")
        assert len(alias) == len(kind) + 65


def test_a_short_pepper_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes, not 31"):
        Pepper(bytes(31))
