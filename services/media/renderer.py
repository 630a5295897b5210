"""Renditions, hashes and text of a file that is served already: owed in `due`, made once a file, told once a message."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from services.media.budgets import Budgets
from services.media.ledger import medium, released
from services.media.ports import Decoded, Decoder, DecoderUnavailableError
from services.media.readings import Readings
from services.media.renditions import has_words
from services.media.shelf import MOST_RENDERS, Shelf, hashes_of
from services.media.similar import Similar
from shared.bus.port import Bus
from shared.clock import Clock
from shared.errors import RetryAfter
from shared.ids import Ids
from shared.objects.cdn import ORIGINAL, served_key
from shared.objects.port import ObjectMissingError, Objects
from shared.record import events
from shared.record.commit import ATTEMPTS, commit
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Store, Update

OTHER_S = 5.0  # another task decodes the same file
REFUSED_S = 60.0  # nothing is decoded here until somebody puts it right
READ = "read"  # kind of the due item: words to be read once the sender's budget allows it
TOO_COMPLEX = Decoded(reason="too_complex")
Heard = Callable[[Item, int, Item], list[Op]]


@dataclass(frozen=True, slots=True)
class _Work:
    """A message's medium and what is known of its file."""

    message: Item
    n: int
    sha256: str


class Renderer:
    """Handles the due items of kind `render`.

    Args:
        bucket: the media bucket.
        heard: ops that have a rendered sound transcribed, where it is to be.
    """

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        similar: Similar,
        readings: Readings,
        decoder: Decoder,
        bucket: Objects,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        budgets: Budgets,
        heard: Heard,
    ) -> None:
        self._budgets = budgets
        self._heard = heard
        self._store = store
        self._shelf = shelf
        self._similar = similar
        self._readings = readings
        self._decoder = decoder
        self._bucket = bucket
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._busy: dict[str, None] = {}

    async def on_due(self, item: Item) -> None:
        """See that a message's file has its renditions, and tell; again, it only tells again.

        Raises RetryAfter while another task decodes it, or nothing can be decoded here.
        """
        n, sha256 = int(item["position"]), str(item["sha256"])
        message = await self._message(item)
        if message is None or medium(message, n).get("sha256") != sha256:
            await self._sweep(sha256)
            return
        if "renditions" not in medium(message, n):
            message = await self._made(_Work(message, n, sha256))
        if message is None:
            await self._sweep(sha256)
        else:
            await self._tell(message, n)

    async def _message(self, item: Item) -> Item | None:
        message = await self._store.get("messages", item["conversation_id"], item["order_key"])
        return None if message is None or released(message) else message

    async def _made(self, work: _Work) -> Item | None:
        """Have the file decoded unless it was, and write what came of it into the message; None where it is gone."""
        known = await self._shelf.get(work.sha256)
        if known is None:
            return None
        said: Mapping[str, Any] | None = None
        read = True
        if "rendered" not in known:
            read = await self._may_read(work, known)
            said, known = await self._decoded(work.sha256, known, read=read)
        elif (said := await self._readings.of_another(work.sha256)) is None:
            read = await self._may_read(work, known)
            said = await self.read(work.sha256, known, read=read)
        if known is None:
            return None
        if (hashes := hashes_of(known)) is not None:
            await self._similar.join(work.sha256, hashes)
        return await self._written(work, known, said, unread=not read)

    async def _may_read(self, work: _Work, known: Item) -> bool:
        """Whether words on it may be looked for now; where its sender's budget is used up that is owed for later."""
        words = has_words(str(known["mime"]))
        return not words or not await self._budgets.waits("ocr_pages", work.message, work.n, 1, READ)

    # --- the file

    async def _decoded(
        self, sha256: str, known: Item, *, read: bool
    ) -> tuple[Mapping[str, Any], Item | None]:
        """Decode a file whose turn is ours, take its renditions to the bucket, and keep what it gave."""
        if sha256 in self._busy:
            raise RetryAfter(OTHER_S, "media_rendering")
        if await self._bucket.head(served_key(sha256)) is None:
            # Deleted between its copy and its reference; whoever settled it puts it there again (handlers.py, _finish).
            raise RetryAfter(self._ids.uniform(OTHER_S, 2 * OTHER_S), "media_missing")
        self._busy[sha256] = None
        try:
            begun = await self._shelf.take(sha256)
            if begun is None:
                raise RetryAfter(OTHER_S, "media_rendering")
            if begun > MOST_RENDERS:
                await self._shelf.keep(sha256, TOO_COMPLEX, {})
                return {}, await self._shelf.get(sha256)
            return await self._rendered(sha256, str(known["mime"]), read=read)
        finally:
            del self._busy[sha256]

    async def _rendered(self, sha256: str, kind: str, *, read: bool) -> tuple[Mapping[str, Any], Item | None]:
        decoded = await self._decode(sha256, kind, read=read)
        try:
            for made in decoded.made:
                key = served_key(sha256, made.name)
                await self._bucket.put_stream(key, made.chunks(), content_type=made.mime)
        finally:
            await self._decoder.release(decoded)
        await self._shelf.keep(sha256, decoded, {made.name: made.mime for made in decoded.made})
        return _said(decoded), await self._shelf.get(sha256)

    async def read(self, sha256: str, known: Item, *, read: bool = True) -> Mapping[str, Any]:
        """Decode a file that has its renditions once more, for what it says; without `read` not for words on it."""
        if known.get("reason") == TOO_COMPLEX.reason:
            return {}
        decoded = await self._decode(sha256, str(known["mime"]), read=read)
        await self._decoder.release(decoded)
        return _said(decoded)

    async def _decode(self, sha256: str, kind: str, *, read: bool) -> Decoded:
        try:
            async with aclosing(self._pass(served_key(sha256))) as chunks:
                return await self._decoder.decode(chunks, kind, read=read)
        except DecoderUnavailableError:
            raise RetryAfter(self._ids.uniform(REFUSED_S, 2 * REFUSED_S), "decoder_unavailable") from None
        except ObjectMissingError:
            return Decoded()  # deleted meanwhile: whoever asks the shelf next will know

    async def _pass(self, key: str) -> AsyncGenerator[bytes]:
        async for chunk in self._bucket.stream(key):
            yield chunk

    async def _sweep(self, sha256: str) -> None:
        """A file that is gone leaves no rendition behind, whoever put one there last."""
        if await self._shelf.get(sha256) is not None:
            return
        async for info in self._bucket.list(served_key(sha256).removesuffix(ORIGINAL) + "r/"):
            await self._bucket.delete(info.key)

    # --- the message

    async def _written(
        self, work: _Work, known: Item, said: Mapping[str, Any], *, unread: bool
    ) -> Item | None:
        """Name the renditions in the message and put the reading beside it, in one transaction."""
        says = any(said.values())
        reading = await self._readings.op(work.message, work.n, said, unread=unread) if says else None
        for _ in range(ATTEMPTS * 4):
            message = await self._store.get("messages", work.message["pk"], work.message["sk"])
            if message is None or released(message):
                return None
            if "renditions" in medium(message, work.n):
                return message
            ops: list[Op] = [_named(message, work.n, known), *([reading] if reading else [])]
            ops += self._heard(message, work.n, known)
            try:
                await commit(self._store, self._ids, ops)
            except ConditionFailedError:
                continue
            return await self._store.get("messages", message["pk"], message["sk"])
        raise ContendedError("media: others kept moving the same message")

    async def _tell(self, message: Item, n: int) -> None:
        reading = await self._readings.get(message, n)
        what = ["media", *(["ocr"] if reading is not None and reading.get("read") else [])]
        envelope = events.Envelope(self._clock.now_ms(), None, message.get("raw_id"))
        await self._bus.publish([events.changed(message, what, envelope)])


def unheard(_message: Item, _n: int, _known: Item) -> list[Op]:
    """Nothing is transcribed."""
    return []


def _said(decoded: Decoded) -> dict[str, Any]:
    return {"text": decoded.text, "card": dict(decoded.card)}


def _named(message: Item, n: int, known: Item) -> Update:
    reason = {"reason": known["reason"]} if known.get("reason") else {}
    added = {"renditions": sorted(known.get("renditions", {})), **reason}
    media = [{**each, **added} if each["n"] == n else each for each in message["media"]]
    return Update(
        "messages",
        message["pk"],
        message["sk"],
        set={"media": media},
        add={"rev": 1},
        condition=Attr("rev").eq(message["rev"]),
    )
