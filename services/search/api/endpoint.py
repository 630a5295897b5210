"""The search API's one endpoint."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.search.api.finder import Answer, Finder, Mode
from services.search.port import Hit, IndexUnavailableError
from services.search.query import MAX_QUERY, WIRE_TYPES, Parsed, parse
from shared.http.access import Staff
from shared.http.cursor import decode, encode
from shared.http.principal import CLEARED
from shared.http.problems import Problem

MAX_LIMIT = 50  # each hit is checked against the record; a screen shows about twenty
_CONVERSATION = r"^c_[a-z2-7]{26}$"


class Histogram(Protocol):
    """Takes seconds (prometheus_client.Histogram)."""

    def observe(self, amount: float) -> None:
        """Count one request."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoint needs; stands on `app.state.search`."""

    finder: Finder
    seconds: Histogram


class Highlight(BaseModel):
    """A fragment of the message: HTML with nothing but <mark>, everything else escaped."""

    field: str = Field(
        description="body, caption, filename, place, cards, transcript, ocr or former (an earlier wording)"
    )
    html: str


class SearchHit(BaseModel):
    """A message found; `order_key` and `conversation_id` say where to jump."""

    message_id: str
    conversation_id: str
    order_key: str
    alias: str | None
    at: str = Field(description="RFC 3339, ms")
    type: str
    direction: Literal["in", "out"]
    highlights: list[Highlight]


class SearchTotal(BaseModel):
    """How many there are; counted to 1,000, beyond it `exact` is false."""

    value: int
    exact: bool


class SearchAnswer(BaseModel):
    """One page of hits."""

    hits: list[SearchHit]
    total: SearchTotal
    cursor: str | None = Field(description="the next page; null at the end")
    approximate: bool = Field(description="nothing was found as typed; these forgive typing errors")
    degraded: bool = Field(description="there was no time for the whole answer")
    dropped_terms: int = Field(description="terms beyond the limit, not looked for")


class _Position(BaseModel):
    after: list[int | float | str]
    mode: Mode


router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", summary="Search messages")
async def search(
    request: Request,
    caller: Staff,
    q: Annotated[
        str, Query(max_length=MAX_QUERY, description='words "phrase" -word de: tipo: desde: hasta: #tag')
    ] = "",
    cursor: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    sort: Annotated[Literal["relevance", "newest"], Query()] = "relevance",
    type: Annotated[list[str] | None, Query(max_length=20)] = None,  # noqa: A002 - its name in the address
    from_: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: Annotated[AwareDatetime | None, Query(description="exclusive")] = None,
    conversation_id: Annotated[list[str] | None, Query(max_length=20)] = None,
) -> SearchAnswer:
    """Messages that match. Unknown operators are words; a page behind the last is empty."""
    began = asyncio.get_running_loop().time()
    parts: Parts = request.app.state.search
    parsed = _narrowed(parse(q), sort, type or [], conversation_id or [], from_, to)
    scope = _scope(q, parsed)
    position = decode(cursor, _Position, scope)
    try:
        answer = await _found(parts.finder, parsed, limit, position, cleared=caller.has(CLEARED))
    except IndexUnavailableError as error:
        raise Problem(503, "search-unavailable", headers={"Retry-After": "5"}) from error
    finally:
        parts.seconds.observe(asyncio.get_running_loop().time() - began)
    return _rendered(answer, parsed, scope)


async def _found(
    finder: Finder, parsed: Parsed, limit: int, position: _Position | None, *, cleared: bool
) -> Answer:
    if position is None:
        return await finder.find(parsed, limit, cleared=cleared)
    return await finder.find(parsed, limit, position.after, position.mode, cleared=cleared)


def _narrowed(
    parsed: Parsed,
    sort: Literal["relevance", "newest"],
    types: Sequence[str],
    conversations: Sequence[str],
    from_: datetime | None,
    to: datetime | None,
) -> Parsed:
    """The question with the address's filters on top of its own: the narrower of both."""
    if wrong := [each for each in types if each not in WIRE_TYPES]:
        raise Problem(422, "invalid", f"type.{types.index(wrong[0])}")
    query = parsed.query
    if types:
        query = replace(
            query, types=tuple(each for each in types if not query.types or each in query.types) or ("-",)
        )
    if conversations:
        query = replace(query, conversation_ids=tuple(conversations))
    bounds: dict[str, Any] = {
        "from_ms": _latest(query.from_ms, from_),
        "to_ms": _earliest(query.to_ms, to),
        "sort": sort,
    }
    return replace(parsed, query=replace(query, **bounds))


def _latest(own: int | None, given: datetime | None) -> int | None:
    both = [each for each in (own, _ms(given)) if each is not None]
    return max(both, default=None)


def _earliest(own: int | None, given: datetime | None) -> int | None:
    both = [each for each in (own, _ms(given)) if each is not None]
    return min(both, default=None)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _scope(q: str, parsed: Parsed) -> str:
    """A cursor belongs to one question, filters and order included."""
    return f"search {q} {parsed.query!r}".replace("\0", " ")


def _rendered(answer: Answer, parsed: Parsed, scope: str) -> SearchAnswer:
    after = answer.after
    following = None if after is None else encode(_Position(after=list(after), mode=answer.mode), scope)
    return SearchAnswer(
        hits=[_hit(hit, alias) for hit, alias in answer.hits],
        total=SearchTotal(value=answer.total, exact=answer.exact),
        cursor=following,
        approximate=answer.mode == "fuzzy",
        degraded=answer.mode == "cheap" or answer.partial,
        dropped_terms=parsed.dropped,
    )


def _hit(hit: Hit, alias: str | None) -> SearchHit:
    facts = hit.facts
    moment = datetime.fromtimestamp(facts["ts"] / 1000, UTC)
    return SearchHit(
        message_id=facts["message_id"],
        conversation_id=facts["conversation_id"],
        order_key=facts["order_key"],
        alias=alias,
        at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        type=facts["type"],
        direction=facts["direction"],
        highlights=[
            Highlight(field=name, html=each) for name, parts in hit.highlights.items() for each in parts
        ],
    )
