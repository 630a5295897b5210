"""What the product needs of S3: whole small objects, streams for media, conditional creation."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Key, size in bytes, ETag and metadata of a stored object."""

    key: str
    size: int
    etag: str
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectMissingError(Exception):
    """No object with this key."""


class ObjectsUnavailableError(Exception):
    """No answer, throttled or a server fault: nothing is known of the effect."""


class Objects(Protocol):
    """One bucket."""

    bucket: str

    async def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        absent: bool = False,
    ) -> bool:
        """Store an object; with `absent` only where none exists (If-None-Match). False = it was there."""
        ...

    async def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissingError."""
        ...

    async def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        """The whole object and what is known of it, in one call. Raises ObjectMissingError."""
        ...

    def stream(self, key: str, chunk: int = 1 << 20) -> AsyncIterator[bytes]:
        """The object in chunks of at most `chunk` bytes. Raises ObjectMissingError."""
        ...

    async def put_stream(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Store a stream (multipart above 8 MiB) without holding it in memory; answers its size."""
        ...

    async def copy(self, source: str, target: str, *, content_type: str | None = None) -> None:
        """Copy inside the bucket on the server. Raises ObjectMissingError."""
        ...

    async def head(self, key: str) -> ObjectInfo | None:
        """What is stored under the key, or None."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """All objects under a prefix in key order."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; removing nothing is no error."""
        ...
