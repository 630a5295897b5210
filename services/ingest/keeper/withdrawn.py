"""What a person took back, and the desk's policy erases, leaves every other place too (shared/record/changes.py).

Once a day: what a hold covered until now is taken out of the record first. Then files, what was read out of them and
large contents go, message by message; last the archive, for all of them together: the envelopes of the days in which
they may lie are looked at, those in which Meta delivered them again included. What a hold covers stays.
"""

from collections.abc import Collection, Mapping

from services.ingest import understand
from services.ingest.archive import Arrived, slot
from services.ingest.archived import Archived, numbered
from services.ingest.keeper.settings import SERVICE
from services.ingest.origin import Ours
from shared.clock import Clock
from shared.due import outbox
from shared.ids import SKEW_PAST_S, Ids
from shared.media.reading import KIND as READING
from shared.objects.port import ObjectMissingError, Objects
from shared.record import events
from shared.record.changes import DONE, Changes
from shared.record.commit import commit
from shared.record.files import Files
from shared.record.holds import Held
from shared.record.inbound import Origin
from shared.record.shape import is_message_sk
from shared.record.waits import Place, children_of
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Store,
    Update,
)
from shared.whatsapp.item import AnyItem, MessageItem

PREFIX = "raw/eum/"
WITHDRAWN: Mapping[str, str] = {"state": "failed", "reason": "withdrawn"}
_NS = 1_000_000_000


class Withdrawn:
    """Takes what was taken back out of files, readings and the archive.

    Args:
        changes: takes it out of the record. files: of the media bucket.
        ours: which of our numbers an item concerns.
        scope: our portfolio.
    """

    def __init__(
        self,
        store: Store,
        raw: Objects,
        files: Files,
        changes: Changes,
        ours: Ours,
        scope: str,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._files = files
        self._changes = changes
        self._ours = ours
        self._scope = scope
        self._clock = clock
        self._ids = ids

    async def run(self, holds: Held) -> int:
        """Everything taken back since the last run; answers how many envelopes were rewritten."""
        async for each in self._store.scan("messages"):
            if "take_back" in each and _free(each, holds):
                revoked = each["take_back"] == "revoke"
                await self._changes.take_back(Place(each["pk"], each["sk"]), revoked=revoked)
        items = {
            each["message_id"]: each async for each in self._store.scan("messages") if _open(each, holds)
        }
        if not items:
            return 0
        for item in items.values():
            await self._cleaned(item)
        count = await self._sweep(items)
        for item in items.values():
            await self._done(item)
        return count

    async def _cleaned(self, item: Item) -> None:
        """Large contents; of what was deleted also files and what was read out of them."""
        rows = await children_of(self._store, Place(item["pk"], item["sk"]))
        for key in [row["gone_ref"] for row in (item, *rows) if "gone_ref" in row]:
            await self._raw.delete(key)
        if not item.get("files_go"):
            return
        for row in [each for each in rows if each.get("kind") == READING]:
            if "sealed_ref" in row:
                await self._raw.delete(row["sealed_ref"])
            await self._store.write(Delete("messages", row["pk"], row["sk"]))
        await self._released(item)

    async def _released(self, item: Item) -> None:
        """Its files: references first, for the last one takes the file with it; then the message says so."""
        message_id, media = item["message_id"], item["media"]
        for each in [each for each in media if "sha256" in each]:
            await self._files.release(each["sha256"], message_id, each["n"])
        for prefix in (f"incoming/{message_id}/", f"transcripts/{message_id}"):
            await self._files.drop(prefix)
        left = [{"n": each["n"], "mime": each["mime"], **WITHDRAWN} for each in media]
        if left == media:
            return
        same = Attr("rev").eq(item["rev"])
        clean = Update(
            "messages", item["pk"], item["sk"], set={"media": left}, add={"rev": 1}, condition=same
        )
        try:
            await self._store.write(clean)
        except ConditionFailedError:
            raise ContendedError("message: moved while its files were released") from None

    async def _sweep(self, items: Mapping[str, Item]) -> int:
        arrivals = [int(item["arrival_ms"]) // 1000 for item in items.values()]
        first, last = slot((min(arrivals) - 10) * _NS), slot((max(arrivals) + SKEW_PAST_S) * _NS)
        count = 0
        async for info in self._raw.list(PREFIX):
            at = info.key[len(PREFIX) :]
            if at > f"{last}~":
                break
            if at >= first:
                count += await self._thinned(info.key, items.keys())
        return count

    async def _thinned(self, key: str, gone: Collection[str]) -> bool:
        try:
            found = await self._archived.read(key)
        except ObjectMissingError:
            return False
        places = [item.position for item in numbered(found) if self._id(item, found) in gone]
        if places:
            await self._archived.rewrite(found, places, key)
        return bool(places)

    def _id(self, item: AnyItem, found: Arrived) -> str:
        if not isinstance(item, MessageItem):
            return ""
        origin = Origin(found.raw_id, item.position, found.arrival_ns)
        return understand.inbound(item, self._ours.number(item.pnid) or "", origin, self._scope).message_id

    async def _done(self, item: Item) -> None:
        """It is finished with, and whoever shows or finds it is told."""
        current = await self._store.get("messages", item["pk"], item["sk"])
        if current is None:
            return
        now = self._clock.now_ms()
        told = events.changed(current, ["media"], events.Envelope(now, None, item.get("raw_id")))
        mark = Update("messages", item["pk"], item["sk"], set={DONE: True}, condition=Attr("pk").exists())
        try:
            await commit(self._store, self._ids, [mark, *outbox(SERVICE, now, [told])])
        except ConditionFailedError:
            return


def _open(item: Item, holds: Held) -> bool:
    mine = is_message_sk(item["sk"]) and bool(item.get("withdrawn")) and DONE not in item
    return mine and "raw_id" in item and _free(item, holds)


def _free(item: Item, holds: Held) -> bool:
    return holds.by(item.get("contact_id", ""), item["pk"]) is None
