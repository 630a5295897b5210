"""Files for replies: an address to put the bytes at, and the word that they are there."""

from typing import Annotated

from fastapi import APIRouter, Path

from services.desk.api.parts import Desk
from services.desk.file_models import Upload, UploadTicket
from services.desk.media import outcome
from services.desk.uploads import Ticket, UploadIn
from shared.http.access import Staff
from shared.http.preconditions import IdempotencyKey
from shared.record.events import rfc3339
from shared.store.port import Item

router = APIRouter(prefix="/v1", tags=["uploads"])
UploadIdPath = Annotated[str, Path(pattern=r"^u_[a-z2-7]{26}$")]


@router.post("/uploads", status_code=201, summary="Begin to upload a file")
async def begin(caller: Staff, desk: Desk, asked: UploadIn, key: IdempotencyKey) -> UploadTicket:
    """An address for the file's bytes: PUT them there with the headers given, once. Then complete the upload.

    Asked again with the same key it is the same upload with a fresh address.
    """
    item = await desk.uploads.open(asked, caller, key)
    return _ticketed(item, await desk.uploads.ticket(item))


@router.post("/uploads/{upload_id}/complete", status_code=202, summary="The bytes are there")
async def complete(caller: Staff, desk: Desk, upload_id: UploadIdPath, _key: IdempotencyKey) -> Upload:
    """Have the file checked. A reply may carry it from now on and goes out once it is ready."""
    return shown(await desk.uploads.complete(upload_id, caller))


@router.get("/uploads/{upload_id}", summary="How far an upload is")
async def upload(caller: Staff, desk: Desk, upload_id: UploadIdPath) -> Upload:
    """An upload of one's own: its state, and why it was refused in plain Spanish."""
    return shown(await desk.uploads.get(upload_id, caller))


def shown(item: Item) -> Upload:
    """An upload to be shown."""
    return Upload(
        upload_id=item["pk"],
        kind=item["kind"],
        mime=item["mime"],
        size=item["size"],
        state=item["state"],
        explained=outcome(item["state"], item.get("reason"), uploaded=True),
        expires_at=rfc3339(item["expires_at"]),
    )


def _ticketed(item: Item, ticket: Ticket | None) -> UploadTicket:
    return UploadTicket(
        **shown(item).model_dump(),
        url=ticket.url if ticket else None,
        headers=dict(ticket.headers) if ticket else {},
        url_expires_at=rfc3339(ticket.expires_at) if ticket else None,
    )
