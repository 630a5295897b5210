"""Whether a file is what it says it is, and whether it may be served: pure.

A type that does not fit its declaration is not guessed at: the file is put aside for a person. What each reason
means to an agent, and what helps, is shared/media/outcomes.py. Size: Meta, "Media", and AWS End User Messaging
Social user guide, "Supported media file types and sizes": 100 MB is the most of any type; the smaller limits of
pictures, sounds and films are for what we send.
"""

import base64
import binascii
from dataclasses import dataclass, field

from services.media.structure import Structure
from shared.media.outcomes import OUTCOMES

MIB = 1024 * 1024
SNIFFED_BYTES = 4096  # what libmagic needs of the formats WhatsApp carries
LIMIT = 100 * MIB
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
    frozenset({"audio/webm", "video/webm", "video/x-matroska"}),  # what browsers record
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
    """What a file turned out to be.

    Attributes:
        sha256: in hex. size: in bytes. sniffed: the type of its first bytes.
        structure: what its outer shape gives away.
        finding: what the scanner found, by the scanner's own name; None = nothing.
    """

    sha256: str
    size: int
    sniffed: str
    structure: Structure = field(default_factory=Structure)
    finding: str | None = None


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
    reason = _reason(kind, digest(declared_sha), found)
    state = OUTCOMES[reason].state if reason else "ready"
    if state != "ready":
        return Verdict(state, reason)
    return Verdict(state, reason, UNKNOWN if {kind, found.sniffed} & _ACTIVE else kind)


def refetch(declared_sha: str | None, found: Found) -> bool:
    """Whether what came is surely not what was sent, so that asking for it again may help."""
    expected = digest(declared_sha)
    return found.size == 0 if expected is None else expected != found.sha256


def _reason(kind: str, expected: str | None, found: Found) -> str:
    """The first reason that stands, the gravest first; empty = none."""
    shape = found.structure
    named = threat(found.finding) if found.finding else ""
    torn = expected is not None and expected != found.sha256
    reasons = (
        ("zero_bytes", found.size == 0),
        ("too_large", found.size > LIMIT),
        ("infected", named == "infected"),
        ("bomb", named == "bomb" or shape.bomb),
        ("truncated", torn and shape.cut),
        ("hash_mismatch", torn),
        ("program", found.sniffed in _PROGRAMS),
        ("polyglot", shape.polyglot),
        ("encrypted", named == "encrypted" or shape.encrypted),
        ("mismatch", not fits(kind, found.sniffed)),
        ("damaged", shape.cut),
    )
    return next((reason for reason, stands in reasons if stands), "")


def threat(finding: str) -> str:
    """The reason behind a scanner's finding: ClamAV's alerts about limits and passwords are no infections."""
    if finding.startswith("Heuristics.Limits.Exceeded"):
        return "bomb"
    return "encrypted" if finding.startswith("Heuristics.Encrypted") else "infected"


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
