"""Files that agents send: what an upload is, who writes what of it, and how large each kind may be.

The road. The desk makes an upload and signs an address; the browser puts the bytes to `uploads/<upload_id>`; the
desk sees them there and, in one transaction, moves the upload to `pending` and owes `upload.completed`. services/media
looks at the file as at any other and settles the upload (state, sha256 ..), with `media.settled` of owner upload_id.
A reply records its message with a medium {n: 0, mime, state: pending, upload_id} whatever the upload's state is:
services/media, told by `message.recorded`, settles the upload first where it is not, then the message's medium out of
it, with the file's reference of that message, and `media.settled` of the message moves the gateway's lane. So nobody
waits for anybody, one upload serves several messages, and each of them keeps the file alive by itself. Until it is
settled it says so beside the upload, in the transaction that records it: an upload that also went to somebody who is
erased ends with them only where nobody waits for it (services/ingest/keeper/erasers/files.py).

`media`, pk = upload_id, sk = "-":
    the desk: agent, kind, mime and size as declared, state open -> pending, made_at and expires_at (ms), rev
    services/media: state ready | failed | quarantined, reason, sha256, mime and size as found, sends, renditions, rev+1;
        beside the file `ref#<upload_id>#0` (shared/record/files.py) until the upload expires
    the keeper: `ending` before it looks whether somebody waits, state ended where nobody does
`media`, pk = upload_id, sk = `wait#<message_id>#<n>`: conversation_id, order_key, n of a medium that waits for it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from shared.store.port import Attr, Op, Put, Update

TABLE = "media"
OPEN, PENDING = "open", "pending"
Kind = Literal["image", "video", "audio", "voice", "document", "sticker"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ENDING, ENDED, WAIT = "ending", "ended", "wait#"
KEPT_MS = 24 * 3600 * 1000  # an upload that is in no message is gone a day later
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """What a kind may be.

    Attributes:
        mimes: types that may be uploaded. size: bytes WhatsApp takes.
        upload: bytes that may be uploaded: what services/media can make small enough.
    """

    mimes: frozenset[str]
    size: int
    upload: int


_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCUMENTS = frozenset(
    {
        "application/pdf",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        f"{_OFFICE}wordprocessingml.document",
        f"{_OFFICE}spreadsheetml.sheet",
        f"{_OFFICE}presentationml.presentation",
        "text/plain",
    }
)
# AWS End User Messaging Social user guide, "Supported media file types and sizes in WhatsApp"; Meta, Cloud API,
# "Media": a voice note is OGG with the Opus codec. Browsers record WebM or MP4, which services/media makes it of.
LIMITS: Mapping[Kind, Limit] = {
    "image": Limit(frozenset({"image/jpeg", "image/png"}), 5 * MB, 25 * MB),
    "video": Limit(frozenset({"video/mp4", "video/3gpp"}), 16 * MB, 100 * MB),
    "audio": Limit(
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
        16 * MB,
        16 * MB,
    ),
    "voice": Limit(
        frozenset({"audio/ogg", "audio/mp4", "audio/mpeg", "audio/aac", "audio/webm"}), 16 * MB, 16 * MB
    ),
    "document": Limit(_DOCUMENTS, 100 * MB, 100 * MB),
    "sticker": Limit(frozenset({"image/webp"}), 500_000, 500_000),
}


def upload_key(upload_id: str) -> str:
    """Where an upload's bytes lie in the media bucket."""
    return f"uploads/{upload_id}"


def wait_sk(message_id: str, n: int) -> str:
    """Sort key, beside an upload, of a medium that waits for it."""
    return f"{WAIT}{message_id}#{n}"


def waits(message: Mapping[str, Any]) -> list[Op]:
    """The ops by which a message is recorded as waiting for its uploads; they fail where one has ended."""
    stays = Attr("pk").exists() & Attr("state").ne(ENDED)
    return [
        op
        for each in message["media"]
        if "upload_id" in each
        for op in (
            Update(TABLE, each["upload_id"], "-", remove=[ENDING], condition=stays),
            Put(TABLE, _wait(message, each)),
        )
    ]


def _wait(message: Mapping[str, Any], medium: Mapping[str, Any]) -> dict[str, Any]:
    n = int(medium["n"])
    place = {"conversation_id": message["pk"], "order_key": message["sk"], "n": n}
    return {"pk": medium["upload_id"], "sk": wait_sk(message["message_id"], n), **place}
