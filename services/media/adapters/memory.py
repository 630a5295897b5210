"""Meta's media in memory: puts a file into the bucket under a name of its own, as EUM Social does."""

import asyncio
from collections.abc import Mapping

from services.media.ports import MediaGoneError
from shared.objects.port import Objects


class MemorySource:
    """Serves the files it was given.

    Args:
        bucket: the media bucket.
        files: media id -> (MIME type, bytes).
    """

    def __init__(self, bucket: Objects, files: Mapping[str, tuple[str, bytes]]) -> None:
        self._bucket = bucket
        self._files = dict(files)

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        """Put the file under `prefix`. Raises MediaGoneError for an id it does not know."""
        del pnid  # every number may fetch here
        await asyncio.sleep(0)
        if media_id not in self._files:
            raise MediaGoneError(media_id)
        mime, data = self._files[media_id]
        await self._bucket.put(f"{prefix}{media_id}.bin", data, content_type=mime)
