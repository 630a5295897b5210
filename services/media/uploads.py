"""Files that agents send: looked at as any other, made into what WhatsApp takes, then settled, they and their messages.

The road and the items: shared/media/uploads.py. `upload.completed` has the file scanned and put where it is kept; what
must be made of it is owed in `due` (kind `convert`), for a film takes minutes. A message of an upload that is not
settled has waited beside it since it was recorded: both sides write first and look second, so that they cannot miss
each other.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.media.ledger import SERVICE, GoingError, Ledger, file_item, medium, released
from services.media.look import Looker
from services.media.ports import Converter, Decoded, DecoderUnavailableError
from services.media.sending import Target, target
from services.media.verdict import UNKNOWN, Found, Verdict, judge
from shared.bus.port import Bus
from shared.clock import Clock
from shared.due import due_item
from shared.errors import RetryAfter
from shared.events.model import Event
from shared.ids import Ids
from shared.media.uploads import PENDING, TABLE, WAIT, upload_key
from shared.objects.cdn import ORIGINAL, served_key
from shared.objects.port import ObjectMissingError, Objects
from shared.observability.metrics import Metrics
from shared.record import events
from shared.record.commit import commit
from shared.record.files import reference_sk
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Key, Op, Put, Store, Update

CONVERT = "convert"  # kind of the due item
GOING_S = 2.0  # the keeper's removal of a file takes a few calls
FILM_S = 5.0  # one film at a time is encoded in a process
REFUSED_S = 60.0  # nothing is decoded here until somebody puts it right
SETTLED = frozenset({"ready", "failed", "quarantined"})
GONE = Verdict("failed", "upload_gone")
# What ails a file that is shown as it came is another thing where something has to be made of it.
_SENDING = {"damaged": "unreadable", "too_complex": "too_heavy", "no_preview": "unsupported"}


@dataclass(frozen=True, slots=True)
class Ports:
    """What uploads work with; `bucket` is the media bucket."""

    store: Store
    bucket: Objects
    converter: Converter
    bus: Bus
    clock: Clock
    ids: Ids
    metrics: Metrics


class Uploads:
    """Settles uploads and the media of messages that have them."""

    def __init__(self, ports: Ports, ledger: Ledger, looker: Looker) -> None:
        self._store = ports.store
        self._bucket = ports.bucket
        self._converter = ports.converter
        self._bus = ports.bus
        self._clock = ports.clock
        self._ids = ports.ids
        self._metrics = ports.metrics
        self._ledger = ledger
        self._looker = looker
        self._filming = False

    async def completed(self, upload_id: str) -> None:
        """Look at an upload's file; settle it where it cannot be sent, else owe what must be made of it."""
        upload = await self._store.get(TABLE, upload_id)
        if upload is not None and upload["state"] == PENDING:
            if "sha256" in upload:
                return  # it is owed, and goes on by itself
            upload = await self._looked(upload)
        if upload is None or upload["state"] in SETTLED:
            await self._told(upload_id, upload)

    async def on_convert(self, item: Item) -> None:
        """A due item of kind `convert`: make what WhatsApp takes, settle, tell; again, it only tells again.

        Raises RetryAfter while nothing can be decoded here.
        """
        upload = await self._store.get(TABLE, str(item["upload_id"]))
        if upload is not None and upload["state"] == PENDING:
            await self._stand(upload)
            upload = await self._converted(upload)
        await self._told(str(item["upload_id"]), upload)

    async def recorded(self, message: Item) -> None:
        """Settle the media of a message of ours that come of uploads, now or as soon as these are."""
        for each in message["media"]:
            if "upload_id" in each:
                await self._wanted(message, each)

    # --- the upload

    async def _looked(self, upload: Item) -> Item | None:
        key = upload_key(upload["pk"])
        try:
            found = await self._looker.look(key, int(upload["size"]))
        except ObjectMissingError:
            return await self._settle(upload, GONE)
        verdict = judge(upload["mime"], None, found)
        if verdict.state == "ready" and verdict.served_as == UNKNOWN:
            verdict = Verdict("failed", "mismatch", UNKNOWN)  # a page or a script in a text's name
        if verdict.state != "ready":
            return await self._settle(upload, verdict)
        await self._bucket.copy(key, served_key(found.sha256), content_type=verdict.served_as)
        return await self._kept(upload, verdict, found)

    async def _kept(self, upload: Item, verdict: Verdict, found: Found) -> Item | None:
        """Refer to the file and owe what must be made of it; answers the upload as it then is."""
        now = self._clock.now_ms()
        seen = {"sha256": found.sha256}
        moved = Update(TABLE, upload["pk"], "-", set=seen, condition=Attr("state").eq(PENDING))
        reference = {"pk": found.sha256, "sk": reference_sk(upload["pk"], 0), "at": now}
        ops: list[Op] = [
            moved,
            file_item(verdict, found, now),
            Put(TABLE, reference),
            due_item(SERVICE, now, CONVERT, upload["pk"], upload_id=upload["pk"]),
        ]
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError as error:
            if 0 not in error.failed:  # the same bytes are being deleted just now; ours wait where they are
                raise RetryAfter(self._ids.uniform(GOING_S, 2 * GOING_S), "media_going") from None
        return await self._store.get(TABLE, upload["pk"])

    async def _stand(self, upload: Item) -> None:
        """See that the file lies where it is kept (services/media/handlers.py, `_finish`), then drop what was put."""
        key, kept = upload_key(upload["pk"]), served_key(upload["sha256"])
        if await self._bucket.head(key) is None:
            return
        if await self._bucket.head(kept) is None:
            await self._bucket.copy(key, kept, content_type=await self._ledger.served_as(upload))
        await self._bucket.delete(key)

    async def _converted(self, upload: Item) -> Item | None:
        aim = target(upload["kind"], upload["mime"])
        if isinstance(aim, str):
            return await self._settle(upload, Verdict("failed", aim))
        if aim.name == ORIGINAL:
            return await self._settle(upload, Verdict("ready"))
        reason = await self._made(upload, aim)
        if reason:
            return await self._settle(upload, Verdict("failed", _SENDING.get(reason, reason)))
        info = await self._bucket.head(served_key(upload["sha256"], aim.name))
        size = info.size if info is not None else 0
        sent = {"sends": aim.name, "renditions": [aim.name], "mime": aim.mime, "size": size}
        return await self._settle(upload, Verdict("ready"), sent)

    async def _made(self, upload: Item, aim: Target) -> str:
        """Put the rendition beside the file, unless it lies there; answers why there is none."""
        key = served_key(upload["sha256"], aim.name)
        if await self._bucket.head(key) is not None:
            return ""
        film = upload["kind"] == "video"
        if film and self._filming:
            raise RetryAfter(FILM_S, "media_converting")  # the other decoders are for what comes in
        self._filming |= film
        try:
            decoded = await self._convert(upload)
        finally:
            self._filming &= not film
        try:
            for made in decoded.made:
                await self._bucket.put_stream(key, made.chunks(), content_type=made.mime)
        finally:
            await self._converter.release(decoded)
        return "" if decoded.made else decoded.reason or "damaged"

    async def _convert(self, upload: Item) -> Decoded:
        try:
            async with aclosing(self._pass(served_key(upload["sha256"]))) as chunks:
                return await self._converter.convert(chunks, upload["mime"], upload["kind"])
        except DecoderUnavailableError:
            raise RetryAfter(self._ids.uniform(REFUSED_S, 2 * REFUSED_S), "decoder_unavailable") from None

    async def _pass(self, key: str) -> AsyncGenerator[bytes]:
        async for chunk in self._bucket.stream(key):
            yield chunk

    async def _settle(self, upload: Item, verdict: Verdict, sent: Item | None = None) -> Item | None:
        """The upload's outcome, once; answers it as it then is, None where it ended meanwhile."""
        said = {
            "state": verdict.state,
            **({"reason": verdict.reason} if verdict.reason else {}),
            **(sent or {}),
        }
        pending = Attr("state").eq(PENDING)
        op = Update(TABLE, upload["pk"], "-", set=said, add={"rev": 1}, condition=pending)
        try:
            await commit(self._store, self._ids, [op])
        except ConditionFailedError:
            pass  # another task was as far
        else:
            self._metrics.media_outcomes_total.labels(verdict.reason or verdict.state).inc()
        if verdict.state != "ready":
            await self._bucket.delete(upload_key(upload["pk"]))
        return await self._store.get(TABLE, upload["pk"])

    # --- its messages

    async def _told(self, upload_id: str, upload: Item | None) -> None:
        """Tell of a settled upload, and settle what waits for it."""
        told: list[Event] = []
        if upload is not None and upload["state"] in SETTLED:
            told.append(events.upload_settled(upload, self._envelope(upload_id)))
        page = await self._store.query(TABLE, upload_id, Key("sk").begins_with(WAIT))
        for wait in page.items:
            told += await self._attached(wait, upload)
        if told:
            await self._bus.publish(told)
        for wait in page.items:
            await self._store.write(Delete(TABLE, upload_id, wait["sk"]))

    async def _wanted(self, message: Item, each: Item) -> None:
        """Settle a medium whose upload is settled, or gone; else whoever settles it finds who waits."""
        if each["state"] != PENDING:
            told = [events.media_settled(message, each["n"], self._envelope(message["message_id"]))]
            await self._bus.publish(told)
            return
        upload = await self._store.get(TABLE, each["upload_id"])
        if upload is None or upload["state"] in SETTLED:
            await self._told(each["upload_id"], upload)

    async def _attached(self, wait: Item, upload: Item | None) -> list[Event]:
        """Settle one message's medium out of its upload; its event."""
        n = int(wait["n"])
        message = await self._store.get("messages", wait["conversation_id"], wait["order_key"])
        if message is None or released(message):
            return []
        try:
            settled = await self._ledger.adopt(message, n, upload)
        except GoingError:
            settled = await self._ledger.adopt(message, n, None)
        if settled is None or released(settled.message):
            return []
        if settled.fresh:
            reason = medium(settled.message, n).get("reason")
            self._metrics.media_outcomes_total.labels(reason or medium(settled.message, n)["state"]).inc()
        return [events.media_settled(settled.message, n, self._envelope(message["message_id"]))]

    def _envelope(self, correlation: str) -> events.Envelope:
        return events.Envelope(self._clock.now_ms(), None, correlation)
