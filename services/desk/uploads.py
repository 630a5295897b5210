"""Files of agents on their way to a reply: declared, put into the bucket by the browser, handed to services/media.

What an upload is and who writes what of it: shared/media/uploads.py. Each step may be made again: the id is made of
the request, the object is put at most once, and `upload.completed` is owed in the same transaction as the step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import due_item, outbox, publish_outbox
from shared.http.principal import Principal
from shared.http.problems import Problem
from shared.ids import Ids, upload_id
from shared.media.uploads import ENDED, KEPT_MS, LIMITS, MB, OPEN, PENDING, TABLE, Kind, upload_key
from shared.objects.port import Objects
from shared.record import events
from shared.record.commit import commit
from shared.record.files import Files
from shared.store.port import Attr, ConditionFailedError, ContendedError, Delete, Item, Op, Put, Store, Update

SERVICE = "desk"
KIND = "upload"  # of the due item that ends an upload
TICKET_S = 15 * 60  # 100 MB at 1 Mbit/s
KB = 1_000
REFUSED = frozenset({"failed", "quarantined"})


class UploadIn(BaseModel):
    """A file an agent is about to upload; `mime` without parameters, `size` in bytes, exactly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    mime: Annotated[str, Field(min_length=3, max_length=128)]
    size: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where the bytes go by PUT, once: headers as given, until `expires_at` (ms)."""

    url: str
    headers: Mapping[str, str]
    expires_at: int


class Tickets(Protocol):
    """Signs addresses of the bucket, so that no file passes through the API."""

    async def put(self, key: str, mime: str, size: int, ttl_s: int) -> tuple[str, Mapping[str, str]]:
        """URL and headers of a PUT of exactly these bytes' number and type, where no object is yet."""
        ...


class Uploads:
    """Makes, completes, finds and ends uploads.

    Args:
        bucket: the media bucket.
        files: forgets the file of an upload that is over.
    """

    def __init__(
        self, store: Store, bucket: Objects, files: Files, tickets: Tickets, bus: Bus, clock: Clock, ids: Ids
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._files = files
        self._tickets = tickets
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def open(self, asked: UploadIn, caller: Principal, key: str) -> Item:
        """The upload of a request; the same request is the same upload.

        Raises Problem: a type or size WhatsApp does not take, or the key was used for another file.
        """
        _check(asked)
        item = self._made(asked, caller, key)
        end = due_item(SERVICE, item["expires_at"] + KEPT_MS, KIND, item["pk"], upload_id=item["pk"])
        try:
            await commit(self._store, self._ids, [Put(TABLE, item, absent=True), end])
        except ConditionFailedError:
            return await self._again(item)
        return item

    async def ticket(self, upload: Item) -> Ticket | None:
        """Where its bytes go; None once they are there."""
        if upload["state"] != OPEN:
            return None
        url, headers = await self._tickets.put(
            upload_key(upload["pk"]), upload["mime"], upload["size"], TICKET_S
        )
        return Ticket(url, headers, self._clock.now_ms() + TICKET_S * 1000)

    async def complete(self, upload: str, caller: Principal) -> Item:
        """Hand the bytes that were put to services/media, once.

        Raises Problem: they are not there, or not those that were declared; these are dropped, to be put again.
        """
        item = await self.get(upload, caller)
        if item["state"] != OPEN:
            return item
        info = await self._bucket.head(upload_key(upload))
        if info is None:
            raise Problem(409, "upload-missing", "upload_id")
        if info.size != item["size"]:
            await self._bucket.delete(upload_key(upload))
            raise Problem(409, "upload-size", "size", declared=item["size"], found=info.size)
        return await self._completed(item)

    async def get(self, upload: str, caller: Principal) -> Item:
        """An upload of the caller's. Raises Problem 404."""
        item = await self._store.get(TABLE, upload)
        if item is None or item.get("agent") != caller.agent_id or item["state"] == ENDED:
            raise Problem(404, "not-found", "upload_id")
        return item

    async def usable(self, upload: str, kind: Kind, caller: Principal) -> Item:
        """An upload that a message of `kind` may carry; it may still be checked. Raises Problem."""
        item = await self.get(upload, caller)
        if item["state"] == OPEN:
            raise Problem(409, "upload-open", "upload_id")
        if item["kind"] != kind:
            raise Problem(422, "upload-kind", "type")
        if item["state"] in REFUSED:
            raise Problem(409, "upload-refused", "upload_id")
        if item["expires_at"] <= self._clock.now_ms():
            raise Problem(409, "upload-over", "upload_id")
        return item

    async def on_due(self, item: Item) -> None:
        """A due item of kind `upload`: its bytes and its item go, and the file unless a message has it."""
        upload = await self._store.get(TABLE, item["upload_id"])
        await self._bucket.delete(upload_key(item["upload_id"]))
        if upload is None:
            return
        if "sha256" in upload:
            await self._files.release(upload["sha256"], upload["pk"], 0)
        await self._store.write(Delete(TABLE, upload["pk"], upload["sk"]))

    def _made(self, asked: UploadIn, caller: Principal, key: str) -> Item:
        now = self._clock.now_ms()
        return {
            "pk": upload_id(caller.agent_id, key),
            "sk": "-",
            "agent": caller.agent_id,
            **asked.model_dump(),
            "state": OPEN,
            "made_at": now,
            "expires_at": now + KEPT_MS,
            "rev": 1,
        }

    async def _again(self, item: Item) -> Item:
        seen = await self._store.get(TABLE, item["pk"])
        if seen is None or seen["state"] == ENDED:  # this very moment
            raise ContendedError("upload: gone while it was asked for again")
        # Once it is settled, `mime` and `size` are what was found and no longer what was declared.
        told = ("kind",) if "sha256" in seen else ("kind", "mime", "size")
        if any(seen[name] != item[name] for name in told):
            raise Problem(409, "idempotency-key-reused", "Idempotency-Key")
        return seen

    async def _completed(self, item: Item) -> Item:
        now = self._clock.now_ms()
        after: Item = {**item, "state": PENDING, "rev": item["rev"] + 1}
        found = [events.upload_completed(after, events.Envelope(now, correlation=item["pk"]))]
        owed = outbox(SERVICE, now, found)
        moved = Update(
            TABLE, item["pk"], "-", set={"state": PENDING}, add={"rev": 1}, condition=Attr("state").eq(OPEN)
        )
        ops: list[Op] = [moved, *owed]
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:  # the same request, faster
            return await self._store.get(TABLE, item["pk"]) or after
        await publish_outbox(self._bus, self._store, found, owed)
        return after


def unit(kind: Kind) -> int:
    """In what a kind's size is spoken of, bytes: MB, or kB where the limit is less than one."""
    return MB if LIMITS[kind].size >= MB else KB


def _check(asked: UploadIn) -> None:
    """What can be refused before a byte was sent, with its remedy."""
    limit = LIMITS[asked.kind]
    if asked.mime not in limit.mimes:
        raise Problem(422, f"upload-type-{asked.kind}", "mime")
    if asked.size < 1:
        raise Problem(422, "upload-empty", "size")
    if asked.size > limit.upload:
        raise Problem(
            422,
            f"upload-large-{asked.kind}",
            "size",
            size=-(-asked.size // unit(asked.kind)),
            limit=limit.upload // unit(asked.kind),
        )
