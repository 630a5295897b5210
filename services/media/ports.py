"""What media needs of the outside: Meta's files brought into our bucket, and a look at what a file is."""

from typing import Protocol


class MediaGoneError(Exception):
    """Meta no longer has the file, or never had it under this id: nothing brings it back."""


class MediaDeniedError(Exception):
    """Meta refuses this file to us."""


class MediaThrottledError(Exception):
    """Too many requests: nothing happened, come back."""


class MediaUnavailableError(Exception):
    """No answer or a server fault: the file may or may not be in the bucket already."""


class Source(Protocol):
    """EUM Social, as far as media goes."""

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        """Have a file put under `prefix` (ends in `/`) of the media bucket; the source chooses its name.

        Raises MediaGoneError, MediaDeniedError, MediaThrottledError, MediaUnavailableError.
        """
        ...


class Sniffer(Protocol):
    """Tells what a file is by its first bytes."""

    def mime(self, head: bytes) -> str:
        """MIME type, `application/octet-stream` where nothing is recognised."""
        ...
