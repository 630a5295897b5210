"""The end of a file: with its last reference, never before, never by age.

A file is stored once under its hash; each message that has it keeps a reference (`media`, pk = sha256, sk =
`ref#<message_id>#<n>`). Before its bytes go its item is marked `going`, and only if then still nobody refers
to it are they deleted. Whoever adds a reference must do it in a transaction that demands `going` to be absent
(services/media/ledger.py), and comes again, with the bytes, where it is not.
"""

import hashlib
from collections.abc import Sequence

from shared.clock import Clock
from shared.ids import Ids
from shared.media.origin import LIKE, like_sk
from shared.objects.cdn import ORIGINAL, served_key
from shared.objects.port import ObjectMissingError, Objects
from shared.record.commit import commit
from shared.store.port import (
    Attr,
    Check,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Op,
    Put,
    Store,
    Update,
)

TABLE = "media"
GOING = "going"
_REFERENCE = "ref#"


class Files:
    """Files of the media bucket and who refers to them.

    Args:
        bucket: the media bucket.
    """

    def __init__(self, store: Store, bucket: Objects, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._bucket = bucket
        self._clock = clock
        self._ids = ids

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

    async def drop(self, prefix: str) -> int:
        """Delete what was brought, in `incoming/` or `uploads/`, and nobody settled; how many.

        A worker copies it to where it is kept before it writes the reference: one that died in between left a
        copy that nobody refers to. Whoever refers to the same bytes since puts them there again.
        """
        keys = [info.key async for info in self._bucket.list(prefix)]
        for key in keys:
            await self._unclaimed(await self._hash(key))
            await self._bucket.delete(key)
        return len(keys)

    async def _hash(self, key: str) -> str:
        sha = hashlib.sha256()
        try:
            async for chunk in self._bucket.stream(key):
                sha.update(chunk)
        except ObjectMissingError:
            return sha.hexdigest()  # settled just now, and with it known by its hash
        return sha.hexdigest()

    async def _unclaimed(self, sha256: str) -> None:
        if await self._store.get(TABLE, sha256) is None:
            await self._emptied(served_key(sha256).removesuffix(ORIGINAL))
            await self._bucket.delete(f"quarantine/{sha256}")

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
        await self._emptied(served_key(sha256).removesuffix(ORIGINAL))
        await self._bucket.delete(f"quarantine/{sha256}")
        await self._bequeath(sha256, item)
        rows = [("near", item["near_sk"])] if "near_sk" in item else []
        rows += [(item[LIKE], like_sk(sha256))] if LIKE in item else []
        for pk, sk in rows:
            await self._store.write(Delete(TABLE, pk, sk))
        try:
            await self._store.write(Delete(TABLE, sha256, "-", condition=Attr(GOING).exists()))
        except ConditionFailedError:
            return  # somebody else was as far

    async def _bequeath(self, sha256: str, item: Item) -> None:
        """Pictures that are grouped under this one go over to the group it is in itself, or to the first that stays."""
        beside = (await self._store.query(TABLE, sha256, Key("sk").begins_with(like_sk("")))).items
        members = [row["sk"].removeprefix(like_sk("")) for row in beside]
        heir = await self._heir([*([item[LIKE]] if LIKE in item else []), *members]) if members else None
        # The heir last: whoever dies on the way finds it again.
        for member in sorted(members, key=lambda each: each == heir):
            await self._regroup(member, sha256, None if heir == member else heir)
            await self._store.write(Delete(TABLE, sha256, like_sk(member)))

    async def _heir(self, candidates: Sequence[str]) -> str | None:
        """The first of some pictures that is not going itself."""
        found = await self._store.get_many([(TABLE, each, "-") for each in candidates])
        return next((key[1] for each in candidates if _stays(found.get(key := (TABLE, each, "-")))), None)

    async def _regroup(self, member: str, gone: str, heir: str | None) -> None:
        """One picture of a group whose first one goes; again it is the same. Raises ContendedError: the heir goes too."""
        stays = Attr("pk").exists() & Attr(GOING).not_exists()
        mine = stays & (Attr(LIKE).eq(gone) | Attr(LIKE).eq(heir or gone))
        ops: list[Op] = [Update(TABLE, member, "-", remove=[LIKE], condition=mine)]
        if heir:
            beside = {"pk": heir, "sk": like_sk(member), "at": self._clock.now_ms()}
            ops = [
                Update(TABLE, member, "-", set={LIKE: heir}, condition=mine),
                Put(TABLE, beside),
                Check(TABLE, heir, "-", stays),
            ]
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError as error:
            if 0 not in error.failed:
                raise ContendedError("media: a picture goes, and the one after it too") from None
            return  # gone or going, or in another group since

    async def _emptied(self, prefix: str) -> int:
        keys = [info.key async for info in self._bucket.list(prefix)]
        for key in keys:
            await self._bucket.delete(key)
        return len(keys)


def _stays(item: Item | None) -> bool:
    return item is not None and GOING not in item


def reference_sk(message_id: str, n: int) -> str:
    """Sort key of the reference of a message's n-th medium."""
    return f"{_REFERENCE}{message_id}#{n}"
