"""The end of a file: with its last reference, never before, never by age.

A file is stored once under its hash; each message that has it keeps a reference (`media`, pk = sha256, sk =
`ref#<message_id>#<n>`). Before its bytes go its item is marked `going`, and only if then still nobody refers
to it are they deleted. Whoever adds a reference must do it in a transaction that demands `going` to be absent
(services/media/ledger.py), and comes again, with the bytes, where it is not.
"""

from shared.clock import Clock
from shared.objects.cdn import ORIGINAL, served_key
from shared.objects.port import Objects
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Key, Store, Update

TABLE = "media"
GOING = "going"
_REFERENCE = "ref#"


class Files:
    """Files of the media bucket and who refers to them.

    Args:
        bucket: the media bucket.
    """

    def __init__(self, store: Store, bucket: Objects, clock: Clock) -> None:
        self._store = store
        self._bucket = bucket
        self._clock = clock

    async def references(self, sha256: str) -> list[str]:
        """Sort keys of some references to a file; empty = nobody refers to it."""
        page = await self._store.query(TABLE, sha256, Key("sk").begins_with(_REFERENCE))
        return [item["sk"] for item in page.items]

    async def release(self, sha256: str, message_id: str, n: int) -> bool:
        """Drop one reference; the last one takes the file with it. True = the file is gone. Again is no error."""
        await self._store.write(Delete(TABLE, sha256, reference_sk(message_id, n)))
        if await self.references(sha256):
            return False
        item = await self._marked(sha256)
        if item is None:
            return True
        if await self.references(sha256):
            await self._store.write(Update(TABLE, sha256, "-", remove=[GOING]))
            return False
        await self._remove(sha256, item)
        return True

    async def drop_incoming(self, message_id: str) -> int:
        """Delete what a source brought for a message and nobody settled; how many."""
        return await self._drop(f"incoming/{message_id}/")

    async def _marked(self, sha256: str) -> Item | None:
        """The file's item, marked; None where it is gone already."""
        going = {GOING: self._clock.now_ms()}
        mark = Update(TABLE, sha256, "-", set=going, condition=Attr("pk").exists())
        try:
            return await self._store.write(mark)
        except ConditionFailedError:
            return None

    async def _remove(self, sha256: str, item: Item) -> None:
        """The bytes, what stands beside the item and about it elsewhere (services/media/similar.py), then itself."""
        await self._drop(served_key(sha256).removesuffix(ORIGINAL))
        await self._bucket.delete(f"quarantine/{sha256}")
        beside = (await self._store.query(TABLE, sha256, Key("sk").begins_with("like#"))).items
        rows = [(sha256, row["sk"]) for row in beside]
        rows += [("near", item["near_sk"])] if "near_sk" in item else []
        rows += [(item["like"], f"like#{sha256}")] if "like" in item else []
        for pk, sk in rows:
            await self._store.write(Delete(TABLE, pk, sk))
        try:
            await self._store.write(Delete(TABLE, sha256, "-", condition=Attr(GOING).exists()))
        except ConditionFailedError:
            return  # somebody else was as far

    async def _drop(self, prefix: str) -> int:
        keys = [info.key async for info in self._bucket.list(prefix)]
        for key in keys:
            await self._bucket.delete(key)
        return len(keys)


def reference_sk(message_id: str, n: int) -> str:
    """Sort key of the reference of a message's n-th medium."""
    return f"{_REFERENCE}{message_id}#{n}"
