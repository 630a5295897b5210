"""Live updates: a stream of server-sent events, or the same by polling; and who one is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from services.desk.api.parts import Desk, Parts
from services.desk.models import EventPage, LiveEvent, Me
from shared.http.access import StaffOrSupport
from shared.http.principal import Principal
from shared.record.events import rfc3339

router = APIRouter(prefix="/v1", tags=["live"])
KEEPALIVE_S = 15.0  # WHATWG HTML, "Server-sent events", authoring notes: a comment every 15 s or so
Seq = Annotated[int | None, Query(ge=0, le=10**15)]


@router.get(
    "/stream",
    summary="Server-sent events",
    response_model=None,
    responses={
        200: {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
async def stream(
    caller: StaffOrSupport,
    desk: Desk,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,15}$")] = None,
) -> EventSourceResponse:
    """Events as they happen, `id` their number. Last-Event-ID goes on behind it.

    First comes `ready` (or `reset`: the log no longer reaches back, load afresh) with the number to go on
    from. The stream ends with the token and when the task stops: connect again with the last id.
    """
    # FastAPI's own generator endpoints end in an error when a client leaves in the middle of a burst.
    return EventSourceResponse(_sent(caller, desk, last_event_id), headers={"X-Accel-Buffering": "no"})


@router.get("/events", summary="The same events, by polling")
async def events(
    caller: StaffOrSupport, desk: Desk, after: Seq = None, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> EventPage:
    """Events behind `after`; without it none, only the number to go on from."""
    if after is None:
        return EventPage(events=[], next=await desk.log.head(), reset=False)
    if not await desk.log.reaches(after):
        return EventPage(events=[], next=await desk.log.head(), reset=True)
    entries = await desk.log.read(after, limit)
    shown: list[LiveEvent] = await desk.live.render(entries, caller)
    return EventPage(events=shown, next=entries[-1].seq if entries else after, reset=False)


@router.get("/me", summary="Who I am")
async def me(caller: StaffOrSupport) -> Me:
    """The caller as the token says."""
    return Me(
        agent_id=caller.agent_id,
        roles=sorted(caller.roles),
        session_ends_at=rfc3339(caller.expires_at * 1000),
    )


async def _sent(caller: Principal, desk: Parts, last_event_id: str | None) -> AsyncIterator[bytes]:
    with desk.connected(caller.agent_id):
        seq, name = await _start(desk, last_event_id)
        yield _line(name, seq, b"{}")
        async for entries in desk.hub.follow(seq, _until(desk, caller), KEEPALIVE_S):
            if entries is None:
                yield _line("reset", await desk.hub.head(), b"{}")
                return
            if not entries:
                yield KEEPALIVE_COMMENT
            for event in await desk.live.render(entries, caller):
                yield _line(event.type, event.seq, event.model_dump_json().encode())


def _line(name: str, seq: int, data: bytes) -> bytes:
    return format_sse_event(event=name, id=str(seq), data_str=data.decode())


async def _start(desk: Parts, last_event_id: str | None) -> tuple[int, str]:
    """From which number a stream goes on, and what its first event is called."""
    if last_event_id is None:
        return await desk.hub.head(), "ready"
    if await desk.log.reaches(int(last_event_id)):
        return int(last_event_id), "ready"
    return await desk.hub.head(), "reset"


def _until(desk: Parts, caller: Principal) -> float:
    """When the token ends, on the loop's clock."""
    left_s = caller.expires_at - desk.clock.now_ms() / 1000
    return asyncio.get_running_loop().time() + left_s
