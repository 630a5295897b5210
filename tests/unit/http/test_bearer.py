"""Who gets in, and every known way of forging a token that must not."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.http.port import JwksUnavailableError
from shared.http.principal import RefusedError
from tests.unit.http.tokens import NOW_S, Provider, Signer, claims, cognito

RSA_SIGNER = Signer()


@pytest.fixture
def provider() -> Provider:
    return Provider(signer=RSA_SIGNER)


async def refused(provider: Provider, token: str) -> str:
    with pytest.raises(RefusedError) as caught:
        await provider.verifier.verify(token)
    return caught.value.reason


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_both_forms_of_access_token_are_taken(provider: Provider) -> None:
    for form in (
        claims(groups=["agent", "editor", "strangers"]),
        cognito(**{"cognito:groups": ["agent", "editor"]}),
    ):
        caller = await provider.verifier.verify(RSA_SIGNER.sign(form))
        assert caller.agent_id == "agent-1"
        assert caller.roles == {"agent", "editor"}
        assert caller.expires_at == NOW_S + 600


async def test_es256_is_taken() -> None:
    provider = Provider(signer=Signer(algorithm="ES256"))
    assert (await provider.verifier.verify(provider.token("ops"))).has("ops")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.test"}, "issuer"),
        ({"aud": "another-api"}, "audience"),
        ({"aud": ["a", "b"]}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": None, "client_id": "another"}, "audience"),
        ({"aud": "another-api", "client_id": "desk-api"}, "audience"),
        ({"token_use": "id"}, "not_an_access_token"),
        ({"exp": NOW_S - 31}, "expired"),
        ({"exp": None}, "no_expiry"),
        ({"exp": True}, "no_expiry"),
        ({"exp": "2099"}, "no_expiry"),
        ({"nbf": NOW_S + 31}, "not_yet_valid"),
        ({"iat": NOW_S + 31}, "not_yet_valid"),
        ({"nbf": "soon"}, "not_yet_valid"),
        ({"sub": None}, "subject"),
        ({"sub": "a#b"}, "subject"),
        ({"sub": "x" * 129}, "subject"),
    ],
)
async def test_claims_that_do_not_let_in(provider: Provider, changed: dict[str, Any], reason: str) -> None:
    assert await refused(provider, RSA_SIGNER.sign(claims(**changed))) == reason


async def test_without_groups_there_is_no_role(provider: Provider) -> None:
    for groups in (None, "admin", {"admin": True}, [["admin"]]):
        assert not (await provider.verifier.verify(RSA_SIGNER.sign(claims(groups=groups)))).roles


async def test_alg_none_is_refused(provider: Provider) -> None:
    for name in ("none", "None", "NONE", ""):
        token = f"{segment({'alg': name, 'kid': 'k1'})}.{segment(claims(groups=['admin']))}."
        assert await refused(provider, token) in {"algorithm", "malformed"}


async def test_a_public_key_is_no_hmac_secret(provider: Provider) -> None:
    pem = RSA_SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = segment({"alg": "HS256", "kid": "k1"}), segment(claims())
    mac = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    token = f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert await refused(provider, token) == "algorithm"


async def test_other_algorithms_of_the_same_key_are_refused(provider: Provider) -> None:
    for algorithm in ("RS384", "RS512", "PS256"):
        token = jwt.encode(claims(), RSA_SIGNER.key, algorithm, headers={"kid": "k1"})
        assert await refused(provider, token) == "algorithm"
    token = jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "k1"})
    assert await refused(provider, token) == "algorithm"


async def test_a_stranger_under_a_known_kid_is_refused(provider: Provider) -> None:
    assert await refused(provider, Signer(kid="k1").sign(claims())) == "signature"


async def test_keys_inside_the_token_are_never_used(provider: Provider) -> None:
    stranger = Signer(kid="own")
    token = stranger.sign(
        claims(), jwk=stranger.jwk(), jku="https://evil.test/jwks", x5u="https://evil.test/c"
    )
    assert await refused(provider, token) == "unknown_key"


@pytest.mark.parametrize("kid", ["", "x" * 129, "../../dev/null", "k1' OR '1'='1", "k1\x00", "K1"])
async def test_kid_tricks(provider: Provider, kid: str) -> None:
    assert await refused(provider, RSA_SIGNER.sign(claims(), kid=kid)) in {"kid", "unknown_key"}


async def test_a_kid_must_be_there_and_be_text(provider: Provider) -> None:
    for head in (
        {"alg": "RS256"},
        {"alg": "RS256", "kid": 1},
        {"alg": "RS256", "kid": ["k1"]},
        {"alg": ["RS256"]},
    ):
        token = f"{segment(head)}.{segment(claims())}.AAAA"
        assert await refused(provider, token) in {"kid", "malformed", "algorithm"}


async def test_a_critical_header_that_is_not_understood_is_refused(provider: Provider) -> None:
    for names in (["exp"], ["x-own"], [], "exp"):  # RFC 7515 s.4.1.11; PyJWT sees to it
        token = RSA_SIGNER.sign(claims(), crit=names, **{"x-own": True})
        assert await refused(provider, token) in {"malformed", "signature"}


async def test_a_changed_claim_breaks_the_signature(provider: Provider) -> None:
    head, _, signature = RSA_SIGNER.sign(claims()).split(".")
    assert await refused(provider, f"{head}.{segment(claims(groups=['admin']))}.{signature}") == "signature"


async def test_a_token_beyond_the_limit_is_not_even_parsed(provider: Provider) -> None:
    assert await refused(provider, "a" * 8193) == "too_long"


@given(st.text(max_size=200) | st.tuples(st.text(), st.text(), st.text()).map(".".join))
async def test_rubbish_is_refused_by_name(text: str) -> None:
    provider = Provider(signer=RSA_SIGNER)
    with pytest.raises(RefusedError):
        await provider.verifier.verify(text)


async def test_weak_and_foreign_keys_of_a_set_are_left_out(provider: Provider) -> None:
    weak = Signer(kid="weak", key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - the attack
    provider.source.keys = [
        weak.jwk(),
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "EC", "kid": "p384", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "broken", "n": "!!", "e": 5},
        {**RSA_SIGNER.jwk(), "kid": "enc", "use": "enc"},
        "not an object",  # type: ignore[list-item] # what a broken provider may send
        {"kty": "RSA"},
        RSA_SIGNER.jwk(),
    ]
    assert (await provider.verifier.verify(RSA_SIGNER.sign(claims()))).agent_id == "agent-1"
    for kid in ("weak", "oct", "p384", "broken", "enc"):
        assert await provider.keys.find(kid) is None


async def test_a_set_that_is_none_lets_nobody_in(provider: Provider) -> None:
    async def fetch() -> dict[str, Any]:
        return {"keys": "k1"}

    provider.source.fetch = fetch  # type: ignore[method-assign] # the provider answers nonsense
    with pytest.raises(JwksUnavailableError):
        await provider.verifier.verify(RSA_SIGNER.sign(claims()))
