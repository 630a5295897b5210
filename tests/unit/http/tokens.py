"""An identity provider of one's own: keys, tokens as each provider writes them, and a clock to stop."""

import functools
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from shared.http.bearer import Verifier
from shared.http.jwks import Keys
from shared.http.memory import MemoryJwks

ISSUER = "https://issuer.test"
AUDIENCE = "desk-api"
NOW_S = 1_800_000_000


@dataclass
class StoppedClock:
    """A wall clock that moves only by hand."""

    now_s: float = NOW_S

    def now_ns(self) -> int:
        return int(self.now_s * 1_000_000_000)

    def now_ms(self) -> int:
        return int(self.now_s * 1000)


@dataclass
class Signer:
    """One private key with its kid."""

    kid: str = "k1"
    algorithm: str = "RS256"
    key: Any = None

    def __post_init__(self) -> None:
        if self.key is None:
            rsa_key = self.algorithm.startswith("RS")
            self.key = (
                rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
            )

    def jwk(self) -> dict[str, Any]:
        maker = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        entry: dict[str, Any] = maker.to_jwk(self.key.public_key(), as_dict=True)
        return {**entry, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.key, self.algorithm, headers={"kid": self.kid, **header})


def claims(**changed: Any) -> dict[str, Any]:
    """RFC 9068 claims of agent-1; None removes a claim."""
    base: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "agent-1",
        "iat": NOW_S - 60,
        "exp": NOW_S + 600,
        "groups": ["agent"],
    }
    return {name: value for name, value in {**base, **changed}.items() if value is not None}


def cognito(**changed: Any) -> dict[str, Any]:
    """Claims as a Cognito access token has them."""
    own = {"client_id": AUDIENCE, "token_use": "access", "cognito:groups": ["agent"]}
    return claims(**{"aud": None, "groups": None, **own, **changed})


@functools.cache
def signer() -> Signer:
    """One key for all providers of a run: making one takes a quarter of a second."""
    return Signer()


@dataclass
class Provider:
    """Source, cache and verifier wired together."""

    signer: Signer = field(default_factory=signer)
    clock: StoppedClock = field(default_factory=StoppedClock)

    def __post_init__(self) -> None:
        self.source = MemoryJwks([self.signer.jwk()])
        self.keys = Keys(self.source)
        self.verifier = Verifier(self.keys, ISSUER, AUDIENCE, self.clock)

    def token(self, *roles: str, agent: str = "agent-1", **changed: Any) -> str:
        return self.signer.sign(claims(groups=list(roles), sub=agent, **changed))

    def headers(self, *roles: str, agent: str = "agent-1", **extra: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, agent=agent)}", **extra}
