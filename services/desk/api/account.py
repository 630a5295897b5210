"""Our account: for those who support the system, and never a person's number or words."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.desk.account import WAITING, Account, AccountEvent
from services.desk.api.parts import Desk
from shared.http.access import Support
from shared.http.cursor import decode, encode
from shared.http.problems import Problem

router = APIRouter(prefix="/v1/account", tags=["account"])
EventId = Annotated[str, Path(pattern=r"^a_[0-9a-f]{32}\.\d{1,6}$")]


class _Position(BaseModel):
    after: str


@router.get("", summary="What Meta last said of our account, numbers and templates")
async def account(
    _caller: Support,
    desk: Desk,
    cursor: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = WAITING,
) -> Account:
    """Facts that need a look stand first. `cursor` goes on through the waiting statuses only."""
    position = decode(cursor, _Position, "account")
    waiting, more = await desk.account.waiting(position.after if position else None, limit)
    return Account(
        facts=await desk.account.facts(),
        breakers=await desk.account.breakers(),
        waiting=waiting,
        cursor=encode(_Position(after=more), "account") if more else None,
    )


@router.get("/events/{event_id}", summary="One account event as received")
async def event(caller: Support, desk: Desk, event_id: EventId) -> AccountEvent:
    """The change's value as Meta sent it; each look is audited, for some name a person."""
    found = await desk.account.event(event_id)
    if found is None:
        raise Problem(404, "not-found", "event_id")
    await desk.audit.record(caller.agent_id, "account_event.viewed", event_id)
    return found
