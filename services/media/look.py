"""One pass over a file in the bucket: hashed, measured, looked at and scanned, and never held."""

import contextlib
import hashlib
from collections.abc import AsyncGenerator

from services.media.ports import Scanner, Sniffer
from services.media.structure import HEAD_BYTES, TAIL_BYTES, inspect
from services.media.verdict import LIMIT, SNIFFED_BYTES, Found
from shared.objects.port import Objects


class _Ends:
    """What of a stream is kept: its hash, its size, its first and last bytes."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self.size = 0
        self.head = b""
        self.tail = b""

    def take(self, chunk: bytes) -> None:
        self._sha.update(chunk)
        self.size += len(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + chunk)[:HEAD_BYTES]
        self.tail = (self.tail + chunk)[-TAIL_BYTES:]

    def found(self, sniffed: str, finding: str | None) -> Found:
        structure = inspect(self.head, self.tail, self.size, sniffed)
        return Found(self._sha.hexdigest(), self.size, sniffed, structure, finding)


class Looker:
    """Looks at files of the media bucket.

    Args:
        bucket: where they lie.
        sniffer: names their type. scanner: names what is wrong with them; while it is down nobody knows.
    """

    def __init__(self, bucket: Objects, sniffer: Sniffer, scanner: Scanner) -> None:
        self._bucket = bucket
        self._sniffer = sniffer
        self._scanner = scanner

    async def look(self, key: str, size: int) -> Found:
        """What the file is. One beyond the limit is not scanned: it is served to nobody.

        Raises ScannerUnavailableError and what the bucket raises.
        """
        ends = _Ends()
        async with contextlib.aclosing(self._pass(key, ends)) as chunks:
            if size <= LIMIT:
                finding = await self._scanner.scan(chunks)
            else:
                finding = None
                async for _ in chunks:
                    pass
        sniffed = self._sniffer.mime(ends.head[:SNIFFED_BYTES]).lower() if ends.size else ""
        return ends.found(sniffed, finding)

    async def _pass(self, key: str, ends: _Ends) -> AsyncGenerator[bytes]:
        async for chunk in self._bucket.stream(key):
            ends.take(chunk)
            yield chunk
