"""The provider's signing keys, kept by kid: rotation is followed, floods of unknown kids are not.

Time here is the event loop's, since only spans matter.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.http.port import JwksSource, JwksUnavailableError

FRESH_S = 600.0  # the set is fetched again after this, so that a withdrawn key stops working
STALE_S = 3600.0  # while the provider is down its last set serves this long, then nobody gets in
COOLDOWN_S = 10.0  # at most one fetch in this time, whatever kids arrive
MAX_KEYS = 20
MIN_RSA_BITS = 2048  # RFC 7518 s.3.3
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key and the one algorithm it may verify."""

    algorithm: str
    key: Any


def parse_keys(document: Mapping[str, Any]) -> dict[str, SigningKey]:
    """The usable keys of a JWK Set by kid; what is not a signing key of RS256 or ES256 is left out."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise JwksUnavailableError("no keys member")
    parsed = [_parse(entry) for entry in entries[:MAX_KEYS]]
    return dict(pair for pair in parsed if pair is not None)


def _parse(entry: Any) -> tuple[str, SigningKey] | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kid, algorithm = entry.get("kid"), _ALGORITHMS.get(str(entry.get("kty")))
    if not isinstance(kid, str) or algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK.from_dict(entry, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    strong = not isinstance(key, RSAPublicKey) or key.key_size >= MIN_RSA_BITS
    curve = algorithm != "ES256" or entry.get("crv") == "P-256"
    return (kid, SigningKey(algorithm, key)) if strong and curve else None


class Keys:
    """Signing keys by kid, fetched when needed and by one caller at a time."""

    def __init__(self, source: JwksSource) -> None:
        self._source = source
        self._keys: dict[str, SigningKey] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> SigningKey | None:
        """The key of this kid, or None. Raises JwksUnavailableError when no set is at hand."""
        if self._age(self._fetched) > FRESH_S or kid not in self._keys:
            async with self._lock:
                await self._refresh(kid)
        if self._age(self._fetched) > STALE_S:
            raise JwksUnavailableError("no current key set")
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        """Fetch unless another caller just did, or the provider was asked within the cool-down."""
        current = self._age(self._fetched) <= FRESH_S and kid in self._keys
        if current or self._age(self._tried) < COOLDOWN_S:
            return
        self._tried = asyncio.get_running_loop().time()
        try:
            self._keys = parse_keys(await self._source.fetch())
        except JwksUnavailableError:
            return  # the last set serves until it is stale; `find` says when there is none
        self._fetched = self._tried

    @staticmethod
    def _age(moment: float | None) -> float:
        return float("inf") if moment is None else asyncio.get_running_loop().time() - moment
