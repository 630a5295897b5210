"""The one way an endpoint knows its caller, and the check that no endpoint does without."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.http.bearer import Verifier
from shared.http.port import JwksUnavailableError
from shared.http.principal import EDITORS, STAFF, SUPPORT, Principal, RefusedError, Role
from shared.http.problems import Problem

_BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="OIDC access token")
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Requires:
    """Dependency: a verified caller who holds at least one of `roles`."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Principal:
        """The caller. Raises Problem 401, 403 or 503."""
        if credentials is None:
            raise Problem(401, "unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        caller = await _verified(request.app.state.verifier, credentials.credentials)
        if not caller.has(*self.roles):
            raise Problem(403, "forbidden")
        return caller


async def _verified(verifier: Verifier, token: str) -> Principal:
    try:
        return await verifier.verify(token)
    except RefusedError as error:
        code = "session-expired" if error.reason == "expired" else "unauthenticated"
        raise Problem(401, code, headers=_CHALLENGE) from error
    except JwksUnavailableError as error:
        raise Problem(503, "identity-provider-unavailable", headers={"Retry-After": "10"}) from error


Staff = Annotated[Principal, Depends(Requires(*STAFF))]
Editor = Annotated[Principal, Depends(Requires(*EDITORS))]
Admin = Annotated[Principal, Depends(Requires("admin"))]
Support = Annotated[Principal, Depends(Requires(*SUPPORT))]
StaffOrSupport = Annotated[Principal, Depends(Requires(*STAFF, "ops"))]


class UnguardedError(Exception):
    """An endpoint would be served without a rule that all endpoints keep."""


def check_guarded(router: APIRouter) -> None:
    """Raises UnguardedError at start, not at the first attack.

    Each endpoint must require a role, and each POST an Idempotency-Key.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise UnguardedError("something other than an endpoint is mounted")
        _check(route)


def _check(route: APIRoute) -> None:
    parts = list(_flatten(route.dependant))
    if not any(isinstance(part.call, Requires) and part.call.roles for part in parts):
        raise UnguardedError(f"{route.path} requires no role")
    keyed = any(field.alias == "Idempotency-Key" for part in parts for field in part.header_params)
    if "POST" in (route.methods or ()) and not keyed:
        raise UnguardedError(f"POST {route.path} takes no Idempotency-Key")


def _flatten(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from _flatten(part)
