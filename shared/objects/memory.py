"""One bucket in memory: S3's rules for the simulator and for unit tests."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from shared.objects.port import ObjectInfo, ObjectMissingError


@dataclass(frozen=True, slots=True)
class _Stored:
    body: bytes
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def info(self, key: str) -> ObjectInfo:
        etag = hashlib.md5(self.body, usedforsecurity=False).hexdigest()  # what S3 answers for a single put
        return ObjectInfo(key, len(self.body), etag, self.content_type, dict(self.metadata))


class MemoryObjects:
    """Objects over a dict; every call gives way to the loop once before its effect."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self._stored: dict[str, _Stored] = {}

    async def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        absent: bool = False,
    ) -> bool:
        """Store an object; with `absent` only where none exists. False = it was there."""
        await asyncio.sleep(0)
        if absent and key in self._stored:
            return False
        self._stored[key] = _Stored(bytes(body), content_type, dict(metadata or {}))
        return True

    async def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissingError."""
        await asyncio.sleep(0)
        return self._find(key).body

    async def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        """The whole object and what is known of it. Raises ObjectMissingError."""
        await asyncio.sleep(0)
        found = self._find(key)
        return found.body, found.info(key)

    async def stream(self, key: str, chunk: int = 1 << 20) -> AsyncIterator[bytes]:
        """The object in chunks of at most `chunk` bytes. Raises ObjectMissingError."""
        body = await self.get(key)
        for start in range(0, len(body), chunk):
            yield body[start : start + chunk]
            await asyncio.sleep(0)

    async def put_stream(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Store a stream, whole or not at all; answers its size."""
        body = b"".join([chunk async for chunk in chunks])
        await self.put(key, body, content_type=content_type, metadata=metadata)
        return len(body)

    async def copy(self, source: str, target: str, *, content_type: str | None = None) -> None:
        """Copy inside the bucket. Raises ObjectMissingError."""
        await asyncio.sleep(0)
        found = self._find(source)
        self._stored[target] = replace(found, content_type=content_type or found.content_type)

    async def head(self, key: str) -> ObjectInfo | None:
        """What is stored under the key, or None."""
        await asyncio.sleep(0)
        return self._stored[key].info(key) if key in self._stored else None

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """All objects under a prefix in key order; as on S3 without their type and metadata."""
        await asyncio.sleep(0)
        for key in sorted(key for key in self._stored if key.startswith(prefix)):
            if key in self._stored:
                info = self._stored[key].info(key)
                yield ObjectInfo(key, info.size, info.etag)

    async def delete(self, key: str) -> None:
        """Remove an object; removing nothing is no error."""
        await asyncio.sleep(0)
        self._stored.pop(key, None)

    def _find(self, key: str) -> _Stored:
        if key not in self._stored:
            raise ObjectMissingError(key)
        return self._stored[key]
