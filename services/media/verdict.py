"""Whether a file is what it says it is, and whether it may be served: pure.

A type that does not fit its declaration is not guessed at: the file is put aside for a person. Sizes: AWS
End User Messaging Social user guide, "Supported media file types and sizes".
"""

import base64
import binascii
from dataclasses import dataclass

MIB = 1024 * 1024
HEAD_BYTES = 4096  # what libmagic needs of the formats WhatsApp carries
_LIMITS = {"audio": 16 * MIB, "video": 16 * MIB, "image": 5 * MIB}
_LIMIT = 100 * MIB  # documents
UNKNOWN = "application/octet-stream"

# What libmagic calls a container where the sender names the format inside it.
_ZIP = "application/zip"
_OLE = frozenset({"application/x-ole-storage", "application/cdfv2", "application/msword"})
_OFFICE = (
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.oasis.opendocument",
    "application/epub",
)
_OLD_OFFICE = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
_TEXTUAL = frozenset({"application/json", "application/xml", "application/rtf", "application/csv"})
# One thing under several names.
_SAME = (
    frozenset({"audio/ogg", "application/ogg", "video/ogg", "audio/opus"}),
    frozenset({"audio/mp4", "audio/x-m4a", "audio/m4a", "video/mp4", "audio/aac", "audio/x-hx-aac-adts"}),
    frozenset({"audio/mpeg", "audio/mp3"}),
    frozenset({"audio/amr", "audio/x-amr"}),
    frozenset({"video/3gpp", "video/3gp", "audio/3gpp", "video/mp4"}),
    frozenset({"image/jpeg", "image/jpg"}),
    frozenset({"text/rtf", "application/rtf"}),
    frozenset({"audio/wav", "audio/x-wav"}),
)
# What a browser may run. It is never served under its own name, whatever was declared.
_ACTIVE = frozenset(
    {"text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "application/javascript"}
)
# What a machine may run: never served at all.
_PROGRAMS = frozenset(
    {
        "application/x-dosexec",
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-pie-executable",
        "application/x-sharedlib",
        "application/x-mach-binary",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file turned out to be; `sniffed` is the type of its first bytes."""

    sha256: str
    size: int
    sniffed: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome: ready to be served as `served_as`, or put aside or lost with a `reason` (a metric label)."""

    state: str
    reason: str = ""
    served_as: str = UNKNOWN


def base_type(mime: str) -> str:
    """A MIME type without its parameters (`audio/ogg; codecs=opus`), in lower case."""
    return mime.partition(";")[0].strip().lower()


def judge(declared: str, declared_sha: str | None, found: Found) -> Verdict:
    """The verdict on a file.

    Args:
        declared: MIME type as the message names it.
        declared_sha: SHA-256 as the message names it, base64 or hex; one that cannot be read counts for nothing.
        found: what was seen.
    """
    kind = base_type(declared)
    if found.size == 0:
        return Verdict("failed", "zero_bytes")
    if found.size > _LIMITS.get(kind.partition("/")[0], _LIMIT):
        return Verdict("quarantined", "too_large")
    if (expected := digest(declared_sha)) is not None and expected != found.sha256:
        return Verdict("quarantined", "hash_mismatch")
    if found.sniffed in _PROGRAMS or not fits(kind, found.sniffed):
        return Verdict("quarantined", "mismatch")
    return Verdict("ready", served_as=UNKNOWN if {kind, found.sniffed} & _ACTIVE else kind)


def digest(text: str | None) -> str | None:
    """A SHA-256 in lower-case hex, read from base64 or hex; None for anything else."""
    try:
        raw = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) == 32:  # noqa: PLR2004 - bytes of a SHA-256
        return raw.hex()
    try:
        return text.lower() if text and len(bytes.fromhex(text)) == 32 else None  # noqa: PLR2004 - the same
    except ValueError:
        return None


def fits(declared: str, sniffed: str) -> bool:
    """Whether first bytes of type `sniffed` may belong to a file declared as `declared`."""
    if UNKNOWN in {declared, sniffed} or declared == sniffed:
        return True
    if any({declared, sniffed} <= group for group in _SAME):
        return True
    if sniffed == _ZIP:
        return declared.startswith(_OFFICE)
    if sniffed in _OLE:
        return declared in _OLD_OFFICE
    if sniffed.startswith("text/"):
        return declared.startswith("text/") or declared in _TEXTUAL
    return declared.startswith("text/") and sniffed in _TEXTUAL
