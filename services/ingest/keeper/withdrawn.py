"""What a person took back, and the desk's policy erases, leaves the archive too (shared/record/changes.py).

Once a day, for all such messages together: the envelopes of the days in which they may lie are looked at, those
in which Meta delivered them again included. What a hold covers stays.
"""

from collections.abc import Collection, Mapping

from services.ingest import understand
from services.ingest.archive import Arrived, slot
from services.ingest.archived import Archived, numbered
from services.ingest.origin import Ours
from shared.ids import SKEW_PAST_S
from shared.objects.port import ObjectMissingError, Objects
from shared.record.holds import Held
from shared.record.inbound import Origin
from shared.record.shape import is_message_sk
from shared.store.port import Attr, ConditionFailedError, Item, Store, Update
from shared.whatsapp.item import AnyItem, MessageItem

PREFIX = "raw/eum/"
DONE = "unarchived"
_NS = 1_000_000_000


class Withdrawn:
    """Takes what was taken back out of the archive.

    Args:
        ours: which of our numbers an item concerns.
        scope: our portfolio.
    """

    def __init__(self, store: Store, raw: Objects, ours: Ours, scope: str) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._ours = ours
        self._scope = scope

    async def run(self, holds: Held) -> int:
        """Everything taken back since the last run; answers how many envelopes were rewritten."""
        items = {
            each["message_id"]: each async for each in self._store.scan("messages") if _open(each, holds)
        }
        if not items:
            return 0
        count = await self._sweep(items)
        for item in items.values():
            await self._done(item)
        return count

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
        mark = Update("messages", item["pk"], item["sk"], set={DONE: True}, condition=Attr("pk").exists())
        try:
            await self._store.write(mark)
        except ConditionFailedError:
            return


def _open(item: Item, holds: Held) -> bool:
    mine = is_message_sk(item["sk"]) and bool(item.get("withdrawn")) and DONE not in item
    return mine and "raw_id" in item and holds.by(item["contact_id"], item["pk"]) is None
