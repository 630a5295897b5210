"""Our account as operators see it: what Meta last said of each thing, who must look, and statuses nobody asked for."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from services.desk.file_models import Model
from services.desk.models import Reason
from services.desk.view import reason
from shared.policy import state as policy
from shared.record.accounts import Accounts
from shared.record.events import rfc3339
from shared.record.waits import listed
from shared.store.port import Item, Store

WAITING = 100  # statuses a page


class Alert(Model):
    """A person must look; the runbook says what to do."""

    name: str
    severity: Literal["page", "warn"]
    runbook: str


class AccountFact(Model):
    """The newest event of one kind about one thing (a number, a template, the account, a limit)."""

    thing: str = Field(description="NUMBER#..., TEMPLATE#..., ACCOUNT#..., TIER#... or FIELD#...")
    what: str = Field(description="the webhook's field")
    state: str = Field(description="Meta's word for what is now")
    at: str
    facts: dict[str, Any]
    alert: Alert | None
    event_id: str


class Breaker(Model):
    """Whether all sends of an account are stopped, and by which of Meta's codes."""

    waba: str
    open: bool
    reason: Reason | None
    opened_at: str | None
    closed_at: str | None


class WaitingStatus(Model):
    """A status of a message we do not know: sent by somebody else, or lost; it goes 8 days after it came."""

    target: str = Field(description="the id its message would have")
    status: str
    reason: Reason | None
    arrived_at: str
    raw_id: str


class Account(Model):
    """Our account, numbers and templates now."""

    facts: list[AccountFact]
    breakers: list[Breaker]
    waiting: list[WaitingStatus]
    cursor: str | None = Field(description="more waiting statuses behind it; null at the end")


class AccountEvent(Model):
    """One account event with its content as received."""

    event_id: str
    what: str
    state: str
    at: str
    raw_id: str
    erased: bool
    value: Any


class AccountView:
    """Reads them.

    Args:
        wabas: our accounts.
    """

    def __init__(self, store: Store, accounts: Accounts, wabas: Sequence[str]) -> None:
        self._store = store
        self._accounts = accounts
        self._wabas = wabas

    async def facts(self) -> list[AccountFact]:
        """Whatever needs a look first, then the newest first."""
        items = await self._accounts.listed()
        hurry = {"page": 0, "warn": 1, "": 2}
        order = sorted(items, key=lambda item: str(item["at"]), reverse=True)
        return [_fact(item) for item in sorted(order, key=lambda item: hurry[item["severity"]])]

    async def breakers(self) -> list[Breaker]:
        """One for each account of ours."""
        keys = {waba: (policy.TABLE, policy.breaker_pk(waba), "-") for waba in self._wabas}
        found = await self._store.get_many(list(keys.values())) if keys else {}
        return [_breaker(waba, found.get(key, {})) for waba, key in keys.items()]

    async def waiting(self, after: str | None, limit: int) -> tuple[list[WaitingStatus], str | None]:
        """Oldest first, and where the next page begins."""
        rows = await listed(self._store, limit + 1, after)
        shown = [_waiting(item) for _, item in rows[:limit]]
        return shown, rows[limit - 1][0] if len(rows) > limit else None

    async def event(self, event_id: str) -> AccountEvent | None:
        """One event; None where there is none."""
        found = await self._accounts.get(event_id)
        if found is None:
            return None
        item, content = found
        return AccountEvent(
            event_id=event_id,
            what=item["what"],
            state=item["state"],
            at=rfc3339(item["ts"] * 1000),
            raw_id=item["raw_id"],
            erased=content is None,
            value=(content or {}).get("value"),
        )


def _fact(item: Item) -> AccountFact:
    name = item["alarm"]
    alert = Alert(name=name, severity=item["severity"], runbook=f"docs/runbooks/{name}.md") if name else None
    return AccountFact(
        thing=item["key"],
        what=item["what"],
        state=item["state"],
        at=rfc3339(item["ts"] * 1000),
        facts=dict(item["facts"]),
        alert=alert,
        event_id=item["item_id"],
    )


def _breaker(waba: str, item: Item) -> Breaker:
    times = {name: rfc3339(item[name]) if name in item else None for name in ("opened_at", "closed_at")}
    known = bool(item.get("open", False))
    return Breaker(waba=waba, open=known, reason=reason(item["code"]) if "code" in item else None, **times)


def _waiting(item: Item) -> WaitingStatus:
    return WaitingStatus(
        target=item["pk"],
        status=item["status"],
        reason=reason(item["code"]) if "code" in item else None,
        arrived_at=rfc3339(item["arrival_ms"]),
        raw_id=item["raw_id"],
    )
