"""Names of imported chats that nobody could place, and whose they are."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.api.parts import Desk
from services.desk.models import Placed, UnplacedName, UnplacedPage
from shared.http.access import Editor
from shared.http.cursor import decode, encode
from shared.http.preconditions import IdempotencyKey
from shared.record.runs import RUN

router = APIRouter(prefix="/v1/imports", tags=["imports"])
Run = Annotated[str, Path(pattern=RUN, description="as the last line of `cdmx import` says")]
_CONTACT = r"^p_[0-9A-HJKMNP-TV-Z]{26}$"


class PlaceIn(BaseModel):
    """The person whose name it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contact_id: Annotated[str, Field(pattern=_CONTACT)]


class _Position(BaseModel):
    after: int


@router.get("/{run}/names", summary="Names an import could not place")
async def unplaced(
    caller: Editor,
    desk: Desk,
    run: Run,
    cursor: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> UnplacedPage:
    """Whom the run knows by a printed name alone, with the number of their messages, most first."""
    position = decode(cursor, _Position, f"names {run}")
    found = await desk.names.unplaced(run, caller)
    start = position.after if position else 0
    shown = [
        UnplacedName(contact_id=each.contact_id, name=each.name, messages=each.messages)
        for each in found[start : start + limit]
    ]
    more = start + limit < len(found)
    following = encode(_Position(after=start + limit), f"names {run}") if more else None
    return UnplacedPage(names=shown, total=len(found), cursor=following)


@router.post("/{run}/names/{contact_id}", summary="Say whose a name is")
async def place(
    caller: Editor,
    desk: Desk,
    run: Run,
    contact_id: Annotated[str, Path(pattern=_CONTACT)],
    body: PlaceIn,
    _key: IdempotencyKey,
) -> Placed:
    """The name's contact and the person become one; audited. `cdmx contacts unmerge` takes it back."""
    return Placed(contact_id=await desk.names.place(run, contact_id, body.contact_id, caller))
