"""What media needs of the outside: Meta's files brought into our bucket, a look at a file, and it decoded."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from shared.media.uploads import Kind


class MediaGoneError(Exception):
    """Meta no longer has the file, or never had it under this id: nothing brings it back."""


class MediaDeniedError(Exception):
    """Meta refuses this file to us."""


class MediaThrottledError(Exception):
    """Too many requests: nothing happened, come back."""


class MediaUnavailableError(Exception):
    """No answer or a server fault: the file may or may not be in the bucket already."""


class ScannerUnavailableError(Exception):
    """The scanner gave no verdict: nothing is known of the file, and nothing of it may be served."""


class DecoderUnavailableError(Exception):
    """Nothing is decoded here now: the confinement or a program is missing."""


class TranscriberThrottledError(Exception):
    """Too many jobs or requests: nothing happened, come back."""


class TranscriberUnavailableError(Exception):
    """No answer or a server fault: the job may or may not have begun."""


class TranscriberRefusedError(Exception):
    """The job cannot be done: the file or the request is not what it takes."""


JobState = Literal["running", "done", "failed"]


class Transcriber(Protocol):
    """Amazon Transcribe, as far as one language and our bucket go."""

    async def start(self, job: str, key: str, form: str, output: str) -> None:
        """Begin a job on an object of the media bucket; one of this name that was begun before is no error.

        Args:
            job: its name, which is its identity.
            key: of the sound.
            form: ogg, mp3 .. (services/media/transcript.py).
            output: key of what it will write.

        Raises TranscriberRefusedError, TranscriberThrottledError, TranscriberUnavailableError.
        """
        ...

    async def status(self, job: str) -> JobState | None:
        """How far a job is; None where there is none of this name.

        Raises TranscriberThrottledError, TranscriberUnavailableError.
        """
        ...

    async def forget(self, job: str) -> None:
        """Remove a job, not its output; one that is not there is no error.

        Raises TranscriberThrottledError, TranscriberUnavailableError.
        """
        ...


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


class Scanner(Protocol):
    """Tells whether a file is known to be dangerous."""

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """The scanner's own name of what it found, None for nothing; takes the whole stream.

        Raises ScannerUnavailableError.
        """
        ...

    async def probe(self) -> None:
        """Returns where it answers. Raises ScannerUnavailableError."""
        ...


class Made(Protocol):
    """A rendition, waiting to be taken to the bucket."""

    @property
    def name(self) -> str:
        """As in CONTRACTS s.7."""
        ...

    @property
    def mime(self) -> str:
        """Its MIME type."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes, once."""
        ...


@dataclass(frozen=True, slots=True)
class Hashes:
    """Perceptual hashes of a picture, 64 bits each: `index` is kept, `query` is looked for among those kept."""

    index: Sequence[int]
    query: Sequence[int]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding a file gave.

    Attributes:
        made: its renditions. facts: width, height, ms (of play), pages.
        hashes: of its picture; None where there is none, or nothing to see on it.
        card: what its metadata say of where, when, with what and by whom (services/media/adapters/cards.py).
        text: read out of it. reason: why something is missing, a code of shared/media/outcomes.py.
    """

    made: Sequence[Made] = ()
    facts: Mapping[str, int] = field(default_factory=dict)
    hashes: Hashes | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    reason: str = ""


class Decoder(Protocol):
    """Opens a file, confined, and makes of it what people and machines can use."""

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        """Decode a file of MIME type `kind`; with `read` also for its text. A bad file is no error, but a reason.

        Raises DecoderUnavailableError.
        """
        ...

    async def release(self, decoded: Decoded) -> None:
        """Forget what decode made; nothing of it can be taken after this."""
        ...


class Converter(Protocol):
    """Makes of a file of ours, confined, what WhatsApp takes."""

    async def convert(self, chunks: AsyncIterator[bytes], kind: str, wish: Kind) -> Decoded:
        """Make of a file of MIME type `kind` what WhatsApp takes as `wish` (services/media/sending.py).

        One rendition, or none and the reason. Raises DecoderUnavailableError.
        """
        ...

    async def release(self, decoded: Decoded) -> None:
        """Forget what convert made; nothing of it can be taken after this."""
        ...


class Workshop(Decoder, Converter, Protocol):
    """Both."""
