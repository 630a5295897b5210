"""Routes and destinations as they lie in table `config`, read consistently and kept for a few seconds.

    pk "destination", sk <id>: version, kind "webhook", url, secret (name or ARN), media wait|link|none,
                               wait_s, paused
    pk "route",       sk <id>: version, enabled, match {by: all|number|type|keyword, values: [..]},
                               destinations [ids]

What an editor writes is checked when it is written (the desk); an item that cannot be read here is left out
and reported, so that one bad rule does not stop the others.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.due import Report
from shared.store.port import Item, Store

KEEP_S = 3.0
DESTINATION = "destination"
ROUTE = "route"

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
C = TypeVar("C", bound="_Entry")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sk: _Id
    version: int = 1

    @property
    def id(self) -> str:
        """Its id."""
        return self.sk


class Destination(_Entry):
    """Where messages go. `wait_s`: how long a message waits for its file before it goes without."""

    kind: Literal["webhook"]
    url: str
    secret: str
    media: Literal["wait", "link", "none"] = "wait"
    wait_s: float = Field(10, ge=0, le=3600)
    paused: bool = False


class Match(BaseModel):
    """Which messages a route takes; `values` are numbers (ours), types or words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: Literal["all", "number", "type", "keyword"]
    values: tuple[str, ...] = ()


class Route(_Entry):
    """Which messages go where."""

    match: Match
    destinations: tuple[_Id, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """All routes and destinations at one moment; `version` names this state of the routes."""

    routes: tuple[Route, ...] = ()
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    version: str = ""


class Config:
    """Reads the rules; one read serves everybody who asks within 3 s."""

    def __init__(self, store: Store, report: Report) -> None:
        self._store = store
        self._report = report
        self._rules = Rules()
        self._until = -1.0
        self._reading = asyncio.Lock()

    async def rules(self, ahead_s: float = 0.0) -> Rules:
        """The current rules, at most 3 s old.

        Args:
            ahead_s: read anew, too, where that would be due within this time, at most half of it all: who has
                time now spares who has none then.
        """
        async with self._reading:
            if asyncio.get_running_loop().time() + min(ahead_s, KEEP_S / 2) >= self._until:
                self._rules = await self._read()
                self._until = asyncio.get_running_loop().time() + KEEP_S
            return self._rules

    async def _read(self) -> Rules:
        routes = self._parsed(Route, await self._items(ROUTE))
        destinations = self._parsed(Destination, await self._items(DESTINATION))
        return Rules(tuple(routes), {each.id: each for each in destinations}, _version(routes))

    async def _items(self, kind: str) -> list[Item]:
        items: list[Item] = []
        start: Item | None = None
        while True:
            page = await self._store.query("config", kind, start=start)
            items += page.items
            start = page.next
            if start is None:
                return items

    def _parsed(self, model: type[C], items: list[Item]) -> list[C]:
        found: list[C] = []
        for item in items:
            try:
                found.append(model.model_validate(item))
            except ValidationError as error:
                self._report("config", error)
        return found


def _version(routes: list[Route]) -> str:
    named: list[Any] = [(route.id, route.version) for route in routes]
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]
