"""Media's outside in memory: Meta's files, a scanner that knows a few patterns, a decoder that only hashes.

All of it is a function of the bytes, so that a simulated world replays.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from services.media.ports import Decoded, Hashes, MediaGoneError
from services.media.renditions import names
from services.media.sending import target
from shared.media.uploads import Kind
from shared.objects.port import Objects

# The EICAR test file's content, as every scanner knows it, in two halves so that no scanner finds this module.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


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


class MemoryScanner:
    """Finds byte patterns, wherever the stream was cut into chunks.

    Args:
        patterns: name -> bytes; None = EICAR alone.
    """

    def __init__(self, patterns: Mapping[str, bytes] | None = None) -> None:
        self._patterns = {"Desk.Eicar": EICAR} if patterns is None else dict(patterns)
        self._keep = max((len(pattern) for pattern in self._patterns.values()), default=1) - 1

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """The first pattern in the stream; takes all of it."""
        found, rest = None, b""
        async for chunk in chunks:
            rest += chunk
            found = found or next((name for name, what in self._patterns.items() if what in rest), None)
            rest = rest[len(rest) - self._keep :] if len(rest) > self._keep else rest
        await asyncio.sleep(0)
        return found

    async def probe(self) -> None:
        """It always answers."""
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class MemoryMade:
    """A rendition in memory."""

    name: str
    mime: str
    data: bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        yield self.data


class MemoryDecoder:
    """Makes every rendition a type has, each a few bytes that follow from the file's hash."""

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        """Renditions, hashes and a text, all derived from the bytes."""
        sha = hashlib.sha256()
        async for chunk in chunks:
            sha.update(chunk)
        digest = sha.digest()
        made = [MemoryMade(name, mime, name.encode() + digest) for name, mime in names(kind).items()]
        word = int.from_bytes(digest[:8], "big")
        picture = kind.startswith("image/")
        return Decoded(
            made=made,
            facts={"width": 1, "height": 1} if picture else {},
            hashes=Hashes((word, word ^ 1, word ^ 2), (word,)) if picture else None,
            card={"camera": digest.hex()[:8]} if picture else {},
            text=f"texto {digest.hex()[:8]}" if read and picture else "",
        )

    async def convert(self, chunks: AsyncIterator[bytes], kind: str, wish: Kind) -> Decoded:
        """The rendition WhatsApp takes, derived from the bytes."""
        sha = hashlib.sha256()
        async for chunk in chunks:
            sha.update(chunk)
        await asyncio.sleep(0)
        aim = target(wish, kind)
        if isinstance(aim, str):
            return Decoded(reason=aim)
        return Decoded(made=[MemoryMade(aim.name, aim.mime, aim.name.encode() + sha.digest())])

    async def release(self, decoded: Decoded) -> None:
        """Nothing is held."""
        del decoded
        await asyncio.sleep(0)
