"""Verifying an OIDC access token: our two algorithms, the provider's keys, our clock."""

from typing import Any

import jwt

from shared.clock import Clock
from shared.http.jwks import Keys
from shared.http.principal import Principal, RefusedError, principal

MAX_TOKEN = 8192  # characters; a Cognito access token with a few groups has about 1,000
_UNTIMED: Any = {  # signature only: issuer, audience and times are ours to judge, by the injected clock
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Verifier:
    """Turns a bearer token into a Principal."""

    def __init__(self, keys: Keys, issuer: str, audience: str, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def verify(self, token: str) -> Principal:
        """The bearer. Raises RefusedError, or JwksUnavailableError when the provider cannot be asked."""
        algorithm, kid = _header(token)
        key = await self._keys.find(kid)
        if key is None:
            raise RefusedError("unknown_key")
        if key.algorithm != algorithm:
            raise RefusedError("algorithm")
        claims = _claims(token, key.key, algorithm)
        return principal(claims, self._issuer, self._audience, self._clock.now_ms() / 1000)


def _header(token: str) -> tuple[str, str]:
    """Algorithm and kid; keys or addresses of keys inside a token (jwk, jku, x5u) are never looked at."""
    if len(token) > MAX_TOKEN:
        raise RefusedError("too_long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise RefusedError("malformed") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ("RS256", "ES256"):
        raise RefusedError("algorithm")
    if not isinstance(kid, str) or not 0 < len(kid) <= 128:  # noqa: PLR2004 - Cognito's kids have 44
        raise RefusedError("kid")
    return algorithm, kid


def _claims(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    try:
        return jwt.decode(token, key, algorithms=[algorithm], options=_UNTIMED)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise RefusedError("signature") from error
