"""The person's files: in the bucket, and where the CDN holds copies of them.

What the CDN must forget is put down before the files go (`config`, pk "cdn#<erasure_id>", sk = the object's key):
whoever dies in between still knows it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from services.ingest.keeper.ports import Edges
from services.ingest.keeper.rows import partition, rows_of, written
from shared.media.uploads import ENDED, ENDING, TABLE, WAIT, upload_key, wait_sk
from shared.objects.cdn import ORIGINAL, served_key
from shared.objects.port import Objects
from shared.record.erasure import Outcome
from shared.record.files import Files, reference_sk
from shared.record.ledger import Subject
from shared.record.shape import is_message_sk
from shared.store.port import (
    Attr,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Key,
    Put,
    Store,
    Update,
)

ERASED_MEDIUM: Mapping[str, str] = {"state": "failed", "reason": "erased"}
TRANSCRIPTS = "transcripts/"  # services/media/transcript.py: a job is named after its message
AT_ONCE = 1000  # CloudFront quota: 3,000 files in invalidations under way a distribution


class MediaEraser:
    """The person's files: each reference goes, and with the last one the file with its renditions.

    Args:
        bucket: the media bucket.
    """

    place = "media"

    def __init__(self, store: Store, bucket: Objects, files: Files) -> None:
        self._store = store
        self._bucket = bucket
        self._files = files

    async def erase(self, subject: Subject) -> Outcome:
        """Release every file of every message."""
        count = 0
        async for row in rows_of(self._store, subject):
            if is_message_sk(row["sk"]) and row.get("media"):
                count += await self._message(row, subject)
        return Outcome(count)

    async def _message(self, row: Item, subject: Subject) -> int:
        dropped = await self._left_behind(row["message_id"])
        fresh = [each for each in row["media"] if not _gone(each)]
        if not fresh:
            return dropped
        for each in fresh:
            await self._medium(row["message_id"], each, subject)
        left = [{"n": each["n"], "mime": each["mime"], **ERASED_MEDIUM} for each in row["media"]]
        as_read = Attr("rev").eq(row["rev"])  # moved since: a file may have been settled
        cleaned = Update(
            "messages", row["pk"], row["sk"], set={"media": left}, add={"rev": 1}, condition=as_read
        )
        if not await written(self._store, cleaned):
            raise ContendedError("message: moved while its files were released")
        return len(fresh)

    async def _left_behind(self, message_id: str) -> int:
        """What lies there under a message's own name, also what came after the last round."""
        keys = [info.key async for info in self._bucket.list(f"{TRANSCRIPTS}{message_id}")]
        for key in keys:
            await self._bucket.delete(key)
        return len(keys) + await self._files.drop(f"incoming/{message_id}/")

    async def _medium(self, message_id: str, medium: Mapping[str, Any], subject: Subject) -> None:
        """Release what a message refers to; one of ours may be an agent's upload, which may end with it."""
        upload = await self._ending(message_id, medium)
        sha256 = medium.get("sha256") or (upload or {}).get("sha256")
        owners = [(message_id, medium["n"]), *([(upload["pk"], 0)] if upload else [])]
        if sha256:
            await self._owe(sha256, {reference_sk(*owner) for owner in owners}, subject)
            for owner, n in owners:
                await self._files.release(sha256, owner, n)
        if upload:
            await self._files.drop(upload_key(upload["pk"]))
            await self._store.write(Delete(TABLE, upload["pk"], "-"))

    async def _ending(self, message_id: str, medium: Mapping[str, Any]) -> Item | None:
        """The upload that a medium came of, where it ends with it: not while somebody else's message waits for it.

        It is marked first, looked at second, and ends where it is still marked: whoever records a message of it
        takes the mark away.
        """
        if "upload_id" not in medium:
            return None
        upload_id = medium["upload_id"]
        await self._store.write(Delete(TABLE, upload_id, wait_sk(message_id, medium["n"])))
        here, still = Attr("pk").exists(), Attr(ENDING).exists()
        try:
            await self._store.write(Update(TABLE, upload_id, "-", set={ENDING: True}, condition=here))
            if (await self._store.query(TABLE, upload_id, Key("sk").begins_with(WAIT))).items:
                return None
            return await self._store.write(
                Update(TABLE, upload_id, "-", set={"state": ENDED}, condition=still)
            )
        except ConditionFailedError:
            return None  # it is over, or somebody is sent it just now

    async def _owe(self, sha256: str, mine: set[str], subject: Subject) -> None:
        """Put down what the CDN may hold of a file that goes."""
        if not set(await self._files.references(sha256)) <= mine:
            return  # it stays, and is somebody else's too
        async for info in self._bucket.list(served_key(sha256).removesuffix(ORIGINAL)):
            await self._store.write(Put("config", {"pk": _owed(subject), "sk": info.key}))


class CdnEraser:
    """What the CDN holds of files that went: a signed URL that is still good must find nothing.

    Args:
        edges: None where no distribution is configured, so that nothing is ever held.
    """

    place = "cdn"

    def __init__(self, store: Store, edges: Edges | None) -> None:
        self._store = store
        self._edges = edges

    async def erase(self, subject: Subject) -> Outcome:
        """Have it forget each object; counts objects. Comes after MediaEraser."""
        keys = [row["sk"] async for row in partition(self._store, "config", _owed(subject))]
        for start in range(0, len(keys), AT_ONCE):
            await self._batch(keys[start : start + AT_ONCE], subject)
        if self._edges is None:
            return Outcome(note="Sin distribución con caché (CDMX_CDN_DISTRIBUTION): no guarda copias.")
        return Outcome(len(keys), note="Invalidación pedida a CloudFront, que la cumple en minutos.")

    async def _batch(self, keys: Sequence[str], subject: Subject) -> None:
        if self._edges is not None:
            paths = [f"/{key}" for key in keys]
            digest = hashlib.sha256("\n".join(paths).encode()).hexdigest()[:16]
            await self._edges.forget(paths, f"{subject.erasure_id}-{digest}")
        for key in keys:
            await self._store.write(Delete("config", _owed(subject), key))


def _gone(medium: Mapping[str, str]) -> bool:
    return medium.get("reason") == ERASED_MEDIUM["reason"]


def _owed(subject: Subject) -> str:
    return f"cdn#{subject.erasure_id}"
