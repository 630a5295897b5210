"""Routes, destinations and settings as they are written: versioned, audited, secrets kept elsewhere.

pk "route" | "destination" | "settings"  sk <id>          version and what it says
pk "<kind>-history#<id>"                 sk <10 digits>   each version as it was, for good
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.desk.audit import AuditLog
from shared.clock import Clock
from shared.http.principal import Principal
from shared.http.problems import Problem
from shared.record.changes import SETTING, Word
from shared.store.port import Attr, ConditionFailedError, Item, Op, Put, Store

Kind = Literal["route", "destination", "settings"]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MIN_SECRET = 24  # bytes; Standard Webhooks specification, "Signature scheme": 24 to 64
MAX_SECRET = 64
PREFIX = "whsec_"


class SecretWriter(Protocol):
    """The secret store, as far as the desk may use it: write, never read."""

    async def write(self, name: str, value: str) -> None:
        """Keep a value under a new name. Writing the same again is no error. Raises SecretsUnavailableError."""
        ...


class SecretsUnavailableError(Exception):
    """The secret store did not take the value."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Written):
    """Which messages a route takes; `values` are our numbers (pnid), types or words."""

    by: Literal["all", "number", "type", "keyword"]
    values: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=100)
    ] = ()


class RouteIn(_Written):
    """A route as written."""

    match: Match
    destinations: Annotated[tuple[Id, ...], Field(min_length=1, max_length=30)]
    enabled: bool = True


class DestinationIn(_Written):
    """A destination as written; `secret_value` is kept in the secret store and never comes back."""

    kind: Literal["webhook"]
    url: Annotated[str, Field(max_length=2000)]
    secret_value: Annotated[str | None, Field(max_length=200)] = None
    media: Literal["wait", "link", "none"] = "wait"
    wait_s: Annotated[int, Field(ge=0, le=3600)] = 10
    paused: bool = False

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.fragment:
            raise ValueError("an https address without user name and fragment")
        return value

    @field_validator("secret_value")
    @classmethod
    def _secret(cls, value: str | None) -> str | None:
        if value is not None and not MIN_SECRET <= len(_decoded(value)) <= MAX_SECRET:
            raise ValueError("whsec_ and 24 to 64 bytes in base64")
        return value


def _decoded(value: str) -> bytes:
    try:
        return (
            base64.b64decode(value.removeprefix(PREFIX), validate=True) if value.startswith(PREFIX) else b""
        )
    except (binascii.Error, ValueError):
        return b""


class ChangesIn(_Written):
    """What becomes of edited and deleted messages, as written."""

    edited: Word = "keep"
    revoked: Word = "keep"


class ChangesSetting(ChangesIn):
    """The same as it stands; version 0 = nobody has said anything yet."""

    version: int


class Route(BaseModel):
    """A route as it stands; its ETag is the version."""

    id: str
    version: int
    match: Match
    destinations: list[str]
    enabled: bool


class Destination(BaseModel):
    """A destination as it stands; of its secret only whether there is one."""

    id: str
    version: int
    kind: str
    url: str
    media: str
    wait_s: int
    paused: bool
    secret_set: bool


class Rules:
    """Reads and writes them.

    Args:
        prefix: the environment's, in front of every secret's name.
        plain_http: whether an address may be http (destinations on this machine).
    """

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        secrets: SecretWriter,
        clock: Clock,
        prefix: str,
        *,
        plain_http: bool,
    ) -> None:
        self._store = store
        self._audit = audit
        self._secrets = secrets
        self._clock = clock
        self._prefix = prefix
        self._plain_http = plain_http

    async def all(self, kind: Kind) -> list[Item]:
        """Every item of a kind by id."""
        items: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query("config", kind, start=start)
            items += page.items
            start = page.next
            if start is None:
                return items

    async def one(self, kind: Kind, key: str) -> Item:
        """One item. Raises Problem 404."""
        item = await self._store.get("config", kind, key)
        if item is None:
            raise Problem(404, "not-found", "id")
        return item

    async def put_route(
        self, key: str, route: RouteIn, caller: Principal, expected: int | Literal["absent"]
    ) -> Item:
        """Write a route. Raises Problem 412 where somebody was faster, 422 for an unknown destination."""
        for n, name in enumerate(route.destinations):
            if await self._store.get("config", "destination", name) is None:
                raise Problem(422, "destination-unknown", f"destinations.{n}")
        return await self._put("route", key, route.model_dump(mode="json"), caller, expected)

    async def put_destination(
        self, key: str, destination: DestinationIn, caller: Principal, expected: int | Literal["absent"]
    ) -> Item:
        """Write a destination, its new secret first and under a new name, so that a refused write leaks nothing in."""
        if not destination.url.startswith("https://") and not self._plain_http:
            raise Problem(422, "invalid", "url")
        before = await self._store.get("config", "destination", key)
        _check(before, expected)
        said = destination.model_dump(mode="json", exclude={"secret_value"})
        if destination.secret_value is None:
            if before is None:
                raise Problem(422, "secret-missing", "secret_value")
            secret = before["secret"]
        else:
            secret = f"{self._prefix}destination/{key}/{_next(expected)}-{self._clock.now_ms()}"
            await self._keep_secret(secret, destination.secret_value)
        return await self._put("destination", key, {**said, "secret": secret}, caller, expected)

    async def changes(self) -> Item:
        """What becomes of edited and deleted messages; the default where nothing is said."""
        return await self._store.get(*SETTING) or {"version": 0, **ChangesIn().model_dump()}

    async def put_changes(
        self, said: ChangesIn, caller: Principal, expected: int | Literal["absent"]
    ) -> Item:
        """Write it. Raises Problem 412 where somebody was faster."""
        return await self._put("settings", SETTING[2], said.model_dump(), caller, expected)

    async def _keep_secret(self, name: str, value: str) -> None:
        try:
            await self._secrets.write(name, value)
        except SecretsUnavailableError as error:
            raise Problem(503, "unavailable", headers={"Retry-After": "5"}) from error

    async def _put(
        self,
        kind: Kind,
        key: str,
        said: Mapping[str, Any],
        caller: Principal,
        expected: int | Literal["absent"],
    ) -> Item:
        item: Item = {
            **said,
            "pk": kind,
            "sk": key,
            "version": _next(expected),
            "changed_by": caller.agent_id,
            "changed_at": self._clock.now_ms(),
        }
        kept: Item = {**item, "pk": f"{kind}-history#{key}", "sk": f"{item['version']:010d}"}
        current = Put("config", item, absent=True)
        if expected != "absent":
            current = Put("config", item, condition=Attr("version").eq(expected))
        ops: list[Op] = [current, Put("config", kept, absent=True)]
        try:
            await self._audit.record(
                caller.agent_id, f"{kind}.changed", key, {"version": item["version"]}, beside=ops
            )
        except ConditionFailedError as error:
            raise Problem(412, "changed", "If-Match" if expected != "absent" else "If-None-Match") from error
        return item


def _next(expected: int | Literal["absent"]) -> int:
    return 1 if expected == "absent" else expected + 1


def _check(before: Item | None, expected: int | Literal["absent"]) -> None:
    """Raises Problem 412 where the write would be refused anyway."""
    if (before["version"] if before else "absent") != expected:
        raise Problem(412, "changed", "If-None-Match" if expected == "absent" else "If-Match")


def changes(item: Item) -> ChangesSetting:
    """The setting to be shown."""
    return ChangesSetting(version=item["version"], edited=item["edited"], revoked=item["revoked"])


def route(item: Item) -> Route:
    """A route to be shown."""
    return Route(
        id=item["sk"],
        version=item["version"],
        match=Match.model_validate(item["match"]),
        destinations=list(item["destinations"]),
        enabled=item["enabled"],
    )


def destination(item: Item) -> Destination:
    """A destination to be shown."""
    shown = {name: item[name] for name in ("version", "kind", "url", "media", "wait_s", "paused")}
    return Destination(id=item["sk"], secret_set=bool(item.get("secret")), **shown)


def listed(items: Sequence[Item]) -> list[Item]:
    """Items in the order of their ids."""
    return sorted(items, key=lambda item: str(item["sk"]))
