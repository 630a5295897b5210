"""Who calls: an agent's id and roles, read out of verified claims."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Role = Literal["agent", "editor", "admin", "ops", "machine"]
ROLES: tuple[Role, ...] = get_args(Role)
STAFF: tuple[Role, ...] = ("agent", "editor", "admin")
EDITORS: tuple[Role, ...] = ("editor", "admin")
CLEARED: Role = (
    "admin"  # who sees what is hidden, and of protected people until each has a list of named readers
)
SUPPORT: tuple[Role, ...] = ("admin", "ops")

LEEWAY_S = 30  # clocks of provider and task may differ by this much
_SUBJECT = re.compile(r"[A-Za-z0-9._:@|+=-]{1,128}")  # no '#': it separates the parts of our keys


class RefusedError(Exception):
    """The token does not let its bearer in; `reason` is a label, never a part of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller; `expires_at` (s since the epoch) is when the token ends, and a stream with it."""

    agent_id: str
    roles: frozenset[Role]
    expires_at: int

    def has(self, *roles: Role) -> bool:
        """Whether the caller holds at least one of `roles`."""
        return not self.roles.isdisjoint(roles)


def principal(claims: Mapping[str, Any], issuer: str, audience: str, now_s: float) -> Principal:
    """Decide on verified claims.

    Cognito's access tokens carry `client_id` and `cognito:groups` and no `aud` (AWS: "Understanding the
    access token"); other providers follow RFC 9068 with `aud`, and name the groups `groups`.

    Raises:
        RefusedError: with the reason as a label.
    """
    if claims.get("iss") != issuer:
        raise RefusedError("issuer")
    if not _for_us(claims, audience):
        raise RefusedError("audience")
    if claims.get("token_use", "access") != "access":
        raise RefusedError("not_an_access_token")
    expires = _in_time(claims, now_s)
    return Principal(_subject(claims), _roles(claims), expires)


def _for_us(claims: Mapping[str, Any], audience: str) -> bool:
    aud = claims.get("aud")
    if aud is None:
        return claims.get("client_id") == audience
    return audience in (aud if isinstance(aud, list) else [aud])


def _in_time(claims: Mapping[str, Any], now_s: float) -> int:
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int):
        raise RefusedError("no_expiry")
    if expires <= now_s - LEEWAY_S:
        raise RefusedError("expired")
    for name in ("nbf", "iat"):
        moment = claims.get(name, 0)
        if not isinstance(moment, int | float) or moment > now_s + LEEWAY_S:
            raise RefusedError("not_yet_valid")
    return expires


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None:
        raise RefusedError("subject")
    return subject


def _roles(claims: Mapping[str, Any]) -> frozenset[Role]:
    groups = claims.get("cognito:groups", claims.get("groups"))
    held = groups if isinstance(groups, list) else []
    return frozenset(role for role in ROLES if role in held)
